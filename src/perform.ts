// One task, from its condition to its outcome. What it saves on its way lies with the recorder.
import { asError } from "./attempt.ts";
import type { AttemptHost } from "./execution.ts";
import { AttemptControl } from "./attempt-control.ts";
import { Context } from "./context.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { runIterations } from "./iterations.ts";
import { performMap } from "./map-items.ts";
import { show } from "./options.ts";
import type { Condition, Performance, TaskOutcome } from "./performance.ts";

export async function perform(host: AttemptHost, task: Performance): Promise<TaskOutcome> {
  const found = task.saved && (await task.saved());
  if (task.when && (found?.isEmpty ?? true)) {
    const verdict = await judge(host, task.when, task);
    if (verdict !== true) return { attempts: 0, errors: [], iterations: 0, ...verdict };
    await task.ensure();
  }
  task.onBegin();
  return task.map ? performMap(host, task, task.map, found ?? task.parts()) : runIterations(host, task, found);
}

type Verdict =
  | { readonly status: "skipped" | "cancelled" | "pending" }
  | { readonly status: "failed"; readonly errors: readonly Error[] };

/** Whether the task is to run; else how it ends without having run. */
async function judge(
  { workflowId, runId, clock, stop, drain }: AttemptHost,
  when: Condition,
  { previous, taskId }: Performance,
): Promise<true | Verdict> {
  // Like an attempt, it must not keep a run that is told to stop.
  const details = { workflowId, runId, taskId };
  const control = new AttemptControl({ clock, stop, details, attempt: 1, timeout: undefined });
  try {
    const verdict = await control.limit(async () => when(new Context(previous()) as Context<never>));
    if (verdict === false) return { status: "skipped" };
    if (stop.requested) return { status: "cancelled" };
    if (verdict === true) return drain.requested ? { status: "pending" } : true;
    throw new InvalidWorkflowError(
      `The condition of "${taskId}" gave ${show(verdict)}. It must give true or false.`,
      details,
    );
  } catch (thrown) {
    if (stop.requested) return { status: "cancelled" };
    return { status: "failed", errors: [asError(thrown)] };
  }
}
