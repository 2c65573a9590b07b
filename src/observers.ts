// Hands events to observers and calls callbacks, so that nothing they do reaches the run.
import { randomUUID } from "node:crypto";
import { type Clock, settledWithin } from "./clock.ts";
import { limits } from "./defaults.ts";
import type { EventFacts, ObservedStep, Observer, WorkflowEvent } from "./events.ts";
import { isThenable, ObserverLine } from "./observer-line.ts";

export class Observers {
  readonly #lines: readonly ObserverLine[];
  readonly #clock: Clock;
  readonly #workflowId: string;
  readonly #startId = randomUUID();
  /** What callbacks began. */
  readonly #pending = new Set<Promise<unknown>>();
  runId = "";

  constructor(observers: readonly Observer[], clock: Clock, workflowId: string) {
    this.#clock = clock;
    this.#workflowId = workflowId;
    this.#lines = observers.map((observer) => {
      const line: ObserverLine = new ObserverLine(observer, (where, cause) => {
        this.warn(`${capitalized(this.#nameOf(line))} failed ${where}: ${textOf(cause)}`, { cause });
      });
      return line;
    });
  }

  /** Whether there is anybody to tell. */
  get any(): boolean {
    return this.#lines.length > 0;
  }

  emit(facts: EventFacts): void {
    if (!this.any) return;
    const { runId } = this;
    const base = {
      workflowId: this.#workflowId,
      runId,
      startId: this.#startId,
      time: new Date(this.#clock.now()),
    };
    // Frozen, so that what one observer does to it does not reach the next one.
    const event = Object.freeze({ ...facts, ...base }) as WorkflowEvent;
    for (const line of this.#lines) line.hand(event);
  }

  warn(message: string, more: { taskId?: string; cause?: unknown } = {}): void {
    this.emit({ type: "warning", message, ...more });
  }

  /** Calls a callback of the user. */
  call(what: string, callback: () => unknown): void {
    const failed = (cause: unknown): void => this.warn(`${what} failed: ${textOf(cause)}`, { cause });
    try {
      const result = callback();
      if (!isThenable(result)) return;
      const pending = Promise.resolve(result)
        .catch(failed)
        .finally(() => this.#pending.delete(pending));
      this.#pending.add(pending);
    } catch (error) {
      failed(error);
    }
  }

  /** Runs one attempt inside the wrappers of the observers, the first outermost. It runs exactly once, whatever they do. */
  around(step: Omit<ObservedStep, "startId">, attempt: () => Promise<unknown>): Promise<unknown> {
    if (!this.any) return attempt();
    const observed = Object.freeze({ ...step, startId: this.#startId });
    return this.#lines.reduceRight((inner, line) => () => line.around(observed, inner), attempt)();
  }

  /** What the observers want those of the next start to know, by their names. */
  notes(): Readonly<Record<string, string>> {
    const start = { workflowId: this.#workflowId, startId: this.#startId };
    return Object.fromEntries(
      this.#lines.flatMap((line): [string, string][] => {
        const note: unknown = line.note(start);
        if (note === undefined) return [];
        const isNote = typeof note === "string" && note.length <= limits.observerNote;
        if (isNote && line.name !== undefined) return [[line.name, note]];
        const why = isNote ? "it has no name" : `it is not a text of at most ${limits.observerNote} characters`;
        this.warn(`The note of ${this.#nameOf(line)} is not kept: ${why}.`);
        return [];
      }),
    );
  }

  /** Waits for what observers and callbacks began, for a limited time, and tells what was lost. */
  async settle(): Promise<void> {
    for (const line of this.#lines) if (line.lost > 0) this.warn(this.#lossOf(line));
    if (this.#pending.size === 0 && this.#lines.every(({ open }) => open === 0)) return;
    const idle = [Promise.allSettled(this.#pending), ...this.#lines.map((line) => line.idle())];
    await settledWithin(this.#clock, limits.observerGrace, Promise.all(idle));
    const late = this.#lines.flatMap((line) => (line.open > 0 ? [`${this.#nameOf(line)} with ${line.open}`] : []));
    if (late.length === 0) return;
    this.warn(
      `Observers were not done with all events ${limits.observerGrace / 1_000} seconds after the end of the run, and are not waited for any longer: ${late.join(", ")}.`,
    );
  }

  #lossOf(line: ObserverLine): string {
    return `${capitalized(this.#nameOf(line))} was too slow: ${line.lost} events and attempts were not handed to it.`;
  }

  #nameOf(line: ObserverLine): string {
    return line.name === undefined ? `observer ${this.#lines.indexOf(line) + 1}` : `the observer "${line.name}"`;
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Users may throw anything, also what can't be made a text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "it threw something that has no text";
  }
}
