// One task, from its first attempt to its outcome: time-outs, retries, schemas. It saves nothing.
import { createHash } from "node:crypto";
import { types } from "node:util";
import type { ActionDefinition } from "./action.ts";
import { AttemptControl, endOf } from "./attempt-control.ts";
import { type Clock, sleep } from "./clock.ts";
import { Again, Context, StepContext } from "./context.ts";
import { InvalidWorkflowError, LeaseLostError, StorageError } from "./errors.ts";
import type { Observers } from "./observers.ts";
import { isName, refuseUnknown, show } from "./options.ts";
import { delayAfter, isRetried } from "./retry.ts";
import { type IterationParts, StepParts } from "./step-parts.ts";
import { StepWaits, type Wait } from "./step-waits.ts";
import { validate } from "./schema.ts";
import { type RunState, StepState } from "./run-state.ts";
import { type Changes, encodeAs, type EncodedValue, type ValueCodec } from "./serializer.ts";
import type { Stop } from "./stop.ts";
import type { Turns } from "./turns.ts";
import type { SubWorkflow } from "./sub-workflow.ts";

/** What all attempts of a run share. */
export interface AttemptHost {
  readonly workflowId: string;
  readonly runId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly codec: ValueCodec;
  readonly observers: Observers;
  readonly stop: Stop;
  readonly state: RunState;
  /** Gives timers and I/O their turn. */
  readonly turns: Turns;
  /** The workflow that was started, and its task that this run belongs to, where that is another one. */
  readonly outermost: { readonly workflowId: string; readonly taskId: string } | undefined;
  readonly runWorkflow: (workflow: SubWorkflow, task: SubWorkflowTask) => Promise<SubWorkflowEnd>;
  /** Requested when nothing new is to begin any more: what runs may end. */
  readonly drain: Stop;
}

/** How a workflow runs that is a step of this one. */
export interface SubWorkflowTask {
  readonly taskId: string;
  /** One that follows from a failure is not, and begins anew with each start. */
  readonly isRecorded: boolean;
  readonly input: unknown;
  readonly signal: AbortSignal;
}

/** What it gave, or what it waits for: for nothing where the deadline came. */
export type SubWorkflowEnd = { readonly output: unknown } | { readonly waiting: readonly Wait[] };

/** One task to execute. `previous` and `initial` give a new copy at every call, so that an attempt can't spoil the next one's. */
export interface Execution {
  readonly taskId: string;
  readonly action: ActionDefinition;
  readonly self: unknown;
  readonly previous: () => unknown;
  readonly initial: () => unknown;
  /** Changes of the shared state by earlier iterations. */
  readonly changes: Changes;
  /** Of an item of a map. */
  readonly item?: string | undefined;
  /** From 1. */
  readonly iteration: number;
  /** Where the step saves things on its way; made when it first does. */
  readonly parts: () => IterationParts;
  /** The run in which the task began: it may go on in another one. */
  readonly beganIn: string;
  /** Whether what it gives is recorded. @default true */
  readonly isRecorded: boolean;
  /** Makes sure, at once or when the promise resolves, that no other process has taken the run over meanwhile. */
  readonly ensure: () => Promise<void> | undefined;
}

export type Outcome =
  | {
      readonly status: "completed";
      readonly value: EncodedValue;
      /** Snapshots that the step asked for, to be made when this is saved. */
      readonly snapshots: readonly AskedSnapshot[];
      /** Whether the step asks to run once more, with `value`. */
      readonly again: boolean;
      readonly attempts: number;
      readonly errors: readonly Error[];
    }
  | {
      readonly status: "waiting";
      readonly wait: Wait;
      readonly attempts: number;
      readonly errors: readonly Error[];
    }
  | {
      readonly status: "failed" | "cancelled" | "pending";
      readonly attempts: number;
      readonly errors: readonly Error[];
    };

/**
 * Executes a task until it completes, fails for good, or is told to stop. Rejects with what `ensure` does, and where what
 * the step saves on its way can't be saved; never for what the step does.
 */
