// Shows a run where there is no terminal: one plain line for each thing that happens, for logs.
import type { WorkflowEvent } from "../src/index.ts";
import { count, duration } from "./format.ts";
import { itemsText, type Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** How far apart the lines of a map are that goes on. */
const betweenItems = 10_000;

export class PlainView {
  readonly #terminal: Terminal;
  readonly #progress: Progress;
  readonly #itemsAt = new Map<string, number>();

  constructor(terminal: Terminal, progress: Progress) {
    this.#terminal = terminal;
    this.#progress = progress;
  }

  event(event: WorkflowEvent): void {
    const text = this.#textOf(event);
    if (text === undefined) return;
    const at = event.time.toISOString().slice(11, 19);
    this.#terminal.print(`${at} ${this.#terminal.line(text)}`);
  }

  say(text: string): void {
    this.#terminal.print(this.#terminal.line(text));
  }

  close(): void {}

  #textOf(event: WorkflowEvent): string | undefined {
    const id = "name" in event ? this.#progress.nameOf(event) : "";
    switch (event.type) {
      case "run.started":
        return `${event.workflowId}: run ${event.runId} started, ${count(event.total, "task")}, ${event.mode}`;
      case "run.resumed":
        return `${event.workflowId}: run ${event.runId} resumed, ${event.restored} of ${count(event.total, "task")} restored, ${event.mode}`;
      case "step.started":
        return `${id} started${event.reason === "no record" ? "" : `: ${event.reason}`}`;
      case "step.retrying":
        return `${id}${event.item === undefined ? "" : `, item ${event.item},`} failed in attempt ${event.attempt}, next in ${duration(event.delayMs)}: ${event.error.name}: ${event.error.message}`;
      case "step.progressed": {
        const last = this.#itemsAt.get(id);
        const now = event.time.getTime();
        const { total, completed, restored, failed } = event.items;
        const isOver = total !== undefined && completed + restored + failed >= total;
        if (last !== undefined && now - last < betweenItems && !isOver) return undefined;
        this.#itemsAt.set(id, now);
        return `${id}: ${itemsText(event.items)}`;
      }
      case "step.completed": {
        // Those of a map are of all its items.
        const isMap = this.#itemsAt.has(id);
        return `${id} completed in ${duration(event.durationMs)}${event.attempts > 1 && !isMap ? `, attempt ${event.attempts}` : ""}`;
      }
      case "step.failed":
        return `${id} failed after ${count(event.attempts, "attempt")}: ${event.error.name}: ${event.error.message}`;
      case "step.restored":
        return `${id} restored`;
      case "step.skipped":
        return `${id} skipped: ${event.reason}`;
      case "step.waiting":
        return `${id} ${event.reason}`;
      case "warning":
        return `warning: ${event.message}`;
      default:
        return undefined;
    }
  }
}
