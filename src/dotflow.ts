// `DotFlow`: a workflow, its tasks and its checkpoints, as users hold it.
import { Checkpoints } from "./checkpoints.ts";
import type { Observer } from "./events.ts";
import type { RunResult, RunStatus } from "./result.ts";
import { type DotFlowOptions, resolveSettings, type Settings } from "./settings.ts";
import { Start } from "./start.ts";
import { resolveStart, type StartOptions } from "./start-options.ts";
import { registerWorkflow } from "./sub-workflow.ts";
import { TaskList } from "./task-list.ts";
import { Tasks } from "./tasks.ts";

/** A run that goes on while the program does other things. */
export class RunHandle {
  readonly runId: string;
  #status: RunStatus | "running" = "running";
  readonly #result: Promise<RunResult>;
  readonly #cancel: (reason?: unknown) => void;

  constructor(runId: string, result: Promise<RunResult>, cancel: (reason?: unknown) => void) {
    this.runId = runId;
    this.#result = result;
    this.#cancel = cancel;
    result.then(
      ({ status }) => (this.#status = status),
      () => (this.#status = "failed"),
    );
  }

  /** How far the run is. */
  get status(): RunStatus | "running" {
    return this.#status;
  }

  /** Resolves when the run has ended; rejects as `start` does. */
  result(): Promise<RunResult> {
    return this.#result;
  }

  /** Aborts running steps, saves what is done, and ends the run `cancelled`. Resolves with its result. */
  cancel(reason?: unknown): Promise<RunResult> {
    this.#cancel(reason);
    return this.#result;
  }
}

/**
 * A durable workflow: what a step gives is saved before the next one starts, and after a crash or a failure
 * `start({ resume: true })` goes on from there.
 *
 * A step that was in flight at a crash runs again: see `StepContext.idempotencyKey`.
 */
export class DotFlow {
  readonly workflowId: string;
  /** The tasks: `workflow.task.add(step)`. */
  readonly task: Tasks;
  /** What is saved of this workflow. */
  readonly checkpoints: Checkpoints;
  readonly #settings: Settings;
  readonly #tasks = new TaskList();

  constructor(options: DotFlowOptions = {}) {
    this.#settings = resolveSettings(options);
    this.workflowId = this.#settings.workflowId;
    this.task = new Tasks(this.#tasks);
    const { workflowId, hasRandomId } = this.#settings;
    registerWorkflow(this, { workflowId, hasRandomId, list: this.#tasks });
    this.checkpoints = new Checkpoints(this.#settings);
  }

  /**
   * Runs the workflow. A failing step does not reject: see `status` of the result. Rejected are a workflow that can't run,
   * a changed definition, a storage that fails, a lease that is held by another process or was lost.
   */
  start(options: StartOptions & { mode: "background" }): Promise<RunHandle>;
  start(options?: StartOptions & { mode?: Exclude<StartOptions["mode"], "background"> }): Promise<RunResult>;
  start(options?: StartOptions): Promise<RunResult | RunHandle>;
  async start(options: StartOptions = {}): Promise<RunResult | RunHandle> {
    const start = new Start(this.#settings, this.#tasks, resolveStart(options));
    if (options.mode !== "background") return start.run(() => {});
    return new Promise((resolve, reject) => {
      const result = start.run((runId) => resolve(new RunHandle(runId, result, (reason) => start.cancel(reason))));
      result.catch(reject);
    });
  }

  /** Adds an observer to those of the options. @internal */
  static observe(workflow: DotFlow, observer: Observer): void {
    workflow.#settings.observers.push(observer);
  }
}
