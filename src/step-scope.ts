// What one attempt hands to its step. Most steps use little of it, so each thing is made when it is asked for.
import { createHash } from "node:crypto";
import { AttemptControl } from "./attempt-control.ts";
import type { StepFacts } from "./context.ts";
import { InvalidWorkflowError, LeaseLostError, StorageError } from "./errors.ts";
import type { AskedSnapshot, AttemptHost, Execution, SubWorkflowEnd } from "./execution.ts";
import { isName, refuseUnknown, show } from "./options.ts";
import { StepState } from "./run-state.ts";
import type { Changes } from "./serializer.ts";
import { StepParts } from "./step-parts.ts";
import { StepWaits } from "./step-waits.ts";
import type { SubWorkflow } from "./sub-workflow.ts";

export class StepScope implements StepFacts<unknown> {
  readonly workflowId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly iteration: number;
  readonly details: { readonly workflowId: string; readonly runId: string; readonly taskId: string };
  readonly control: AttemptControl;
  /** A workflow that runs as the step. */
  within: Promise<SubWorkflowEnd> | undefined;
  readonly #host: AttemptHost;
  readonly #execution: Execution;
  readonly #snapshots: AskedSnapshot[] = [];
  #parts: StepParts | undefined;
  #waits: StepWaits | undefined;
  #state: StepState | undefined;

  constructor(host: AttemptHost, execution: Execution, attempt: number) {
    const { workflowId, runId, clock, stop } = host;
    const { taskId, action } = execution.task;
    this.workflowId = workflowId;
    this.runId = runId;
    this.taskId = taskId;
    this.attempt = attempt;
    this.iteration = execution.iteration;
    this.details = { workflowId, runId, taskId };
    this.control = new AttemptControl({ clock, stop, details: this.details, attempt, timeout: action.timeout });
    this.#host = host;
    this.#execution = execution;
  }

  /** Those that the step asked for. */
  get snapshots(): readonly AskedSnapshot[] {
    return this.#snapshots;
  }

  /** What the step, and the iterations before it, changed of the shared state. */
  changes(): Changes | undefined {
    const { changes } = this.#execution;
    return this.#state ? this.#state.changes() : changes.size > 0 ? changes : undefined;
  }

  /** Resolves when nothing is being done once any more. */
  async idle(): Promise<void> {
    await this.#parts?.idle();
  }

  initial(): unknown {
    return this.#execution.task.initial();
  }

  signal(): AbortSignal {
    return this.control.signal;
  }

  /** The first iteration has the key that a task without iterations has. */
  idempotencyKey(): string {
    const { task, iteration } = this.#execution;
    const { beganIn, taskId, item } = task;
    const parts = [this.workflowId, beganIn, taskId, ...(item === undefined ? [] : [item])];
    const all = iteration > 1 ? [...parts, iteration] : parts;
    return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 32);
  }

  parts(): StepParts {
    const { details, control } = this;
    this.#parts ??= new StepParts({
      kept: this.#execution.parts(),
      codec: this.#host.codec,
      details,
      startAgain: this.#host.outermost ?? details,
      requireCurrent: () => control.requireCurrent(),
      ensure: this.#execution.task.ensure,
      onBroken: (cause) => control.end({ broken: cause }),
    });
    return this.#parts;
  }

  state(): StepState {
    const { details, control } = this;
    this.#state ??= new StepState({
      state: this.#host.state,
      codec: this.#host.codec,
      details,
      before: this.#execution.changes,
      requireCurrent: () => control.requireCurrent(),
    });
    return this.#state;
  }

  waits(): StepWaits {
    const { details, control } = this;
    this.#waits ??= new StepWaits({
      parts: this.#execution.parts().parts,
      iteration: this.iteration,
      codec: this.#host.codec,
      clock: this.#host.clock,
      details,
      requireCurrent: () => control.requireCurrent(),
      guarded: (work) => this.parts().guarded(work),
      onWait: () => this.parts().beginWait(),
      idle: () => this.parts().idle(),
      isIdle: () => this.parts().isIdle,
      suspend: (wait) => control.end({ wait }),
    });
    return this.#waits;
  }

  /** One that waits ends the attempt; a storage or a lease that fails it ends the run. */
  async runWorkflow(workflow: SubWorkflow, input: unknown): Promise<unknown> {
    const { taskId, control } = this;
    const { isRecorded } = this.#execution.task;
    this.within = this.#host.runWorkflow(workflow, { taskId, isRecorded, input, signal: control.signal });
    try {
      const end = await this.within;
      if ("output" in end) return end.output;
      control.end({ wait: { signal: undefined, until: undefined, any: end.waiting } });
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof LeaseLostError)) throw error;
      control.end({ broken: error });
    }
    return new Promise<never>(() => {});
  }

  checkpoint(options: { id: string; metadata?: unknown }): void {
    const { details } = this;
    this.control.requireCurrent();
    refuseUnknown(options, ["id", "metadata"], `step.checkpoint of "${details.taskId}"`);
    const { id, metadata } = options;
    if (!isName(id))
      throw new InvalidWorkflowError(
        `step.checkpoint of "${details.taskId}" was given the id ${show(id)}. Give a well-formed text that is not empty.`,
        details,
      );
    this.#snapshots.push({ id, metadata: this.#host.codec.encode(metadata) });
  }
}
