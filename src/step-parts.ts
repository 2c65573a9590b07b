// What a step may save while it runs: `once` and `progress`. One object for each attempt; what comes after its end is refused.
import { AsyncLocalStorage } from "node:async_hooks";
import { InvalidWorkflowError, StepInDoubtError } from "./errors.ts";
import type { TaskParts } from "./journal/task-parts.ts";
import { isName, refuseUnknown, requireOneOf, show } from "./options.ts";
import { encodeAs, type EncodedValue, type ValueCodec } from "./serializer.ts";

export interface OnceOptions {
  /**
   * Also notes, before the function is called, that it is about to be. If a crash then leaves it unclear whether it took
   * effect, the run ends with a `StepInDoubtError` instead of calling it again. A function that throws says that it had
   * no effect, and may be called again.
   *
   * @default false
   */
  atMostOnce?: boolean;
}

/** What a step has saved on its way, for the next time that it runs. */
export interface Progress<T = unknown> {
  /** What was saved last, in this attempt, one before it, or before a crash; `undefined` where nothing was. A copy of its own. */
  readonly value: T | undefined;
  /** Saves `value` in place of what was saved before. It is durable when the promise resolves, and gone when the step completes. */
  save(value: T): Promise<void>;
}

/** Where parts of one iteration are kept, over its attempts. */
export class IterationParts {
  readonly parts: TaskParts;
  readonly iteration: number;
  progress: EncodedValue | undefined;
  /** Puts of progress follow one another: the last one saved is the last one written. */
  saving: Promise<unknown> = Promise.resolve();

  private constructor(parts: TaskParts, iteration: number, progress: EncodedValue | undefined) {
    this.parts = parts;
    this.iteration = iteration;
    this.progress = progress;
  }

  /** Of an iteration that was never begun before. */
  static begin(parts: TaskParts, iteration: number): IterationParts {
    return new IterationParts(parts, iteration, undefined);
  }

  /** Of one that may have been interrupted. */
  static async open(parts: TaskParts, iteration: number): Promise<IterationParts> {
    return new IterationParts(parts, iteration, await parts.readProgress(iteration));
  }
}

/** A call of `once` that is under way. */
interface OnceCall {
  readonly owner: StepParts;
  readonly name: string;
  readonly atMostOnce: boolean;
  /** The call that it is within. */
  readonly around: OnceCall | undefined;
  /** How many waits within it have not found what they wait for. */
  waits: number;
}

/** The call of `once` that the present code runs in. */
const present = new AsyncLocalStorage<OnceCall>();

export interface StepPartsOptions {
  readonly kept: IterationParts;
  readonly codec: ValueCodec;
  readonly details: { readonly workflowId: string; readonly runId: string; readonly taskId: string };
  /** What is to be started, and from where, for the task to run again. */
  readonly startAgain: { readonly workflowId: string; readonly taskId: string };
  /** Throws when the attempt has ended: what comes late is not saved. */
  readonly requireCurrent: () => void;
  /** Makes sure, at once or when the promise resolves, that no other process has taken the run over. */
  readonly ensure: () => Promise<void> | undefined;
  /** The storage or the lease failed: the run can't go on, whatever the step makes of it. */
  readonly onBroken: (error: unknown) => void;
}

export class StepParts {
  readonly #options: StepPartsOptions;
  readonly #names = new Set<string>();
  readonly #calls = new Set<OnceCall>();
  /** Called when one of the calls has ended, or waits. */
  #onChange: () => void = () => {};
  readonly progress: Progress;

