// Every error that dotflow throws, each with a stable code. Texts say what happened, to which workflow, task and key,
// and what to do now; secrets and values never stand in them.

/** What an error is about; a field is present where it is known. */
export interface ErrorDetails {
  readonly workflowId?: string | undefined;
  readonly runId?: string | undefined;
  readonly taskId?: string | undefined;
  /** The storage key. */
  readonly key?: string | undefined;
  readonly cause?: unknown;
}

const brand = Symbol.for("dotflow.error");

/** The class above all errors of dotflow. `code` is stable over versions; the text is not. */
export class DotFlowError extends Error {
  readonly code: string = "DOTFLOW";
  declare readonly workflowId?: string;
  declare readonly runId?: string;
  declare readonly taskId?: string;
  declare readonly key?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
    Object.defineProperty(this, brand, { value: true });
    for (const field of ["workflowId", "runId", "taskId", "key"] as const) {
      if (details[field] !== undefined) Object.defineProperty(this, field, { value: details[field], enumerable: true });
    }
  }
}

/**
 * Whether `error` comes from dotflow, and has `code` where one is given.
 *
 * Prefer it to `instanceof` in libraries: it also knows the errors of a second copy of the package.
 */
export function isDotFlowError(error: unknown, code?: string): error is DotFlowError {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || ("code" in error && error.code === code);
}

/** The workflow, a task or an option is not usable: nothing was run and nothing written. */
export class InvalidWorkflowError extends DotFlowError {
  override readonly code = "INVALID_WORKFLOW";
}

/** One way in which a saved run no longer fits the workflow. */
export interface WorkflowChange {
  readonly taskId: string;
  /** What differs, as a text for people, such as `version 1 → 2`. */
  readonly what: string;
}

/** Saved tasks no longer match their definitions or inputs, and `onChange` is `"raise"`. Nothing was run. */
export class WorkflowChangedError extends DotFlowError {
  override readonly code = "WORKFLOW_CHANGED";
  readonly changes: readonly WorkflowChange[];

  constructor(message: string, details: ErrorDetails & { changes: readonly WorkflowChange[] }) {
    super(message, details);
    this.changes = details.changes;
  }
}

/** `resume: "required"` found no run to continue. */
export class NothingToResumeError extends DotFlowError {
  override readonly code = "NOTHING_TO_RESUME";
}

/** Who holds a lease, as far as it was willing to say. */
export interface LeaseOwner {
  readonly host: string;
  readonly pid: number;
  readonly runId: string | undefined;
  readonly generation: number;
  readonly renewedAt: Date;
}

/** Another process drives this workflow. Nothing was run here. */
export class WorkflowLockedError extends DotFlowError {
  override readonly code = "WORKFLOW_LOCKED";
  readonly owner: LeaseOwner | undefined;

  constructor(message: string, details: ErrorDetails & { owner?: LeaseOwner | undefined }) {
    super(message, details);
    this.owner = details.owner;
  }
}

/** This process was silent for too long and another one drives the run now. What was recorded stays; what was in flight is not recorded here. */
export class LeaseLostError extends DotFlowError {
  override readonly code = "LEASE_LOST";
}

/** Given by `result.output()` of a run that did not complete. */
export class WorkflowFailedError extends DotFlowError {
  override readonly code = "WORKFLOW_FAILED";
}

/** An attempt took longer than its `timeout`. Retried like any error; its late result is dropped. */
export class StepTimeoutError extends DotFlowError {
  override readonly code = "STEP_TIMEOUT";
}

/** Throw it in a step to fail the task at once, whatever `retry` says. */
export class NonRetryableError extends DotFlowError {
  override readonly code = "NON_RETRYABLE";
}

/** A step asked to run again more often than `maxIterations` allows. What was done is saved: resume with a higher limit. */
export class MaxIterationsError extends DotFlowError {
  override readonly code = "MAX_ITERATIONS";
}

/** It is unclear whether a `once` with `atMostOnce` took effect, so it is not called again. `once` is its name. */
export class StepInDoubtError extends DotFlowError {
  override readonly code = "STEP_IN_DOUBT";
  readonly once: string;

  constructor(message: string, details: ErrorDetails & { once: string }) {
    super(message, details);
    this.once = details.once;
  }
}

/** Items of a `task.map` failed. The others are saved, so that a resume runs only these. `failed` is how many; `cause` the first one's error. */
export class ItemsFailedError extends DotFlowError {
  override readonly code = "ITEMS_FAILED";
  readonly failed: number;

  constructor(message: string, details: ErrorDetails & { failed: number }) {
    super(message, details);
    this.failed = details.failed;
  }
}

/** `step.waitFor` waited as long as its `timeout` says, and `signal` did not come. A step that catches it goes on without. */
export class WaitTimeoutError extends DotFlowError {
  override readonly code = "WAIT_TIMEOUT";
  readonly signal: string;

  constructor(message: string, details: ErrorDetails & { signal: string }) {
    super(message, details);
    this.signal = details.signal;
  }
}

/** A value did not pass the Standard Schema given as `input` or `output`. `issues` are those of the schema. */
export class ValidationError extends DotFlowError {
  override readonly code = "VALIDATION";
  readonly issues: readonly { readonly message: string; readonly path?: unknown }[];

  constructor(
    message: string,
    details: ErrorDetails & { issues: readonly { readonly message: string; readonly path?: unknown }[] },
  ) {
    super(message, details);
    this.issues = details.issues;
  }
}

/** A value can't be saved without loss. `path` leads to the part that can't. */
export class SerializationError extends DotFlowError {
  override readonly code = "SERIALIZATION";
  readonly path: string;

  constructor(message: string, details: ErrorDetails & { path: string }) {
    super(message, details);
    this.path = details.path;
  }
}

/** A stored object is not what was written under its key. It is never used. */
export class CorruptCheckpointError extends DotFlowError {
  override readonly code = "CORRUPT_CHECKPOINT";
}

/** A stored object was written by a newer version of dotflow. */
export class UnsupportedFormatError extends DotFlowError {
  override readonly code = "UNSUPPORTED_FORMAT";
}

/** A storage call failed for good. What was acknowledged before it is safe. */
export class StorageError extends DotFlowError {
  override readonly code = "STORAGE";
  /** The verb that failed: `get`, `put`, `create`, `list` or `delete`. */
  readonly operation: string;
  /** Whether the same call may go through later. */
  readonly retryable: boolean;

  constructor(message: string, details: ErrorDetails & { operation: string; retryable: boolean }) {
    super(message, details);
    this.operation = details.operation;
    this.retryable = details.retryable;
  }
}

/** An optional package is needed and not installed. The text has the command that installs it. */
export class MissingPackageError extends DotFlowError {
  override readonly code = "MISSING_PACKAGE";
}
