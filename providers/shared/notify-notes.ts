// What a notification remembers of a start, so that its end can be told with its reasons: which tasks failed, which wait.
import type { WorkflowEvent } from "../../src/events.ts";
import { isLast } from "./event-facts.ts";

export interface FailedTask {
  readonly taskId: string;
  readonly attempts: number;
  readonly error: Error;
}

export interface WaitingTask {
  readonly taskId: string;
  /** Such as `waits for approval`. */
  readonly reason: string;
  readonly signals: readonly string[];
  readonly until: Date | undefined;
}

export interface StartNotes {
  readonly failed: readonly FailedTask[];
  readonly waiting: readonly WaitingTask[];
}

interface Collected {
  readonly failed: FailedTask[];
  readonly waiting: Map<string, WaitingTask>;
}

/** The most of each that are remembered of a start. */
const most = 100;
/** The most starts that are remembered; one that is killed has no end. */
const mostStarts = 1_000;

export class NotifyNotes {
  readonly #starts = new Map<string, Collected>();

  /** Remembers what there is to remember, and gives what is known of the start; its end is the last time. */
  see(event: WorkflowEvent): StartNotes {
    const start = this.#of(event);
    if (isLast(event)) this.#starts.delete(event.startId);
    return { failed: start?.failed ?? [], waiting: [...(start?.waiting.values() ?? [])] };
  }

  #of(event: WorkflowEvent): Collected | undefined {
    const known = this.#starts.get(event.startId);
    if (event.type === "step.failed") {
      const { taskId, attempts, error } = event;
      const { failed, waiting } = known ?? this.#begin(event.startId);
      waiting.delete(taskId);
      if (failed.length < most) failed.push({ taskId, attempts, error });
    } else if (event.type === "step.waiting") {
      const { taskId, reason, signals, until } = event;
      const { waiting } = known ?? this.#begin(event.startId);
      if (waiting.size < most) waiting.set(taskId, { taskId, reason, signals, until });
    } else if (event.type === "step.started" || event.type === "step.completed") {
      known?.waiting.delete(event.taskId);
    }
    return this.#starts.get(event.startId);
  }

  #begin(startId: string): Collected {
    const start: Collected = { failed: [], waiting: new Map() };
    this.#starts.set(startId, start);
    const [oldest] = this.#starts.keys();
    if (this.#starts.size > mostStarts && oldest !== undefined) this.#starts.delete(oldest);
    return start;
  }
}
