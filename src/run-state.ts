// What the steps of a run share: committed with their records, seen by all that begin later.
import { show } from "./options.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { type Change, type Changes, encodeAs, type EncodedValue, type ValueCodec } from "./serializer.ts";

/** Shared by the steps of a run. Values are copies, both ways. */
export interface SharedState {
  /** What was set last, by this step or by one that has completed; `undefined` where there is nothing. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only the caller knows what was set
  get<T = unknown>(key: string): T | undefined;
  /** Others see it when this step has completed. A step that fails has changed nothing. */
  set(key: string, value: unknown): void;
  delete(key: string): void;
}

export class RunState {
  readonly #values = new Map<string, Change>();
  #order = 0;

  get(key: string): Change | undefined {
    return this.#values.get(key);
  }

  /** The place of changes that are about to be written. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** Applies the changes of a record that was written. Of two that changed one thing the later one counts, whichever comes first here. */
  commit(changes: Changes | undefined): void {
    for (const [key, change] of changes ?? []) {
      this.#order = Math.max(this.#order, change.order);
      if ((this.#values.get(key)?.order ?? 0) <= change.order) this.#values.set(key, change);
    }
  }
}

export interface StepStateOptions {
  readonly state: RunState;
  readonly codec: ValueCodec;
  readonly details: { readonly workflowId: string; readonly runId: string; readonly taskId: string };
  /** Of earlier iterations, which are saved once more with those of this one. */
  readonly before: Changes;
  /** Throws when the attempt has ended: what comes late changes nothing. */
  readonly requireCurrent: () => void;
}

/** The state as one attempt sees it: what is committed, and its own changes on top. */
export class StepState implements SharedState {
  readonly #options: StepStateOptions;
  readonly #own = new Map<string, EncodedValue | undefined>();

  constructor(options: StepStateOptions) {
    this.#options = options;
  }

  /** What is saved with the record; `undefined` where nothing was changed. */
  changes(): Changes | undefined {
    const { state, before } = this.#options;
    if (this.#own.size === 0) return before.size > 0 ? before : undefined;
    const order = state.nextOrder();
    return new Map([...before, ...[...this.#own].map(([key, value]) => [key, { order, value }] as const)]);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the interface has it
  get<T>(key: string): T | undefined {
    this.#check(key);
    const value = this.#own.has(key) ? this.#own.get(key) : this.#seen(key);
    // What was set is known to the user only.
    return value && (this.#options.codec.decode(value) as T);
  }

  set(key: string, value: unknown): void {
    const { codec, details, requireCurrent } = this.#options;
    this.#check(key);
    requireCurrent();
    this.#own.set(key, encodeAs(codec, value, `The value of "${key}" in step.state of "${details.taskId}"`, details));
  }

  delete(key: string): void {
    this.#check(key);
    this.#options.requireCurrent();
    this.#own.set(key, undefined);
  }

  /** Changes of earlier iterations are committed, but for a task that is not recorded: they are seen by itself only. */
  #seen(key: string): EncodedValue | undefined {
    const { state, before } = this.#options;
    const [own, committed] = [before.get(key), state.get(key)];
    return (own && own.order > (committed?.order ?? 0) ? own : committed)?.value;
  }

  #check(key: unknown): void {
    if (typeof key === "string") return;
    const { details } = this.#options;
    throw new InvalidWorkflowError(
      `step.state of "${details.taskId}" was given the key ${show(key)}. Give a text.`,
      details,
    );
  }
}

export const noChanges: Changes = new Map();
