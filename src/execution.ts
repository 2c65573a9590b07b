// What there is to know of an execution: what all of a run share, one task, one iteration of it, and what that comes to.
import type { ActionDefinition } from "./action.ts";
import type { Clock } from "./clock.ts";
import type { Observers } from "./observers.ts";
import type { RunState } from "./run-state.ts";
import type { Changes, EncodedValue, ValueCodec } from "./serializer.ts";
import type { IterationParts } from "./step-parts.ts";
import type { Wait } from "./step-waits.ts";
import type { Stop } from "./stop.ts";
import type { SubWorkflow } from "./sub-workflow.ts";
import type { Turns } from "./turns.ts";

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

/** What all iterations and attempts of a task share. */
export interface ExecutedTask {
  readonly taskId: string;
  readonly action: ActionDefinition;
  readonly self: unknown;
  /** Gives a new copy at every call, so that an attempt can't spoil the next one's. */
  readonly initial: () => unknown;
  /** Of an item of a map. */
  readonly item?: string | undefined;
  /** The run in which the task began: it may go on in another one. */
  readonly beganIn: string;
  /** Whether what it gives is recorded. */
  readonly isRecorded: boolean;
  /** Makes sure, at once or when the promise resolves, that no other process has taken the run over meanwhile. */
  readonly ensure: () => Promise<void> | undefined;
}

/** One iteration to execute. */
export interface Execution {
  readonly task: ExecutedTask;
  /** From 1. */
  readonly iteration: number;
  /** Gives a new copy at every call. */
  readonly previous: () => unknown;
  /** Changes of the shared state by earlier iterations. */
  readonly changes: Changes;
  /** Where the step saves things on its way; made when it first does. */
  readonly parts: () => IterationParts;
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

/** A snapshot that a step asked for. */
export interface AskedSnapshot {
  readonly id: string;
  readonly metadata: EncodedValue;
}