  constructor(options: StepPartsOptions) {
    this.#options = options;
    const { kept, codec } = options;
    const save = (value: unknown): Promise<void> => handled(this.#saveProgress(value));
    this.progress = {
      get value() {
        return kept.progress && codec.decode(kept.progress);
      },
      save,
    };
  }

  once(name: string, fn: () => unknown, options: OnceOptions): Promise<unknown> {
    const call = { owner: this, name, atMostOnce: options.atMostOnce === true, around: present.getStore(), waits: 0 };
    this.#calls.add(call);
    const ended = (): void => {
      this.#calls.delete(call);
      this.#onChange();
    };
    const done = present.run(call, () => this.#once(name, fn, options));
    done.then(ended, ended);
    return done;
  }

  get isIdle(): boolean {
    return [...this.#calls].every(({ waits }) => waits > 0);
  }

  /** Resolves when nothing is being done once but what waits itself. */
  async idle(): Promise<void> {
    while (!this.isIdle) {
      const before = this.#onChange;
      await new Promise<void>((resolve) => {
        this.#onChange = () => (before(), resolve());
      });
    }
  }

  /** Notes that a wait begins, within the calls of `once` that it stands in. Gives what ends it. */
  beginWait(): () => void {
    const calls: OnceCall[] = [];
    for (let call = present.getStore(); call; call = call.around) if (call.owner === this) calls.push(call);
    const { details } = this.#options;
    const strict = calls.find(({ atMostOnce }) => atMostOnce);
    if (strict)
      throw new InvalidWorkflowError(
        `"${strict.name}" of task "${details.taskId}" waits within step.once with atMostOnce: true. What waits is called again when it goes on: wait before or after it.`,
        details,
      );
    for (const call of calls) call.waits++;
    this.#onChange();
    return () => {
      for (const call of calls) call.waits--;
    };
  }

  async #once(name: string, fn: () => unknown, options: OnceOptions): Promise<unknown> {
    const { kept, codec, details, requireCurrent, ensure } = this.#options;
    const { parts, iteration } = kept;
    this.#check(name, fn, options);
    requireCurrent();
    const saved = await this.guarded(() => parts.readOnce(iteration, name));
    if (saved) return codec.decode(saved);
    const { atMostOnce = false } = options;
    if (atMostOnce && !(await this.guarded(() => parts.intend(iteration, name)))) throw this.#inDoubt(name);
    let given: unknown;
    try {
      // Right before it may have an effect: a process that slept may have lost its run.
      const late = ensure();
      if (late) await this.guarded(() => late);
      requireCurrent();
      given = await fn();
    } catch (error) {
      if (atMostOnce) await this.guarded(() => parts.withdraw(iteration, name));
      this.#names.delete(name);
      throw error;
    }
    const value = encodeAs(codec, given, `The value of "${name}", which task "${details.taskId}" did once,`, details);
    requireCurrent();
    return codec.decode(await this.guarded(() => parts.saveOnce(iteration, name, value)));
  }

  #check(name: unknown, fn: unknown, options: OnceOptions): void {
    const { details } = this.#options;
    const where = `step.once of "${details.taskId}"`;
    if (!isName(name))
      throw new InvalidWorkflowError(
        `${where} was given the name ${show(name)}. Give a well-formed text that is not empty.`,
        details,
      );
    if (typeof fn !== "function")
      throw new InvalidWorkflowError(`${where}, "${name}", was given ${show(fn)}. Give a function.`, details);
    refuseUnknown(options, ["atMostOnce"], where);
    requireOneOf(options.atMostOnce, [true, false], "The option atMostOnce");
    if (this.#names.has(name))
      throw new InvalidWorkflowError(
        `${where} was called twice with the name "${name}". Its value is saved under that name: give each call one of its own, such as "${name}-2".`,
        details,
      );
    this.#names.add(name);
  }

  async #saveProgress(given: unknown): Promise<void> {
    const { kept, codec, details, requireCurrent } = this.#options;
    requireCurrent();
    const value = encodeAs(codec, given, `The progress of "${details.taskId}"`, details);
    const saved = kept.saving.then(() => {
      requireCurrent();
      return this.guarded(() => kept.parts.saveProgress(kept.iteration, value));
    });
    kept.saving = saved.catch(() => {});
    await saved;
    kept.progress = value;
  }

  /** Runs a call to the storage. Its failure ends the run, whatever the step makes of it. */
  async guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.#options.onBroken(error);
      throw error;
    }
  }

  #inDoubt(name: string): StepInDoubtError {
    const { details, startAgain } = this.#options;
    const { workflowId, runId, taskId } = details;
    return new StepInDoubtError(
      `It is unclear whether "${name}" of task "${taskId}" took effect: run "${runId}" of workflow "${workflowId}" was interrupted after it began and before its value was saved. ` +
        `Find out, and let the step catch this error and go on; or start "${startAgain.workflowId}" with resume: true and from: "${startAgain.taskId}", which does the whole task again, with all its items and calls.`,
      { ...details, once: name },
    );
  }
}

/** A step that does not wait for it must not end the process when it is refused. Whoever waits sees the error as before. */
function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
