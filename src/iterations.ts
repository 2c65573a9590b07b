// A task, or an item of one, through its iterations to its outcome.
import { execute } from "./attempt.ts";
import type { AskedSnapshot, AttemptHost, ExecutedTask, Outcome } from "./execution.ts";
import { MaxIterationsError } from "./errors.ts";
import type { TaskParts } from "./journal/task-parts.ts";
import { noChanges } from "./run-state.ts";
import { IterationParts } from "./step-parts.ts";

export interface Iterations extends ExecutedTask {
  /** Gives a new copy at every call. */
  readonly previous: () => unknown;
  readonly maxIterations: number;
  /** Where one that begins now saves things on its way. */
  readonly parts: () => TaskParts;
  /**
   * Called when an iteration, or an item, is about to be saved, with the snapshots that were asked for and the key of the
   * record: with it they count. `iteration` is that of a loop.
   */
  readonly onSaving: (snapshots: SnapshotsAsked) => Promise<void>;
  /** Called when an iteration of a loop is saved, and with the one that it goes on from; `run` has that where it is not this one. */
  readonly onSaved: (iteration: number, run?: string) => void;
  /** Whether what it gives is recorded; an iteration that is not is not either. */
  readonly isRecorded: boolean;
}

/** Snapshots that a step asked for in what is about to be recorded. */
export interface SnapshotsAsked {
  readonly snapshots: readonly AskedSnapshot[];
  /** Of the record; that of the task where it is missing. */
  readonly key?: string;
  readonly iteration?: number;
  readonly changesState: boolean;
}

export type IterationsOutcome = Outcome & {
  /** How many iterations it has had in all, the one that ended it included. */
  readonly iterations: number;
};

/** `found` is what was saved on the way by one that was interrupted. */
export async function runIterations(
  host: AttemptHost,
  task: Iterations,
  found: TaskParts | undefined,
): Promise<IterationsOutcome> {
  const last = await found?.lastIteration();
  if (last) {
    host.state.commit(last.value.changes);
    task.onSaved(last.number, last.run);
  }
  let parts = found;
  const saved = (): TaskParts => (parts ??= task.parts());
  let previous = last ? (): unknown => host.codec.decode(last.value) : task.previous;
  let changes = last?.value.changes ?? noChanges;
  const errors: Error[] = [];
  let attempts = 0;
  for (let iteration = (last?.number ?? 0) + 1; ; iteration++) {
    const iterations = iteration - 1;
    if (iteration > task.maxIterations)
      return { status: "failed", attempts, errors: [...errors, tooMany(host, task)], iterations };
    const kept =
      parts && iteration === (last?.number ?? 0) + 1 ? await IterationParts.open(parts, iteration) : undefined;
    const outcome = await execute(host, {
      task,
      previous,
      iteration,
      changes,
      parts: lazily(() => kept ?? IterationParts.begin(saved(), iteration)),
    });
    attempts += outcome.attempts;
    errors.push(...outcome.errors);
    if (outcome.status !== "completed") return { ...outcome, attempts, errors, iterations };
    if (!outcome.again) return { ...outcome, attempts, errors, iterations: iteration };
    await host.turns.give();
    await task.ensure();
    if (task.isRecorded && outcome.snapshots.length > 0) {
      const { value, snapshots } = outcome;
      await task.onSaving({
        snapshots,
        key: saved().iterationKey(iteration),
        iteration,
        changesState: !!value.changes,
      });
    }
    const value = task.isRecorded
      ? await saved().saveIteration(iteration, { iteration, attempts: outcome.attempts }, outcome.value)
      : outcome.value;
    if (task.isRecorded) host.state.commit(value.changes);
    changes = value.changes ?? changes;
    task.onSaved(iteration);
    const { taskId, action, item } = task;
    const ofItem = item === undefined ? {} : { item };
    host.observers.emit({ type: "step.iterated", taskId, name: action.name, iteration, ...ofItem });
    previous = () => host.codec.decode(value);
    if (host.stop.requested) return { status: "cancelled", attempts, errors, iterations: iteration };
    if (host.drain.requested) return { status: "pending", attempts, errors, iterations: iteration };
  }
}

function tooMany({ workflowId, runId }: AttemptHost, { taskId, maxIterations }: Iterations): MaxIterationsError {
  return new MaxIterationsError(
    `Task "${taskId}" asked to run more than ${maxIterations} times, as maxIterations says. What it did is saved: start with resume: true and a higher maxIterations to go on.`,
    { workflowId, runId, taskId },
  );
}

function lazily<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
