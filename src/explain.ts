// Says what a start would do with what is saved, and why, without doing it: the decision of `settle`, over records that are only read.
import { limits } from "./defaults.ts";
import type { LeaseOwner, WorkflowChange } from "./errors.ts";
import type { GraphMode } from "./graph.ts";
import type { EndedTask, ErrorText } from "./journal/end.ts";
import {
  begunAmong,
  currentLease,
  isLive,
  lastRun,
  originOf,
  readRecord,
  readStep,
  type SavedRun,
} from "./journal/history.ts";
import { gatherItems } from "./journal/items.ts";
import { type StepRecord, toStepRecord } from "./journal/journal.ts";
import { ownerOf } from "./journal/lease-errors.ts";
import { refuseDamaged } from "./journal/plan.ts";
import type { Store } from "./journal/store.ts";
import { inParallel } from "./parallel.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { findSkipped } from "./resumed.ts";
import { decide, type Decision } from "./settle.ts";
import type { Settings } from "./settings.ts";
import { resolveStart, type StartOptions } from "./start-options.ts";
import type { AddedTask } from "./task-list.ts";
import { lastOf } from "./task-values.ts";

/** Those options of `start` that decide what runs. `resume` is true unless it is given as false. */
export interface ExplainOptions extends Pick<StartOptions, "from" | "onChange" | "initialContext" | "resume"> {
  mode?: GraphMode;
}

export interface ExplainedTask {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  /** The ids of the tasks that have to end before it begins. */
  readonly after: readonly string[];
  /** `restore`: its record is kept, its function is not called. `skip`: its record says that it was skipped, and it stays so. */
  readonly will: "restore" | "run" | "skip";
  /** Why, as a text for people. */
  readonly reason: string;
  /** The run in which its record lies. */
  readonly runId: string | undefined;
  /** How it stood when the run last ended, where it has no record: `failed`, `waiting`, `pending` … */
  readonly lastStatus: string | undefined;
  readonly lastError: ErrorText | undefined;
}

/** What a start would do. */
export interface Explanation {
  readonly workflowId: string;
  /** The run that would be resumed; `undefined` where nothing is saved, or `resume` is false. */
  readonly runId: string | undefined;
  /** Whether the start goes on with that run, or begins one, which may refer to records of it. */
  readonly run: "same" | "new";
  readonly mode: GraphMode;
  /** What differs from the saved definitions. */
  readonly changes: readonly WorkflowChange[];
  /** Whether the start would reject with a `WorkflowChangedError`. Then `tasks` says what `onChange: "rerun"` would do. */
  readonly refused: boolean;
  /** Who drives the workflow now: a start would be refused, or wait. */
  readonly owner: LeaseOwner | undefined;
  /** In the order in which they were added. */
  readonly tasks: readonly ExplainedTask[];
}

/** Reads, and neither takes the lease nor writes. What it says holds as long as nobody else drives the workflow. */
export async function explain(
  settings: Settings,
  tasks: readonly AddedTask[],
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { store, clock, workflowId } = settings;
  const start = resolveStart({ resume: true, ...options });
  const prepared = await prepare(settings, tasks, start);
  const lease = await currentLease(store);
  const last = start.resume ? await lastRun(store, lease) : undefined;
  for (const { run } of start.resume ? (lease?.body.runs ?? []) : []) {
    if (run === last?.plan.runId) break;
    await refuseDamaged(store, run);
  }
  // The run of a workflow that is a step of another one is not for a start of its own.
  const saved = last?.plan.parent === undefined ? last : undefined;
  const saves = {
    isSaved: (id: string): boolean => saved !== undefined && (saved.saved.has(id) || id in saved.plan.kept),
    begunAmong: async (ids: readonly string[]): Promise<readonly string[]> =>
      saved ? begunAmong(store, saved, ids) : [],
  };
  const asked = await decide(prepared, saved?.plan, saves, start.onChange);
  const changes = asked.restoration?.changes ?? [];
  const refused = changes.length > 0 && start.onChange === "raise";
  const decision = refused ? await decide(prepared, saved?.plan, saves, "rerun") : asked;
  const intact = lease?.body.intact === true;
  return {
    workflowId,
    runId: saved?.plan.runId,
    run: decision.restoration?.run ?? "new",
    mode: prepared.graph.mode,
    changes,
    refused,
    owner: lease && isLive(lease, clock.now()) ? ownerOf(lease.body, lease.generation) : undefined,
    tasks: saved ? await explainSaved(store, saved, prepared, decision, intact) : explainNew(prepared),
  };
}

function explainNew({ tasks, graph }: Prepared): ExplainedTask[] {
  return tasks.map(({ id, name, group }, index) => ({
    id,
    name,
    group,
    after: namesBefore(graph, index),
    will: "run",
    reason: "nothing is saved",
    runId: undefined,
    lastStatus: undefined,
    lastError: undefined,
  }));
}

async function explainSaved(
  store: Store,
  run: SavedRun,
  { tasks, graph }: Prepared,
  { restoration, present }: Decision,
  intact: boolean,
): Promise<ExplainedTask[]> {
  const kept = new Set(restoration?.kept);
  const torn = intact ? new Set<string>() : await findTorn(store, run, graph, kept);
  for (const id of torn) kept.delete(id);
  const reader = { isSaved: (id: string): boolean => kept.has(id), read: (id: string) => readSaved(store, run, id) };
  const skipped = await findSkipped(graph, reader, (index) => present[index]?.when ?? false);
  const ended = new Map<string, EndedTask>((run.end?.tasks ?? []).map((task) => [task.id, task]));
  return tasks.map(({ id, name, group }, index) => {
    const isKept = kept.has(id);
    const skip = skipped.get(index);
    const end = isKept ? undefined : ended.get(id);
    const why = torn.has(id) ? "its record is cut short" : (restoration?.reasons.get(id) ?? "no record");
    return {
      id,
      name,
      group,
      after: namesBefore(graph, index),
      will: skip !== undefined ? "skip" : isKept ? "restore" : "run",
      reason: skip ?? (isKept ? `restored from run ${originOf(run, id)}` : why),
      runId: isKept ? originOf(run, id) : undefined,
      lastStatus: end?.status,
      lastError: end?.error,
    };
  });
}

/** After a start that did not end in order, a resume looks whether the last records are whole. */
async function findTorn(
  store: Store,
  run: SavedRun,
  graph: Prepared["graph"],
  kept: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const isKept = (index: number): boolean => kept.has(graph.nodes[index]?.id ?? "");
  const last = lastOf(
    graph.nodes.filter(({ index }) => isKept(index)),
    isKept,
  );
  if (last.length > limits.tornChecks) return new Set();
  const torn = await inParallel(last, async ({ id }) => ((await readSaved(store, run, id)) ? [] : [id]));
  return new Set(torn.flat());
}

async function readSaved(store: Store, run: SavedRun, taskId: string): Promise<StepRecord | undefined> {
  const record = await readStep(store, run, taskId);
  if (!record) return undefined;
  const step = toStepRecord(record);
  const value = await gatherItems(store, originOf(run, taskId), taskId, step.value, (key) =>
    readRecord(store, run, key),
  );
  return { ...step, value };
}

function namesBefore(graph: Prepared["graph"], index: number): string[] {
  return graph.nodes[index]?.dependencies.map((dependency) => graph.nodes[dependency]?.id ?? "") ?? [];
}
