// One task, from its first attempt to its outcome: time-outs, retries, schemas. It saves nothing.
import { createHash } from "node:crypto";
import { types } from "node:util";
import type { ActionDefinition } from "./action.ts";
import { type Clock, sleep } from "./clock.ts";
import { Context, StepContext } from "./context.ts";
import { limits } from "./defaults.ts";
import { SerializationError, StepTimeoutError } from "./errors.ts";
import type { Observers } from "./observers.ts";
import { show } from "./options.ts";
import { delayAfter, isRetried } from "./retry.ts";
import { validate } from "./schema.ts";
import type { EncodedValue, ValueCodec } from "./serializer.ts";
import type { Stop } from "./stop.ts";

/** What all attempts of a run share. */
export interface AttemptHost {
  readonly workflowId: string;
  readonly runId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly codec: ValueCodec;
  readonly observers: Observers;
  readonly stop: Stop;
}

/** One task to execute. `previous` and `initial` give a new copy at every call, so that an attempt can't spoil the next one's. */
export interface Execution {
  readonly taskId: string;
  readonly action: ActionDefinition;
  readonly self: unknown;
  readonly previous: () => unknown;
  readonly initial: () => unknown;
  /** Rejects where another process has taken the run over meanwhile. */
  readonly ensure: () => Promise<void>;
}

export type Outcome =
  | {
      readonly status: "completed";
      readonly value: EncodedValue;
      readonly attempts: number;
      readonly errors: readonly Error[];
    }
  | { readonly status: "failed" | "cancelled"; readonly attempts: number; readonly errors: readonly Error[] };

/** Executes a task until it completes, fails for good, or is told to stop. Rejects with what `ensure` does, never for what the step does. */
export async function execute(host: AttemptHost, execution: Execution): Promise<Outcome> {
  const { clock, stop, observers } = host;
  const { action, taskId } = execution;
  const errors: Error[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      const value = await oneAttempt(host, execution, attempt);
      return { status: "completed", value, attempts: attempt, errors };
    } catch (thrown) {
      const error = asError(thrown);
      if (stop.requested)
        return { status: "cancelled", attempts: attempt, errors: thrown === stop.reason ? errors : [...errors, error] };
      errors.push(error);
      if (finals.has(error) || !shouldRetry(host, execution, attempt, thrown))
        return { status: "failed", attempts: attempt, errors };
      const delayMs = delayAfter(action.retry, attempt, host.random());
      observers.emit({ type: "step.retrying", taskId, name: action.name, attempt, error, delayMs });
      await pause(clock, delayMs, stop);
      if (stop.requested) return { status: "cancelled", attempts: attempt, errors };
      await execution.ensure();
    }
  }
}

function shouldRetry(host: AttemptHost, { action, taskId }: Execution, attempt: number, thrown: unknown): boolean {
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

async function oneAttempt(host: AttemptHost, execution: Execution, attempt: number): Promise<EncodedValue> {
  const { workflowId, runId, observers, codec } = host;
  const { action, taskId } = execution;
  const details = { workflowId, runId, taskId };
  const given = final(execution.previous);
  const previous = action.input ? await validate(action.input, given, "input", details).catch(asFinal) : given;
  const control = new AttemptControl(host, execution, attempt);
  const step = new StepContext({
    ...details,
    attempt,
    iteration: 1,
    idempotencyKey: () => idempotencyKey(workflowId, runId, taskId),
    signal: () => control.signal,
    initial: execution.initial,
  });
  let encoded: EncodedValue | undefined;
  const call = async (): Promise<unknown> => {
    const result = await action.call(execution.self, new Context(previous), step);
    const value = action.output ? await validate(action.output, result, "output", details) : result;
    // At once: what an observer does to the value afterwards does not reach the record.
    encoded = final(() => encode(codec, value, details));
    return value;
  };
  const observed = { ...details, name: action.name, attempt };
  await control.limit(() => observers.around(observed, call));
  return encoded as unknown as EncodedValue;
}

function encode(
  codec: ValueCodec,
  value: unknown,
  details: { workflowId: string; runId: string; taskId: string },
): EncodedValue {
  try {
    return codec.encode(value);
  } catch (error) {
    const { message, path } = error as SerializationError;
    throw new SerializationError(`The result of "${details.taskId}" can't be saved: ${message}`, {
      ...details,
      path,
      cause: error,
    });
  }
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

/** The time limit and the signal of one attempt. The signal is made when it is asked for: most steps never do. */
class AttemptControl {
  readonly #host: AttemptHost;
  readonly #execution: Execution;
  readonly #attempt: number;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(host: AttemptHost, execution: Execution, attempt: number) {
    this.#host = host;
    this.#execution = execution;
    this.#attempt = attempt;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Begins `work`, and settles as it does; rejects when its time is over, or a while after the run was told to stop. Later results are dropped. */
  limit(work: () => Promise<unknown>): Promise<unknown> {
    const { clock, stop } = this.#host;
    const { action } = this.#execution;
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = [];
      const finish =
        <Result>(settle: (result: Result) => void) =>
        (result: Result): void => {
          for (const cancel of undo) cancel();
          settle(result);
        };
      const fail = finish(reject);
      const { timeout } = action;
      if (timeout !== undefined) {
        const onTimeout = (): void => {
          const error = this.#timeoutError(timeout);
          this.#abort(error);
          fail(error);
        };
        undo.push(clock.timer(timeout, onTimeout));
      }
      const onStop = (): void => {
        this.#abort(stop.reason);
        undo.push(clock.timer(limits.cancelGrace, () => fail(stop.reason)));
      };
      undo.push(stop.onRequest(onStop));
      work().then(finish(resolve), fail);
    });
  }

  #abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }

  #timeoutError(timeout: number): StepTimeoutError {
    const { workflowId, runId } = this.#host;
    const { taskId } = this.#execution;
    return new StepTimeoutError(
      `Attempt ${this.#attempt} of "${taskId}" took longer than its timeout of ${timeout} ms. What it gives later is dropped. Raise the timeout, or let the step heed step.signal.`,
      { workflowId, runId, taskId },
    );
  }
}

async function pause(clock: Clock, milliseconds: number, stop: Stop): Promise<void> {
  const controller = new AbortController();
  const unsubscribe = stop.onRequest(() => controller.abort());
  await sleep(clock, milliseconds, controller.signal).catch(() => {});
  unsubscribe();
}

function idempotencyKey(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** What was thrown, as an error that can be read: a step may throw anything, even what throws when it is looked at. */
function asError(thrown: unknown): Error {
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
