// What `start` gives: how every task ended, the counts, and loaders for the values.
import { Context } from "./context.ts";
import { WorkflowFailedError } from "./errors.ts";
import { inParallel } from "./parallel.ts";
import type { ItemCounts } from "./item-counts.ts";

export type RunStatus = "completed" | "failed" | "suspended" | "cancelled";

/**
 * How a task ended in this start: `completed` was executed now, `restored` has its record from before, `failed` used up
 * its attempts, `skipped` has a condition that was false, or stands behind a task that failed or was skipped, `cancelled` was told to stop, `pending` was not reached.
 */
export type TaskStatus = "completed" | "restored" | "failed" | "skipped" | "waiting" | "cancelled" | "pending";

export interface TaskResult {
  readonly id: string;
  /** The name of its action. */
  readonly name: string;
  readonly group: string;
  readonly status: TaskStatus;
  /** How many attempts were made in this start; 0 for a task that was not executed. */
  readonly attempts: number;
  /** How many iterations it has had in all, those of earlier starts included; 0 for a task that was not executed in this one. */
  readonly iterations: number;
  /** Of a map that was executed in this start: how many items, and how they ended. Those left over wait, or were not reached. */
  readonly items: ItemCounts | undefined;
  /** What the attempts threw, in order: also those of a task that completed in the end. */
  readonly errors: readonly Error[];
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly durationMs: number | undefined;
  /** Why it ran, was restored or was skipped, as a text for people. */
  readonly reason: string;
}

/** Loads the values of a run when they are asked for. */
export interface ValueLoader {
  /** Gives the value of a task; `found: false` where it has none. */
  load(taskId: string): Promise<{ readonly found: boolean; readonly value?: unknown }>;
}

export interface RunFacts {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: RunStatus;
  readonly tasks: readonly TaskResult[];
  readonly waiting?: readonly string[];
}

export class RunResult {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: RunStatus;
  /** In the order in which the tasks were added. */
  readonly tasks: readonly TaskResult[];
  /** How many tasks were executed now, and completed. */
  readonly succeeded: number;
  readonly restored: number;
  readonly failed: number;
  readonly skipped: number;
  /** What a suspended run waits for: the names of signals, and times such as `2026-11-21T12:00:00.000Z`. */
  readonly waiting: readonly string[];
  readonly #values: ValueLoader;

  constructor(facts: RunFacts, values: ValueLoader) {
    const count = (status: TaskStatus): number => facts.tasks.filter((task) => task.status === status).length;
    this.workflowId = facts.workflowId;
    this.runId = facts.runId;
    this.status = facts.status;
    this.tasks = facts.tasks;
    this.succeeded = count("completed");
    this.restored = count("restored");
    this.failed = count("failed");
    this.skipped = count("skipped");
    this.waiting = facts.waiting ?? [];
    this.#values = values;
    // Callbacks get it before who started the run does.
    Object.freeze(this.tasks);
    Object.freeze(this);
  }

  /** The value of the last task. Rejects with a `WorkflowFailedError` when the run did not complete. */
  async output<T = unknown>(): Promise<T> {
    const { workflowId, runId } = this;
    if (this.status !== "completed") throw this.#failure();
    const last = this.tasks.at(-1);
    if (!last)
      throw new WorkflowFailedError(`Workflow "${workflowId}" has no tasks, so it has no output.`, {
        workflowId,
        runId,
      });
    return (await this.context(last.id)).storage as T;
  }

  /** What a task handed on; its `storage` is `null` for a task that failed or was not reached. */
  async context<T = unknown>(taskId: string): Promise<Context<T>> {
    const { workflowId, runId } = this;
    if (!this.tasks.some((task) => task.id === taskId)) {
      throw new WorkflowFailedError(
        `Workflow "${workflowId}" has no task "${taskId}". It has: ${this.tasks.map((task) => task.id).join(", ")}.`,
        { workflowId, runId, taskId },
      );
    }
    const { found, value } = await this.#values.load(taskId);
    return new Context((found ? value : null) as T);
  }

  /** The contexts of all tasks that have one, by task id. Reads every one of them. */
  async contexts(): Promise<Record<string, Context>> {
    const loaded = await inParallel(this.tasks, async ({ id }) => ({ id, ...(await this.#values.load(id)) }));
    return Object.fromEntries(loaded.filter(({ found }) => found).map(({ id, value }) => [id, new Context(value)]));
  }

  #failure(): WorkflowFailedError {
    const { workflowId, runId, status } = this;
    const broken = this.tasks.find((task) => task.status === "failed");
    const cause = broken?.errors.at(-1);
    const why = broken ? `: task "${broken.id}" failed${cause ? ` with ${cause.name}: ${cause.message}` : ""}` : "";
    return new WorkflowFailedError(
      `Run "${runId}" of workflow "${workflowId}" ended ${status}${why.replace(/\.$/, "")}. Start it with resume: true to go on from what is saved.`,
      { workflowId, runId, taskId: broken?.id, cause },
    );
  }
}
