// `DotFlow`: a workflow, its tasks and its checkpoints, as users hold it.
import { Checkpoints } from "./checkpoints.ts";
import type { Observer } from "./events.ts";
import type { GraphMode } from "./graph.ts";
import { refuseUnknown } from "./options.ts";
import type { RunResult, RunStatus } from "./result.ts";
import { explain, type ExplainOptions, type Explanation } from "./explain.ts";
import { type DotFlowOptions, resolveSettings, type Settings, settingsWith, type WithOptions } from "./settings.ts";
import { Schedule } from "./schedule.ts";
import { resolveSchedule, type ScheduleOptions } from "./schedule-options.ts";
import { Start } from "./start.ts";
import { resolveStart, type StartOptions } from "./start-options.ts";
import { registerWorkflow } from "./sub-workflow.ts";
import { TaskList } from "./task-list.ts";
import { Tasks } from "./tasks.ts";
import { describeGraph, workflowGraph, type WorkflowGraph } from "./workflow-graph.ts";

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

/** What a workflow is made of that is another face of one that is there. */
class WorkflowParts {
  readonly settings: Settings;
  readonly tasks: TaskList;

  constructor(settings: Settings, tasks: TaskList) {
    this.settings = settings;
    this.tasks = tasks;
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
  readonly #tasks: TaskList;

  constructor(options: DotFlowOptions = {}) {
    const parts = options instanceof WorkflowParts ? options : undefined;
    this.#settings = parts?.settings ?? resolveSettings(options);
    this.#tasks = parts?.tasks ?? new TaskList();
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

  /**
   * Starts runs at the times of a cron pattern, until the schedule is stopped. A run that fails, or can't begin, does not end it.
   *
   * What was due while the process was down is not made up for; while the machine slept, once. Throws an
   * `InvalidWorkflowError` for options that can't be used.
   */
  schedule(options: ScheduleOptions): Schedule {
    return new Schedule(this.#settings, this.#tasks, resolveSchedule(options));
  }

  /** What `start` with the same options would do with what is saved, task by task, and why. Runs and writes nothing, and needs no lease. */
  async explain(options: ExplainOptions = {}): Promise<Explanation> {
    refuseUnknown(options, ["mode", "from", "onChange", "initialContext", "resume"], "explain");
    return explain(this.#settings, [...this.#tasks.tasks], options);
  }

  /** The tasks and what orders them, for drawings. Throws for what can't run, such as a cycle. @default the derived mode */
  graph(options: { mode?: GraphMode } = {}): WorkflowGraph {
    refuseUnknown(options, ["mode"], "graph");
    const tasks = [...this.#tasks.tasks];
    return describeGraph(this.workflowId, tasks, workflowGraph(tasks, options.mode));
  }

  /** The same tasks with some options of their own: another storage, another id, more observers. This workflow stays as it is. */
  with(options: WithOptions): DotFlow {
    // The constructor knows them by their class; to users it takes options only.
    const parts: object = new WorkflowParts(settingsWith(this.#settings, options), this.#tasks);
    return new DotFlow(parts);
  }

  /** Adds an observer to those of the options. @internal */
  static observe(workflow: DotFlow, observer: Observer): void {
    workflow.#settings.observers.push(observer);
  }
}
