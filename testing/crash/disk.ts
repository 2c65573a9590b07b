// What outlives a crash: the storage of one round, seen from below. It knows what has a record, whatever the engine
// believes, alone or gathered with others, and notes what must never happen to a record.
import type { Storage } from "../../src/storage.ts";
import type { CrashProblemKind } from "./report.ts";
import { type GatheredRecord, type Written, writtenIn } from "./written.ts";

export interface Finding {
  readonly kind: CrashProblemKind;
  readonly text: string;
}

/** A whole record; `task` is empty for what a task saved on its way. */
interface NotedRecord {
  readonly task: string;
  readonly bytes: Uint8Array;
}

/** Parts that may be written again or taken back. */
const passing = /\/parts\/.*\/(progress|intents)\//;

export class Disk {
  readonly #storage: Storage;
  /** The whole records of steps, iterations, items and `once`, by key. */
  readonly #records = new Map<string, NotedRecord>();
  /** The ids of the workflows, by their folders; the first is the one that is tested, the others are steps of it. */
  readonly #workflows = new Map<string, string>();
  readonly #forgetful: boolean;
  readonly #over = new Set<string>();
  #removed = false;
  #gathers = false;
  #blind = false;
  readonly #findings: Finding[] = [];
  /** Steps that were reported as completed before they had a record: right where records are gathered. */
  readonly #unrecorded: Finding[] = [];
  /** An operation of a dead process that is still under way. */
  #late: { readonly work: () => Promise<unknown>; readonly written: Written | undefined } | undefined;
  #lateTasks: readonly string[] = [];

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

  /** What was found in the round. */
  get findings(): readonly Finding[] {
    return this.#gathers ? this.#findings : [...this.#findings, ...this.#unrecorded];
  }

  /** The id of the workflow in whose folder a key lies. */
  workflowOf(key: string): string {
    return this.#workflows.get(folderOf(key)) ?? "";
  }

  isRecorded(workflow: string, task: string): boolean {
    // Gathered records that are encrypted can't be seen from here.
    if (this.#blind) return true;
    return [...this.#records].some(([key, record]) => record.task === task && this.workflowOf(key) === workflow);
  }

  /** Whether items of the task are saved whose record lies, or is to lie, under `key`. */
  hasItems(key: string): boolean {
    const folder = `${key.replace(/\/steps\/([^/]+)$/, "/parts/$1")}/items/`;
    return [...this.#records.keys()].some((name) => name.startsWith(folder));
  }

  /** Whether a start knows that the task is done. A record that arrived late came behind its back. */
  isKnown(workflow: string, task: string): boolean {
    return !this.#blind && !this.#lateTasks.includes(task) && this.isRecorded(workflow, task);
  }

  report(kind: CrashProblemKind, text: string): void {
    this.#findings.push({ kind, text });
  }

  /** Notes a step that has completed without a record so far. */
  reportUnrecorded(text: string): void {
    this.#unrecorded.push({ kind: "not recorded", text });
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
      this.report("record changed", `put replaced the record ${describe(key, old)}.`);
    }
    await this.#storage.put(key, value);
    this.#note(key, value);
  }

  async delete(key: string): Promise<void> {
    const old = this.#records.get(key);
    const isOver = this.#over.has(folderOf(key));
    if (old && !isOver) {
      this.report("record changed", `delete removed the record ${describe(key, old)} before its run had completed.`);
    }
    await this.#storage.delete(key);
    if (old && isOver) this.#removed = true;
    this.#records.delete(key);
  }

  postpone(work: () => Promise<unknown>, written: Written | undefined): void {
    this.#late = { work, written };
  }

  /** Lets the operation that was under way at a crash arrive. */
  async deliver(): Promise<void> {
    const late = this.#late;
    this.#late = undefined;
    if (!late) return;
    this.#lateTasks = late.written ? tasksIn(late.written) : [];
    await late.work();
  }

  async close(): Promise<void> {
    await this.#storage.close?.();
  }

  #note(key: string, value: Uint8Array): void {
    const written = writtenIn(value);
    const folder = folderOf(key);
    if (written?.kind === "run" && !this.#workflows.has(folder)) this.#workflows.set(folder, written.workflow);
    if (written?.kind === "end" && written.status === "completed") {
      this.#over.add(folder);
      const isTested = folder === [...this.#workflows.keys()][0];
      if (this.#forgetful && isTested) this.#records.clear();
    }
    if (written?.kind === "batch") this.#noteBatch(written.gathered);
    if (written?.whole && (written.kind === "step" || (written.kind === "part" && !passing.test(key)))) {
      this.#records.set(key, { task: written.task, bytes: new Uint8Array(value) });
    } else {
      this.#records.delete(key);
    }
  }

  #noteBatch(gathered: readonly GatheredRecord[] | undefined): void {
    this.#gathers = true;
    this.#blind ||= gathered === undefined;
    for (const { key, task, bytes } of gathered ?? []) {
      const old = this.#records.get(key);
      if (old)
        this.report("record changed", `a batch holds the record ${describe(key, old)}, which was written before.`);
      this.#records.set(key, { task, bytes });
    }
  }
}

/** The tasks whose records a write brings. */
function tasksIn({ kind, task, gathered }: Written): readonly string[] {
  if (kind === "step") return [task];
  return (gathered ?? []).filter((record) => record.kind === "step").map((record) => record.task);
}

function folderOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function describe(key: string, { task }: NotedRecord): string {
  return `${task && `of "${task}" `}at "${key}"`;
}
