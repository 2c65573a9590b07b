// What a step is handed: the context of the task before it, and the facts of its own execution.

import { type Duration, toMilliseconds } from "./duration.ts";
import type { OnceOptions, Progress, StepParts } from "./step-parts.ts";
import type { SharedState } from "./run-state.ts";
import type { StepWaits, WaitOptions } from "./step-waits.ts";
import type { SubWorkflow } from "./sub-workflow.ts";

/** What a task hands to the next one. */
export class Context<T = unknown> {
  /** The value; `null` where there is nothing to hand on: the first task, a failed or skipped dependency. */
  readonly storage: T;

  /** Makes a context by hand, to call an action as the plain function that it wraps. */
  constructor(storage: T) {
    this.storage = storage;
  }
}

/** What a step returns to be run once more, as `step.again` gives it. */
export class Again {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
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
  readonly parts: () => StepParts;
  readonly waits: () => StepWaits;
  readonly state: () => SharedState;
  readonly runWorkflow: (workflow: SubWorkflow, input: unknown) => Promise<unknown>;
  readonly checkpoint: (options: { id: string; metadata?: unknown }) => void;
}

/** The second argument of a step: which execution this is, and what it may use. */
export class StepContext<I = unknown> {
  readonly #facts: StepFacts<I>;
  #initial: Context<I> | undefined;
  #askedForMore = false;

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

  /**
   * A step within the step: calls `fn`, saves what it gives, and gives it. When the step runs again, after a failure or a
   * crash, `fn` is not called: the saved value is given.
   *
   * A crash between the effect of `fn` and the saving makes it run again, unless `atMostOnce` says otherwise. Calls may
   * stand side by side and within one another; each name can be used once in an iteration.
   */
  once<T>(name: string, fn: () => T | Promise<T>, options: OnceOptions = {}): Promise<Awaited<T>> {
    // What was saved is what `fn` gave, live or resumed.
    return this.#facts.parts().once(name, fn, options) as Promise<Awaited<T>>;
  }

  /** What the steps of the run share. Changes are saved with the record of this step, or not at all. */
  get state(): SharedState {
    return this.#facts.state();
  }

  /**
   * Asks for a snapshot: when this step, or this iteration or item of it, has been saved, the state of the run gets the name
   * `id`. `checkpoints.restore(id)` begins a run from there. Of equal ids the newest counts.
   */
  checkpoint(options: { id: string; metadata?: unknown }): void {
    this.#facts.checkpoint(options);
  }

  /** What this step has saved on its way, to go on from there after a failure or a crash. */
  get progress(): Progress {
    return this.#facts.parts().progress;
  }

  /**
   * Waits for the signal `name`, which `checkpoints.signal(name, payload)` sends from anywhere, and gives its payload.
   *
   * Until it is there the task is `waiting`: this call does not return, and a run that can do nothing else ends `suspended`.
   * When the signal has come, a resume calls the step again from its beginning, and then this call returns; put what must
   * not be done twice into `once`. A signal that came before is kept; each is taken by one wait.
   */
  waitFor<T = unknown>(name: string, options: WaitOptions = {}): Promise<T> {
    // What the sender gives is known to the user only.
    return this.#facts.waits().waitFor(name, options) as Promise<T>;
  }

  /** Waits for a time that has to pass, as `waitFor` does. A run that is resumed later does not start the wait anew. */
  sleep(duration: Duration): Promise<void> {
    const milliseconds = toMilliseconds(duration, `The duration given to step.sleep of "${this.taskId}"`);
    return this.#facts.waits().sleep(milliseconds);
  }

  /** Waits until a date, as `sleep` does. */
  sleepUntil(date: Date): Promise<void> {
    return this.#facts.waits().sleepUntil(date);
  }

  /**
   * `return step.again(value)` saves `value` and runs this step once more, with it as the previous context. A resume goes on
   * with the iteration after the last one that was saved.
   */
  again(value: unknown): never {
    this.#askedForMore = true;
    // `never`, so that what is handed on in the end alone makes the type of the step.
    return new Again(value) as never;
  }

  /** Runs another workflow as this step. @internal */
  runWorkflow(workflow: SubWorkflow, input: unknown): Promise<unknown> {
    return this.#facts.runWorkflow(workflow, input);
  }

  /** Whether `again` was called. @internal */
  get askedForMore(): boolean {
    return this.#askedForMore;
  }

  /** The initial context of the task, else that of the run; its `storage` is `null` where neither is given. A copy of its own. */
  get initial(): Context<I> {
    this.#initial ??= new Context(this.#facts.initial());
    return this.#initial;
  }
}
