// What observers receive: one union of events, by `type`.

interface EventBase {
  readonly workflowId: string;
  /** Empty for a warning that comes before a run was found or begun. */
  readonly runId: string;
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
}

export type WorkflowEvent =
  | (EventBase & { readonly type: "run.started"; readonly mode: string; readonly total: number })
  | (EventBase & {
      readonly type: "run.resumed";
      readonly mode: string;
      readonly total: number;
      readonly restored: number;
      readonly previousRunId: string;
    })
  | (RunEnded & { readonly type: "run.completed" | "run.failed" | "run.suspended" | "run.cancelled" })
  | (StepEvent & { readonly type: "step.started"; readonly reason: string })
  | (StepEvent & {
      readonly type: "step.retrying";
      readonly attempt: number;
      readonly error: Error;
      readonly delayMs: number;
    })
  | (StepEvent & { readonly type: "step.completed"; readonly attempts: number; readonly durationMs: number })
  | (StepEvent & {
      readonly type: "step.failed";
      readonly attempts: number;
      readonly durationMs: number;
      readonly error: Error;
    })
  | (StepEvent & { readonly type: "step.restored" | "step.skipped"; readonly reason: string })
  | (EventBase & { readonly type: "checkpoint.created"; readonly taskId: string; readonly bytes: number })
  | (EventBase & { readonly type: "checkpoint.restored"; readonly taskId: string; readonly bytes: number })
  | (EventBase & { readonly type: "checkpoint.deleted"; readonly count: number })
  | (EventBase & {
      readonly type: "warning";
      readonly message: string;
      readonly taskId?: string;
      readonly cause?: unknown;
    });

/** An event without what every event has. */
export type EventFacts = WorkflowEvent extends infer Event
  ? Event extends WorkflowEvent
    ? Omit<Event, "workflowId" | "runId" | "time">
    : never
  : never;

/** Which execution an `aroundStep` wraps. */
export interface ObservedStep {
  readonly workflowId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly name: string;
  readonly attempt: number;
}

/**
 * Receives what happens in a run: for logs, traces, metrics, notifications.
 *
 * It can't change the run. What it throws becomes a `warning` event; what it awaits is waited for at the end of the run,
 * for five seconds at most.
 */
export interface Observer {
  onEvent?(event: WorkflowEvent): unknown;
  /**
   * Wraps every attempt of a step, so that what the step does happens inside, for example, a span.
   *
   * Call `next()` at once, within the synchronous part of the function; otherwise the step begins without you.
   * `next()` settles as the attempt does. What you return is not used.
   */
  aroundStep?(step: ObservedStep, next: () => Promise<unknown>): unknown;
}
