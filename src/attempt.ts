// One task, from its first attempt to its outcome: time-outs, retries, schemas. It saves nothing.
import { types } from "node:util";
import { endOf } from "./attempt-control.ts";
import { type Clock, sleep } from "./clock.ts";
import { Again, Context, StepContext } from "./context.ts";
import { InvalidWorkflowError } from "./errors.ts";
import type { AskedSnapshot, AttemptHost, Execution, Outcome } from "./execution.ts";
import { show } from "./options.ts";
import { delayAfter, isRetried } from "./retry.ts";
import { validate } from "./schema.ts";
import { encodeAs, type EncodedValue } from "./serializer.ts";
import { StepScope } from "./step-scope.ts";
import type { Stop } from "./stop.ts";

/**
 * Executes a task until it completes, fails for good, or is told to stop. Rejects with what `ensure` does, and where what
 * the step saves on its way can't be saved; never for what the step does.
 */
export async function execute(host: AttemptHost, execution: Execution): Promise<Outcome> {
  const { clock, stop, observers } = host;
  const { action, taskId, item } = execution.task;
  const errors: Error[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      const { value, snapshots, again } = await oneAttempt(host, execution, attempt);
      return { status: "completed", value, snapshots, again, attempts: attempt, errors };
    } catch (thrown) {
      const end = endOf(thrown);
      if (end && "broken" in end) throw end.broken;
      if (end?.wait.any?.length === 0) return { status: "pending", attempts: attempt, errors };
      if (end) return { status: "waiting", wait: end.wait, attempts: attempt, errors };
      const error = asError(thrown);
      if (stop.requested)
        return { status: "cancelled", attempts: attempt, errors: thrown === stop.reason ? errors : [...errors, error] };
      errors.push(error);
      if (finals.has(error) || !shouldRetry(host, execution, attempt, thrown))
        return { status: "failed", attempts: attempt, errors };
      const delayMs = delayAfter(action.retry, attempt, host.random());
      if (host.drain.requested) return { status: "pending", attempts: attempt, errors };
      const ofItem = item === undefined ? {} : { item };
      observers.emit({ type: "step.retrying", taskId, name: action.name, attempt, error, delayMs, ...ofItem });
      await pauseUnless(clock, delayMs, stop, host.drain);
      if (stop.requested) return { status: "cancelled", attempts: attempt, errors };
      if (host.drain.requested) return { status: "pending", attempts: attempt, errors };
    }
  }
}

function shouldRetry(
  host: AttemptHost,
  { task: { action, taskId } }: Execution,
  attempt: number,
  thrown: unknown,
): boolean {
  try {
    return isRetried(action.retry, attempt, thrown);
  } catch (cause) {
    host.observers.warn(`retryIf of "${taskId}" failed, so the task is not tried again: ${asError(cause).message}`, {
      taskId,
      cause,
    });
    return false;
  }
}

/** Errors after which another attempt makes no sense: the input, or a result that can't be saved, would be the same. */
const finals = new WeakSet<Error>();

interface Given {
  readonly value: EncodedValue;
  readonly snapshots: readonly AskedSnapshot[];
  readonly again: boolean;
}

async function oneAttempt(host: AttemptHost, execution: Execution, attempt: number): Promise<Given> {
  const { observers, codec, workflowId, runId } = host;
  const { task, iteration } = execution;
  const { action, taskId, item } = task;
  const scope = new StepScope(host, execution, attempt);
  const { details, control } = scope;
  const unchecked = final(execution.previous);
  const previous = action.input ? await validate(action.input, unchecked, "input", details).catch(asFinal) : unchecked;
  let given: Given | undefined;
  const call = async (): Promise<unknown> => {
    const step = new StepContext(scope);
    let result: unknown;
    try {
      result = await action.call(task.self, new Context(previous), step);
    } catch (error) {
      // What is being done once beside a failure is saved first: the next attempt, or a resume, must not do it again.
      await scope.idle();
      throw error;
    }
    const again = result instanceof Again;
    if (step.askedForMore && !again) throw forgotten(taskId, details);
    let value = result instanceof Again ? result.value : result;
    if (action.output && !again) value = await validate(action.output, value, "output", details);
    // At once: what an observer does to the value afterwards does not reach the record.
    const encodedValue = final(() => encodeAs(codec, value, `The result of "${taskId}"`, details));
    const changes = scope.changes();
    given = { snapshots: scope.snapshots, value: changes ? { ...encodedValue, changes } : encodedValue, again };
    return value;
  };
  const observed = { workflowId, runId, taskId, name: action.name, attempt, iteration, item };
  try {
    // Nothing comes between this and the step: whatever runs there may take its time, and the run with it.
    const late = task.ensure();
    if (late) await late.catch((cause: unknown) => control.end({ broken: cause }));
    control.throwIfEnded();
    await control.limit(() => observers.around(observed, call));
  } finally {
    // One that is told to stop saves what it can, and lets go of its lease.
    if (scope.within) await scope.within.catch(() => {});
    control.throwIfEnded();
  }
  return given as unknown as Given;
}

function forgotten(taskId: string, details: { workflowId: string; runId: string; taskId: string }): Error {
  return new InvalidWorkflowError(
    `"${taskId}" called step.again and gave something else. Write return step.again(value).`,
    details,
  );
}

function final<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return asFinal(error);
  }
}

function asFinal(thrown: unknown): never {
  const error = asError(thrown);
  finals.add(error);
  throw error;
}

/** Waits for a time, or until one of `stops` is requested. */
export async function pauseUnless(clock: Clock, milliseconds: number, ...stops: Stop[]): Promise<void> {
  const controller = new AbortController();
  const unsubscribe = stops.map((stop) => stop.onRequest(() => controller.abort()));
  await sleep(clock, milliseconds, controller.signal).catch(() => {});
  for (const undo of unsubscribe) undo();
}

/** What was thrown, as an error that can be read: a step may throw anything, even what throws when it is looked at. */
export function asError(thrown: unknown): Error {
  try {
    if (!(thrown instanceof Error || types.isNativeError(thrown)))
      return new Error(typeof thrown === "string" ? thrown : `It threw ${show(thrown)}, which is no Error.`, {
        cause: thrown,
      });
    return [thrown.name, thrown.message, thrown.stack ?? ""].every((part) => typeof part === "string")
      ? thrown
      : new Error("It threw an Error whose name, message or stack is no text.", { cause: thrown });
  } catch {
    return new Error("It threw something that can't be looked at.");
  }
}