export async function execute(host: AttemptHost, execution: Execution): Promise<Outcome> {
  const { clock, stop, observers } = host;
  const { action, taskId } = execution;
  const errors: Error[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      return { status: "completed", ...(await oneAttempt(host, execution, attempt)), attempts: attempt, errors };
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
      const ofItem = execution.item === undefined ? {} : { item: execution.item };
      observers.emit({ type: "step.retrying", taskId, name: action.name, attempt, error, delayMs, ...ofItem });
      await pauseUnless(clock, delayMs, stop, host.drain);
      if (stop.requested) return { status: "cancelled", attempts: attempt, errors };
      if (host.drain.requested) return { status: "pending", attempts: attempt, errors };
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

/** A snapshot that a step asked for. */
export interface AskedSnapshot {
  readonly id: string;
  readonly metadata: EncodedValue;
}

interface Given {
  readonly value: EncodedValue;
  readonly snapshots: readonly AskedSnapshot[];
  readonly again: boolean;
}

async function oneAttempt(host: AttemptHost, execution: Execution, attempt: number): Promise<Given> {
  const { workflowId, runId, observers, codec } = host;
  const { action, taskId, isRecorded } = execution;
  const details = { workflowId, runId, taskId };
  const unchecked = final(execution.previous);
  const previous = action.input ? await validate(action.input, unchecked, "input", details).catch(asFinal) : unchecked;
  const control = new AttemptControl({ clock: host.clock, stop: host.stop, details, attempt, timeout: action.timeout });
  const requireCurrent = (): void => control.requireCurrent();
  let parts: StepParts | undefined;
  const partsOfStep = (): StepParts =>
    (parts ??= new StepParts({
      kept: execution.parts(),
      codec,
      details,
      startAgain: host.outermost ?? details,
      requireCurrent,
      ensure: execution.ensure,
      onBroken: (cause) => control.end({ broken: cause }),
    }));
  let within: Promise<SubWorkflowEnd> | undefined;
  let waits: StepWaits | undefined;
  let state: StepState | undefined;
  const snapshots: AskedSnapshot[] = [];
  const step = new StepContext({
    ...details,
    attempt,
    iteration: execution.iteration,
    idempotencyKey: () => idempotencyKey(workflowId, execution),
    signal: () => control.signal,
    initial: execution.initial,
    parts: partsOfStep,
    runWorkflow: (workflow, input) => {
      const ended = host.runWorkflow(workflow, { taskId, isRecorded, input, signal: control.signal });
      within = ended;
      return outputOf(ended, control);
    },
    checkpoint: (options) => {
      requireCurrent();
      snapshots.push(askedSnapshot(codec, options, details));
    },
    state: () =>
      (state ??= new StepState({ state: host.state, codec, details, before: execution.changes, requireCurrent })),
    waits: () =>
      (waits ??= new StepWaits({
        parts: execution.parts().parts,
        iteration: execution.iteration,
        codec,
        clock: host.clock,
        details,
        requireCurrent,
        guarded: (work) => partsOfStep().guarded(work),
        onWait: () => partsOfStep().beginWait(),
        idle: () => partsOfStep().idle(),
        isIdle: () => partsOfStep().isIdle,
        suspend: (wait) => control.end({ wait }),
      })),
  });
  let given: Given | undefined;
  const call = async (): Promise<unknown> => {
    const result = await settled(
      () => action.call(execution.self, new Context(previous), step),
      () => parts?.idle(),
    );
    const again = result instanceof Again;
    if (step.askedForMore && !again) throw forgotten(taskId, details);
    const value = again
      ? result.value
      : action.output
        ? await validate(action.output, result, "output", details)
        : result;
    // At once: what an observer does to the value afterwards does not reach the record.
    const encodedValue = final(() => encodeAs(codec, value, `The result of "${taskId}"`, details));
    const changes = state ? state.changes() : execution.changes.size > 0 ? execution.changes : undefined;
    given = { snapshots, value: changes ? { ...encodedValue, changes } : encodedValue, again };
    return value;
  };
  const { iteration, item } = execution;
  const observed = { ...details, name: action.name, attempt, iteration, item };
  try {
    // Nothing comes between this and the step: whatever runs there may take its time, and the run with it.
    const late = execution.ensure();
    if (late) await late.catch((cause: unknown) => control.end({ broken: cause }));
    control.throwIfEnded();
    await control.limit(() => observers.around(observed, call));
  } finally {
    // One that is told to stop saves what it can, and lets go of its lease.
    await within?.catch(() => {});
    control.throwIfEnded();
  }
  return given as unknown as Given;
}

/** What a workflow gives that runs as the step. One that waits ends the attempt; a storage or a lease that fails it ends the run. */
async function outputOf(ended: Promise<SubWorkflowEnd>, control: AttemptControl): Promise<unknown> {
  try {
    const end = await ended;
    if ("output" in end) return end.output;
    control.end({ wait: { signal: undefined, until: undefined, any: end.waiting } });
  } catch (error) {
    if (!(error instanceof StorageError || error instanceof LeaseLostError)) throw error;
    control.end({ broken: error });
  }
  return new Promise<never>(() => {});
}

/** What is being done once beside a failure is saved first: the next attempt, or a resume, must not do it again. */
async function settled(work: () => unknown, idle: () => Promise<void> | undefined): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    await idle();
    throw error;
  }
}

function askedSnapshot(
  codec: ValueCodec,
  options: { id: string; metadata?: unknown },
  details: { workflowId: string; runId: string; taskId: string },
): AskedSnapshot {
  refuseUnknown(options, ["id", "metadata"], `step.checkpoint of "${details.taskId}"`);
  const { id, metadata } = options;
  if (isName(id)) return { id, metadata: codec.encode(metadata) };
  throw new InvalidWorkflowError(
    `step.checkpoint of "${details.taskId}" was given the id ${show(id)}. Give a well-formed text that is not empty.`,
    details,
  );
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

/** The first iteration has the key that a task without iterations has. */
function idempotencyKey(workflowId: string, { beganIn, taskId, item, iteration }: Execution): string {
  const task = [workflowId, beganIn, taskId];
  const parts = [...task, ...(item === undefined ? [] : [item]), ...(iteration > 1 ? [iteration] : [])];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
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
