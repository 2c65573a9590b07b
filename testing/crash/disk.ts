// What outlives a crash: the storage of one round, seen from below. It knows which steps have a record, whatever the
// engine believes, and notes what must never happen to a record.
import type { Storage } from "../../src/storage.ts";
import type { CrashProblemKind } from "./report.ts";
import { writtenIn } from "./written.ts";

export interface Finding {
  readonly kind: CrashProblemKind;
  readonly text: string;
}

export class Disk {
  readonly #storage: Storage;
  /** The whole records of steps, by key. */
  readonly #records = new Map<string, { readonly task: string; readonly bytes: Uint8Array }>();
  readonly #forgetful: boolean;
  #over = false;
  #removed = false;
  readonly findings: Finding[] = [];
  /** An operation of a dead process that is still under way. */
  #late: { readonly work: () => Promise<unknown>; readonly task: string | undefined } | undefined;
  #lateTask: string | undefined;

  /** `forgetful` says that the workflow removes its runs when they have completed: to begin anew is right then. */
  constructor(storage: Storage, forgetful: boolean) {
    this.#storage = storage;
    this.#forgetful = forgetful;
  }

  /** Whether records were removed when their run had completed. */
  get removed(): boolean {
    return this.#removed;
  }

  get durable(): boolean {
    return this.#storage.durable;
  }

  isRecorded(task: string): boolean {
    return [...this.#records.values()].some((record) => record.task === task);
  }

  /** Whether a start knows that the task is done. A record that arrived late came behind its back. */
  isKnown(task: string): boolean {
    return task !== this.#lateTask && this.isRecorded(task);
  }

  report(kind: CrashProblemKind, text: string): void {
    this.findings.push({ kind, text });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#storage.get(key);
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.#storage.list(prefix)) keys.push(key);
    return keys;
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    const created = await this.#storage.create(key, value);
    if (created) this.#note(key, value);
    return created;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    const old = this.#records.get(key);
    if (old && Buffer.compare(old.bytes, value) !== 0) {
      this.report("record changed", `put replaced the record of "${old.task}" at "${key}".`);
    }
    await this.#storage.put(key, value);
    this.#note(key, value);
  }

  async delete(key: string): Promise<void> {
    const old = this.#records.get(key);
    if (old && !this.#over) {
      this.report(
        "record changed",
        `delete removed the record of "${old.task}" at "${key}" before its run had completed.`,
      );
    }
    await this.#storage.delete(key);
    if (old && this.#over) this.#removed = true;
    this.#records.delete(key);
  }

  postpone(work: () => Promise<unknown>, task: string | undefined): void {
    this.#late = { work, task };
  }

  /** Lets the operation that was under way at a crash arrive. */
  async deliver(): Promise<void> {
    const late = this.#late;
    this.#late = undefined;
    if (!late) return;
    this.#lateTask = late.task;
    await late.work();
  }

  async close(): Promise<void> {
    await this.#storage.close?.();
  }

  #note(key: string, value: Uint8Array): void {
    const written = writtenIn(value);
    if (written?.kind === "end" && written.status === "completed") {
      this.#over = true;
      if (this.#forgetful) this.#records.clear();
    }
    if (written?.kind === "step" && written.whole) {
      this.#records.set(key, { task: written.task, bytes: new Uint8Array(value) });
    } else {
      this.#records.delete(key);
    }
  }
}
