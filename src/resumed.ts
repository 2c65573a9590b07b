// What a resume has to know of saved tasks before the first one runs: which were skipped, and what they shared.
import type { Graph } from "./graph.ts";
import { inParallel } from "./parallel.ts";
import type { Recorder } from "./recorder.ts";
import type { RunState } from "./run-state.ts";

/** The reasons of tasks whose records say that they were skipped. Only the records of those with a condition are read. */
export async function findSkipped(
  graph: Graph,
  recorder: Pick<Recorder, "isSaved" | "read">,
  isConditional: (index: number) => boolean,
): Promise<ReadonlyMap<number, string>> {
  const conditional = graph.nodes.filter(({ index, id }) => isConditional(index) && recorder.isSaved(id));
  const found = await inParallel(conditional, async ({ index, id }) => {
    const { status, reason } = (await recorder.read(id))?.facts ?? {};
    return status === "skipped" ? ([[index, String(reason)]] as const) : [];
  });
  return new Map(found.flat());
}

/** Reads what the steps have shared so far, those included that were interrupted: `ready` are the tasks that run next. */
export async function loadState(
  graph: Graph,
  recorder: Recorder,
  ready: readonly string[],
  state: RunState,
): Promise<void> {
  const saved = graph.nodes.filter(({ id }) => recorder.isSaved(id));
  for (const changes of await inParallel(saved, ({ id }) => recorder.changesOf(id))) state.commit(changes);
  const interrupted = ready.filter((id) => recorder.parts.mayHave(id));
  const parts = await inParallel(interrupted, async (id) => (await recorder.parts.saved(id)).changes());
  for (const changes of parts.flat()) state.commit(changes);
}
