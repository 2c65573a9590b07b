// What observers receive: one union of events, by `type`. And what an observer is.
import type { ItemCounts } from "./item-counts.ts";

interface EventBase {
  readonly workflowId: string;
  /** Empty for a `warning` and for `run.refused` where no run was found or begun yet. */
  readonly runId: string;
  /** Of one start: when the same run is resumed, its events have another one. */
  readonly startId: string;
  readonly time: Date;
}

interface StepEvent extends EventBase {
  readonly taskId: string;
  /** The name of the action. */
  readonly name: string;
}

interface RunEnded extends EventBase {
  readonly durationMs: number;
  readonly succeeded: number;
  readonly restored: number;
  readonly failed: number;
  readonly skipped: number;
  /** What kept the run from going on, where no step failed but, say, the storage. `start` rejects with it. */
  readonly error?: Error;
}

/** A run began that no earlier one is continued by. */
interface RunStarted extends EventBase {
  readonly type: "run.started";
  readonly mode: string;
  readonly total: number;
}

/** A saved run goes on, or a new one that takes records over from it. */
interface RunResumed extends EventBase {
  readonly type: "run.resumed";
  readonly mode: string;
  readonly total: number;
  readonly restored: number;
  readonly previousRunId: string;
  /** What observers gave as their `note` at the start before this one, each under the observer's name. */
  readonly notes: Readonly<Record<string, string>>;
}

/** A start that drives no run: another process does, the workflow has changed, the storage fails. `start` rejects with the error. */
interface RunRefused extends EventBase {
  readonly type: "run.refused";
  readonly error: Error;
}

/** Another process drives the run now. What was recorded here is kept, and no other event of this start ends the run. */
interface RunLost extends EventBase {
  readonly type: "run.lost";
  readonly durationMs: number;
  readonly error: Error;
}

/** A task begins; again so when it has waited, and when a resume goes on with it. */
interface StepStarted extends StepEvent {
  readonly type: "step.started";
  readonly reason: string;
}

/** An attempt failed, and another one follows after `delayMs`. */
interface StepRetrying extends StepEvent {
  readonly type: "step.retrying";
  /** The one that failed, from 1. */
  readonly attempt: number;
  readonly error: Error;
  readonly delayMs: number;
  /** The key of the item, in a map. */
  readonly item?: string;
}

/** A map came further. Comes about ten times a second at most, and always once when the map has ended. */
interface StepProgressed extends StepEvent {
  readonly type: "step.progressed";
  /** Its `total` is how many items there are; of a list without a length, how many have been seen. */
  readonly items: ItemCounts;
}

/** A step asked for another iteration by `step.again`; what it handed on is saved. */
interface StepIterated extends StepEvent {
  readonly type: "step.iterated";
  /** The one that ended, from 1. */
  readonly iteration: number;
  /** The key of the item, in a map. */
  readonly item?: string;
}

/** A task can't go on before a signal has come, or a time. */
interface StepWaiting extends StepEvent {
  readonly type: "step.waiting";
  readonly reason: string;
  /** The names of the signals that let it go on, each once. */
  readonly signals: readonly string[];
  /** The earliest time that lets it go on. */
  readonly until: Date | undefined;
}

/** A task is done, and its record is saved. */
interface StepCompleted extends StepEvent {
  readonly type: "step.completed";
  readonly attempts: number;
  readonly durationMs: number;
}

/** A task failed for good, so that what follows it is skipped. */
interface StepFailed extends StepEvent {
  readonly type: "step.failed";
  readonly attempts: number;
  readonly durationMs: number;
  readonly error: Error;
}

/** Something that a person should know, and that changes nothing in the run. */
interface Warning extends EventBase {
  readonly type: "warning";
  readonly message: string;
  readonly taskId?: string;
  readonly cause?: unknown;
}

/**
 * What happens in a run. New types come with new versions: ignore those that you don't know.
 *
 * After a crash a run has two starts, and events of a step that was in flight come from both. Events are not saved: those
 * that a killed process did not hand over are lost.
 */
export type WorkflowEvent =
  | RunStarted
  | RunResumed
  | (RunEnded & { readonly type: "run.completed" | "run.failed" | "run.suspended" | "run.cancelled" })
  | RunRefused
  | RunLost
  | StepStarted
  | StepRetrying
  | StepProgressed
  | StepIterated
  | StepWaiting
  | StepCompleted
  | StepFailed
  | (StepEvent & { readonly type: "step.restored" | "step.skipped"; readonly reason: string })
  | (EventBase & {
      readonly type: "checkpoint.created" | "checkpoint.restored";
      readonly taskId: string;
      readonly bytes: number;
    })
  | (EventBase & { readonly type: "checkpoint.deleted"; readonly count: number })
  | Warning;

/** An event without what every event has. */
export type EventFacts = WorkflowEvent extends infer Event
  ? Event extends WorkflowEvent
    ? Omit<Event, keyof EventBase>
    : never
  : never;

/** Which execution an `aroundStep` wraps. */
export interface ObservedStep {
  readonly workflowId: string;
  readonly runId: string;
  /** As in the events of this start. */
  readonly startId: string;
  readonly taskId: string;
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  /** From 1. */
  readonly iteration: number;
  /** The key of the item, in a map. */
  readonly item: string | undefined;
}

/** A start that is about to drive a run, which is not known yet. */
export interface ObservedStart {
  readonly workflowId: string;
  readonly startId: string;
}

/**
 * Receives what happens in a run: for logs, traces, metrics, notifications.
 *
 * It can't change the run, delay it by what it awaits, or have a step run again. What it throws becomes a `warning` event;
 * what it awaits is waited for at the end of the run, for five seconds at most.
 *
 * One that is slow is bounded: while 1,000 of its promises are pending, further events wait in line, up to 10,000 of them. What
 * comes on top of that is not handed to it, and one `warning` at the end of the run says how much that was. What it does
 * before it first awaits runs on the same thread as the steps: keep that short.
 */
export interface Observer {
  /** Names it in warnings. @default its position */
  readonly name?: string;
  onEvent?(event: WorkflowEvent): unknown;
  /**
   * Wraps every attempt of a step, so that what the step does happens inside, for example, a span.
   *
   * Call `next()` at once, within the synchronous part of the function; otherwise the step begins without you.
   * `next()` settles as the attempt does. What you return is not used.
   */
  aroundStep?(step: ObservedStep, next: () => Promise<unknown>): unknown;
  /**
   * Gives a text that the next start of the run gets with `run.resumed`, in this process or another one, after a crash too: for
   * example where the trace is. Needs a `name`.
   *
   * Called when a start is about to ask for the lease, and saved with it, so that it costs no request. At most 256 characters
   * long; a longer one is dropped with a warning. It can be read in the storage, unless there is an `encryptionKey`: no place for
   * secrets.
   */
  note?(start: ObservedStart): string | undefined;
}
