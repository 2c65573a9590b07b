// What a step is handed: the context of the task before it, and the facts of its own execution.

/** What a task hands to the next one. */
export class Context<T = unknown> {
  /** The value; `null` where there is nothing to hand on: the first task, a failed or skipped dependency. */
  readonly storage: T;

  /** Makes a context by hand, to call an action as the plain function that it wraps. */
  constructor(storage: T) {
    this.storage = storage;
  }
}

/** What a `StepContext` is made of; the engine supplies it. */
export interface StepFacts<I> {
  readonly workflowId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly iteration: number;
  readonly idempotencyKey: () => string;
  readonly signal: () => AbortSignal;
  readonly initial: () => I;
}

/** The second argument of a step: which execution this is, and what it may use. */
export class StepContext<I = unknown> {
  readonly #facts: StepFacts<I>;
  #initial: Context<I> | undefined;

  constructor(facts: StepFacts<I>) {
    this.#facts = facts;
  }

  get workflowId(): string {
    return this.#facts.workflowId;
  }

  get runId(): string {
    return this.#facts.runId;
  }

  get taskId(): string {
    return this.#facts.taskId;
  }

  /** Which attempt this is, from 1. */
  get attempt(): number {
    return this.#facts.attempt;
  }

  /** Which iteration this is, from 1. */
  get iteration(): number {
    return this.#facts.iteration;
  }

  /**
   * The same text for every attempt of this task and after every resume of this run.
   *
   * A crash can make a step run twice; hand this to the systems that it writes to, so that they can tell.
   */
  get idempotencyKey(): string {
    return this.#facts.idempotencyKey();
  }

  /** Aborted when the attempt times out, the run is cancelled, or another process has taken the run over. */
  get signal(): AbortSignal {
    return this.#facts.signal();
  }

  /** The initial context of the task, else that of the run; its `storage` is `null` where neither is given. A copy of its own. */
  get initial(): Context<I> {
    this.#initial ??= new Context(this.#facts.initial());
    return this.#initial;
  }
}
