// Hands events to observers and calls callbacks, so that nothing they do reaches the run.
import { type Clock, settledWithin } from "./clock.ts";
import { limits } from "./defaults.ts";
import type { EventFacts, ObservedStep, Observer, WorkflowEvent } from "./events.ts";

export class Observers {
  readonly #observers: readonly Observer[];
  readonly #clock: Clock;
  readonly #workflowId: string;
  readonly #pending = new Set<Promise<unknown>>();
  runId = "";

  constructor(observers: readonly Observer[], clock: Clock, workflowId: string) {
    this.#observers = observers;
    this.#clock = clock;
    this.#workflowId = workflowId;
  }

  emit(facts: EventFacts): void {
    if (this.#observers.length === 0) return;
    const base = { workflowId: this.#workflowId, runId: this.runId, time: new Date(this.#clock.now()) };
    // Frozen, so that what one observer does to it does not reach the next one.
    const event = Object.freeze({ ...facts, ...base }) as WorkflowEvent;
    for (const observer of this.#observers) {
      // A warning about a warning would go on for ever.
      this.#isolated(
        () => observer.onEvent?.(event),
        facts.type === "warning" ? undefined : `An observer failed at "${facts.type}"`,
      );
    }
  }

  warn(message: string, more: { taskId?: string; cause?: unknown } = {}): void {
    this.emit({ type: "warning", message, ...more });
  }

  /** Calls a callback of the user. */
  call(what: string, callback: () => unknown): void {
    this.#isolated(callback, `${what} failed`);
  }

  /** Runs one attempt inside the wrappers of the observers, the first outermost. It runs exactly once, whatever they do. */
  around(step: ObservedStep, attempt: () => Promise<unknown>): Promise<unknown> {
    return this.#observers.reduceRight(
      (inner, observer) => (observer.aroundStep ? (): Promise<unknown> => this.#wrap(observer, step, inner) : inner),
      attempt,
    )();
  }

  /** Waits for what observers and callbacks began, for a limited time. */
  async settle(): Promise<void> {
    if (this.#pending.size > 0)
      await settledWithin(this.#clock, limits.observerGrace, Promise.allSettled(this.#pending));
  }

  #wrap(observer: Observer, step: ObservedStep, inner: () => Promise<unknown>): Promise<unknown> {
    let running: Promise<unknown> | undefined;
    const next = (): Promise<unknown> => (running ??= inner());
    this.#isolated(async () => {
      try {
        await observer.aroundStep?.(step, next);
      } catch (error) {
        // Wrappers pass the step's own failure on, as they should.
        const failure = await running?.then(
          () => undefined,
          (reason: unknown) => ({ reason }),
        );
        if (failure?.reason !== error || !failure) throw error;
      }
    }, `An observer failed around "${step.taskId}"`);
    return next();
  }

  #isolated(work: () => unknown, warning: string | undefined): void {
    const failed = (cause: unknown): void => {
      if (warning) this.warn(`${warning}: ${messageOf(cause)}`, { cause });
    };
    try {
      const result = work();
      if (!isThenable(result)) return;
      const pending = Promise.resolve(result)
        .catch(failed)
        .finally(() => this.#pending.delete(pending));
      this.#pending.add(pending);
    } catch (error) {
      failed(error);
    }
  }
}

/** Users may throw anything, also what can't be made a text. */
function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "it threw something that has no text";
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
