// How far each task of a run is, as its events tell. It prints nothing.
import type { ItemCounts, WorkflowEvent } from "../src/index.ts";

export type TaskState =
  | "pending"
  | "running"
  | "retrying"
  | "completed"
  | "restored"
  | "failed"
  | "skipped"
  | "waiting"
  | "cancelled";

export interface TaskProgress {
  readonly id: string;
  state: TaskState;
  /** From 1, once it runs. */
  attempt: number;
  iteration: number;
  startedAt: number | undefined;
  durationMs: number | undefined;
  items: ItemCounts | undefined;
  /** Why it failed, was skipped, or waits. */
  note: string | undefined;
}

export class Progress {
  readonly workflowId: string;
  readonly #tasks = new Map<string, TaskProgress>();
  runId = "";
  mode = "";
  startedAt: number | undefined;

  constructor(workflowId: string, taskIds: readonly string[]) {
    this.workflowId = workflowId;
    for (const id of taskIds) this.#task(id);
  }

  get tasks(): TaskProgress[] {
    return [...this.#tasks.values()];
  }

  /** The name under which a task of an event is shown: one of a workflow within this one stands behind the task that it is. */
  nameOf(event: { readonly workflowId: string; readonly taskId: string }): string {
    const inner = event.workflowId.startsWith(`${this.workflowId}.`);
    return inner ? `${event.workflowId.slice(this.workflowId.length + 1)} › ${event.taskId}` : event.taskId;
  }

  apply(event: WorkflowEvent): void {
    if ((event.type === "run.started" || event.type === "run.resumed") && event.workflowId === this.workflowId) {
      this.runId = event.runId;
      this.mode = event.mode;
      this.startedAt = event.time.getTime();
    }
    if (event.type === "run.cancelled" && event.workflowId === this.workflowId) this.#cancel();
    if (!("taskId" in event) || event.taskId === undefined || !("name" in event)) return;
    const task = this.#task(this.nameOf({ workflowId: event.workflowId, taskId: event.taskId }));
    const now = event.time.getTime();
    switch (event.type) {
      case "step.started":
        Object.assign(task, { state: "running", attempt: 1, startedAt: now, note: undefined });
        break;
      case "step.retrying":
        if (event.item === undefined) Object.assign(task, { state: "retrying", attempt: event.attempt + 1 });
        task.note = `${event.error.name}: ${event.error.message}`;
        break;
      case "step.progressed":
        task.items = event.items;
        break;
      case "step.iterated":
        if (event.item === undefined) task.iteration = event.iteration + 1;
        break;
      case "step.completed":
        Object.assign(task, {
          state: "completed",
          attempt: event.attempts,
          durationMs: event.durationMs,
          note: undefined,
        });
        break;
      case "step.failed":
        Object.assign(task, { state: "failed", attempt: event.attempts, durationMs: event.durationMs });
        task.note = `${event.error.name}: ${event.error.message}`;
        break;
      case "step.waiting":
        Object.assign(task, { state: "waiting", note: event.reason });
        break;
      case "step.restored":
        task.state = "restored";
        break;
      case "step.skipped":
        Object.assign(task, { state: "skipped", note: event.reason });
        break;
    }
  }

  #cancel(): void {
    for (const task of this.tasks) if (task.state === "running" || task.state === "retrying") task.state = "cancelled";
  }

  #task(id: string): TaskProgress {
    let task = this.#tasks.get(id);
    if (!task) {
      const nothing = { startedAt: undefined, durationMs: undefined, items: undefined, note: undefined };
      this.#tasks.set(id, (task = { id, state: "pending", attempt: 0, iteration: 1, ...nothing }));
    }
    return task;
  }
}

/** `812 of 1,000 items, 2 failed`. */
export function itemsText({ total, completed, restored, failed }: ItemCounts): string {
  const done = completed + restored;
  const of = total === undefined ? "" : ` of ${total.toLocaleString("en")}`;
  return `${done.toLocaleString("en")}${of} items${failed > 0 ? `, ${failed.toLocaleString("en")} failed` : ""}`;
}
