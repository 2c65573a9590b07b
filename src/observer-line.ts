// One observer: what it is handed, how much of that it still works on, and what waits in line or is dropped meanwhile.
import { limits } from "./defaults.ts";
import type { ObservedStart, ObservedStep, Observer, WorkflowEvent } from "./events.ts";

/** Is told what an observer threw, and at what. */
export type OnFailure = (where: string, cause: unknown) => void;

export class ObserverLine {
  readonly name: string | undefined;
  readonly #observer: Observer;
  readonly #onFailure: OnFailure;
  readonly #waiting: WorkflowEvent[] = [];
  #pending = 0;
  #lost = 0;
  #onIdle: (() => void)[] = [];

  constructor(observer: Observer, onFailure: OnFailure) {
    this.#observer = observer;
    this.#onFailure = onFailure;
    this.name = nameOf(observer);
  }

  /** How many events it has not done with. */
  get open(): number {
    return this.#pending + this.#waiting.length;
  }

  /** How many events and attempts it was not told of. */
  get lost(): number {
    return this.#lost;
  }

  hand(event: WorkflowEvent): void {
    if (!this.#isFull) this.#deliver(event);
    else if (this.#waiting.length < limits.observerLine) this.#waiting.push(event);
    else this.#lost++;
  }

  /** Runs an attempt inside the wrapper of the observer; exactly once, whatever that does. */
  around(step: ObservedStep, attempt: () => Promise<unknown>): Promise<unknown> {
    if (!has(this.#observer, "aroundStep")) return attempt();
    if (this.#isFull) {
      this.#lost++;
      return attempt();
    }
    let running: Promise<unknown> | undefined;
    const next = (): Promise<unknown> => (running ??= attempt());
    let isDone = false;
    const wrapped = this.#wrap(step, next, () => running).finally(() => (isDone = true));
    // The time that the attempt takes is not the observer's.
    const count = (): void => {
      if (!isDone) this.#count(wrapped);
    };
    next().then(count, count);
    return next();
  }

  /** The note for the next start, or why there is none. */
  note(start: ObservedStart): string | undefined {
    try {
      return this.#observer.note?.(start);
    } catch (cause) {
      this.#onFailure("with its note", cause);
      return undefined;
    }
  }

  /** Resolves when it is done with all that it was handed. */
  idle(): Promise<void> {
    return this.open === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  get #isFull(): boolean {
    return this.#pending >= limits.observerPending;
  }

  #deliver(event: WorkflowEvent): void {
    const failed = (cause: unknown): void => {
      // A warning about a warning would go on for ever.
      if (event.type !== "warning") this.#onFailure(`at "${event.type}"`, cause);
    };
    try {
      const result = this.#observer.onEvent?.(event);
      if (isThenable(result)) this.#count(Promise.resolve(result).catch(failed));
    } catch (error) {
      failed(error);
    }
  }

  async #wrap(
    step: ObservedStep,
    next: () => Promise<unknown>,
    attempt: () => Promise<unknown> | undefined,
  ): Promise<void> {
    try {
      await this.#observer.aroundStep?.(step, next);
    } catch (error) {
      // Wrappers pass the step's own failure on, as they should.
      const failure = await attempt()?.then(
        () => undefined,
        (reason: unknown) => ({ reason }),
      );
      if (!failure || failure.reason !== error) this.#onFailure(`around "${step.taskId}"`, error);
    }
  }

  #count(work: Promise<unknown>): void {
    this.#pending++;
    void work.finally(() => {
      this.#pending--;
      while (this.#waiting.length > 0 && !this.#isFull) this.#deliver(this.#waiting.shift() as WorkflowEvent);
      if (this.open === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    });
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Even a look at an observer may throw. */
function nameOf(observer: Observer): string | undefined {
  try {
    return typeof observer.name === "string" && observer.name !== "" ? observer.name.slice(0, 80) : undefined;
  } catch {
    return undefined;
  }
}

function has(observer: Observer, member: "aroundStep"): boolean {
  try {
    return observer[member] !== undefined;
  } catch {
    return false;
  }
}
