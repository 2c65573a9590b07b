// How far a map has come, and what it comes to in the end. It starts nothing and saves nothing.
import type { AttemptHost } from "./execution.ts";
import { limits } from "./defaults.ts";
import { ItemsFailedError } from "./errors.ts";
import type { ItemCounts } from "./item-counts.ts";
import { itemsValue, markLength } from "./items-value.ts";
import type { IterationsOutcome } from "./iterations.ts";
import type { SavedItem } from "./journal/task-parts.ts";
import type { Performance, TaskOutcome } from "./performance.ts";
import { type Change, type Changes, type EncodedValue, nothing } from "./serializer.ts";
import type { Wait } from "./step-waits.ts";

export class MapTally {
  total = 0;
  /** How many items there are, where the list can say so before it is gone through. */
  expected = 0;
  readonly #host: AttemptHost;
  readonly #task: Performance;
  /** Missing where items are known by their position. */
  readonly #keys: string[] | undefined;
  readonly #marks: string[] = [];
  readonly #origins = new Map<number, string>();
  /** Of a task whose value is not recorded: what its items gave, in their order. */
  readonly #unsaved: EncodedValue[] = [];
  readonly #changes = new Map<string, Change>();
  readonly #errors: Error[] = [];
  readonly #waits: Wait[] = [];
  #attempts = 0;
  #completed = 0;
  #restored = 0;
  #failed = 0;
  #firstFailed: { readonly key: string; readonly error: Error | undefined } | undefined;
  /** The list could not be gone through. */
  #failure: Error | undefined;
  #isCutShort = false;
  #reportedAt = -Infinity;
  #cancelReport: (() => void) | undefined;

  constructor(host: AttemptHost, task: Performance, hasKeys: boolean) {
    this.#host = host;
    this.#task = task;
    if (hasKeys) this.#keys = [];
  }

  /** Notes that an item begins, and gives its position. */
  begin(key: string): number {
    this.#keys?.push(key);
    this.#marks.push(noMark);
    return this.total++;
  }

  restore(index: number, mark: string, { run, changes }: SavedItem): void {
    this.#restored++;
    this.#reportSoon();
    this.#marks[index] = mark;
    if (run !== undefined) this.#origins.set(index, run);
    this.commit(changes);
  }

  end(index: number, key: string, mark: string, outcome: IterationsOutcome): void {
    this.#attempts += outcome.attempts;
    this.#marks[index] = mark;
    if (outcome.status === "completed") {
      this.#completed++;
      this.#reportSoon();
      if (!this.#task.isRecorded) this.#unsaved[index] = outcome.value;
    } else if (outcome.status === "waiting") this.#waits.push(outcome.wait);
    else if (outcome.status === "failed") this.fail(index, key, outcome.errors.at(-1));
    else this.cutShort();
  }

  fail(index: number, key: string, error: Error | undefined): void {
    if (this.#failed++ === 0) this.#firstFailed = { key, error };
    this.#reportSoon();
    if (error && this.#errors.length < limits.itemErrors) this.#errors.push(error);
    if (!this.#task.isRecorded) this.#unsaved[index] = nothing;
  }

  failWhole(error: Error): void {
    this.#failure = error;
  }

  /** Not all items were executed to their end. */
  cutShort(): void {
    this.#isCutShort = true;
  }

  /** The record of the whole holds the changes of all items, so that a resume need not read these. */
  commit(changes: Changes | undefined): void {
    this.#host.state.commit(changes);
    for (const [name, change] of changes ?? []) {
      if ((this.#changes.get(name)?.order ?? 0) <= change.order) this.#changes.set(name, change);
    }
  }

  /** Tells the observers how far it is. */
  report(): void {
    const { clock, observers } = this.#host;
    this.#cancelReport?.();
    this.#cancelReport = undefined;
    this.#reportedAt = clock.monotonic();
    const { taskId, action } = this.#task;
    const items = Object.freeze({ ...this.#counts(), total: Math.max(this.total, this.expected) });
    observers.emit({ type: "step.progressed", taskId, name: action.name, items });
  }

  conclude(): TaskOutcome {
    const { stop } = this.#host;
    if (stop.requested && (this.#isCutShort || this.#failure)) return this.#outcome("cancelled");
    if (this.#failure) return this.#outcome("failed", this.#failure);
    if (this.#failed > 0) return { ...this.#outcome("failed", this.#itemsFailed()), ...this.#partial() };
    if (this.#isCutShort) return this.#outcome("pending");
    const [first, ...others] = this.#waits;
    if (first) {
      const wait = others.length === 0 ? first : { signal: undefined, until: undefined, any: this.#waits };
      return { ...this.#outcome("pending"), status: "waiting", wait };
    }
    const value = this.#list(false);
    const changed = this.#changes.size > 0 ? { ...value, changes: this.#changes } : value;
    return { ...this.#outcome("pending"), status: "completed", value: changed, again: false, snapshots: [] };
  }

  /** Tells the observers, or sees to it that they are told when that is due again. */
  #reportSoon(): void {
    const { clock, observers } = this.#host;
    if (this.#cancelReport || !observers.any) return;
    const left = this.#reportedAt + limits.progressEvery - clock.monotonic();
    if (left <= 0) this.report();
    else this.#cancelReport = clock.timer(left, () => this.report(), { background: true });
  }

  #counts(): ItemCounts {
    return Object.freeze({
      total: this.total,
      completed: this.#completed,
      restored: this.#restored,
      failed: this.#failed,
    });
  }

  #list(partial: boolean): EncodedValue {
    if (!this.#task.isRecorded) return { form: "list", bytes: new Uint8Array(), items: this.#unsaved };
    return itemsValue({
      count: this.total,
      keys: this.#keys,
      marks: this.#marks,
      origins: this.#origins,
      ...(partial && { partial }),
    });
  }

  /** What the items gave that did not fail; nothing where some were not executed to their end. */
  #partial(): { readonly partial?: EncodedValue } {
    return this.#isCutShort || this.#waits.length > 0 ? {} : { partial: this.#list(true) };
  }

  #outcome<Status extends "failed" | "cancelled" | "pending">(status: Status, error?: Error) {
    const items = this.#counts();
    const errors = error ? [...this.#errors, error] : this.#errors;
    return { status, attempts: this.#attempts, errors, iterations: 1, items };
  }

  #itemsFailed(): ItemsFailedError {
    const { workflowId, runId } = this.#host;
    const { taskId } = this.#task;
    const { key, error } = this.#firstFailed ?? {};
    return new ItemsFailedError(
      `${this.#failed} of ${this.total} items of "${taskId}" failed; the first, "${key}", with ${error?.name}: ${error?.message}. The others are saved: a resume runs only what failed.`,
      { workflowId, runId, taskId, cause: error, failed: this.#failed },
    );
  }
}

/** Of an item that could not be looked at. No record has it. */
const noMark = "-".repeat(markLength);
