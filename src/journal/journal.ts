// One driving of one run: its lease, its plan, its records and its end. It knows keys, not what tasks mean.
import type { Clock } from "../clock.ts";
import { CorruptCheckpointError, type LeaseOwner, NothingToResumeError } from "../errors.ts";
import type { Facts, StoredRecord } from "../record.ts";
import type { EncodedValue } from "../serializer.ts";
import { encodeEnd, type RunEnd } from "./end.ts";
import { encodePart } from "./keys.ts";
import { Lease } from "./lease.ts";
import type { Pointers } from "./lease-body.ts";
import { LeaseStore } from "./lease-store.ts";
import { encodePlan, type Plan, readPlan } from "./plan.ts";
import { newRunId } from "./run-id.ts";
import type { Store } from "./store.ts";

export interface OpenOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly lease: number;
  readonly lock: "fail" | "wait";
  readonly signal: AbortSignal | undefined;
  readonly resume: boolean | "required";
  /** Called once when another process holds the lease and only time can tell whether it lives. */
  readonly onWatch: (owner: LeaseOwner) => void;
}

/** A step's record as it is read: its facts and its value, still encoded. */
export interface StepRecord {
  readonly writer: string;
  readonly facts: Facts;
  readonly value: EncodedValue;
}

export class Journal {
  readonly #store: Store;
  readonly #lease: Lease;
  /** The id that the lease was acquired with where no run was to be resumed. */
  readonly #fresh: string;
  #plan: Plan | undefined;
  /** The last part of the keys of this run's records. */
  #saved = new Set<string>();
  #forgotten = new Set<string>();
  /** The last part of a task's key, which is asked for several times. */
  readonly #parts = new Map<string, string>();

  /** Acquires the lease, and finds the run to resume: its `plan` is there then. */
  static async open(options: OpenOptions): Promise<Journal> {
    const { store, clock, lease, lock, signal, resume, onWatch } = options;
    const { workflowId } = store;
    let fresh = "";
    const point = (previous: Pointers, generation: number): Pointers => {
      if (resume === "required" && previous.length === 0) throw nothingToResume(workflowId);
      fresh = newRunId(clock.now(), generation);
      return resume && previous.length > 0 ? previous : [{ run: fresh, plan: 0 }, ...previous.slice(0, 9)];
    };
    const held = await Lease.acquire({ store: new LeaseStore(store), clock, lease, lock, signal, onWatch, point });
    const journal = new Journal(store, held, fresh);
    try {
      if (resume) await journal.#find();
      if (resume === "required" && !journal.#plan) throw nothingToResume(workflowId);
    } catch (error) {
      await journal.release().catch(() => {});
      throw error;
    }
    return journal;
  }

  private constructor(store: Store, lease: Lease, fresh: string) {
    this.#store = store;
    this.#lease = lease;
    this.#fresh = fresh;
  }

  /** The plan of the run; missing until one was found or begun. */
  get plan(): Plan | undefined {
    return this.#plan;
  }

  get runId(): string {
    return this.#plan?.runId ?? "";
  }

  get generation(): number {
    return this.#lease.generation;
  }

  set onLost(callback: (error: Error) => void) {
    this.#lease.onLost = callback;
  }

  /** Whether the last records may be torn: the process that wrote them did not end in order. */
  get mayBeTorn(): boolean {
    return this.#lease.followsCrash;
  }

  /** Resolves while this process drives the run; rejects with a `LeaseLostError` when another one does. */
  ensure(): Promise<void> {
    return this.#lease.ensure();
  }

  /** Whether a record of the task is there, in this run or in the one that this run refers to. */
  isSaved(taskId: string): boolean {
    if (this.#forgotten.has(taskId)) return false;
    return this.#saved.has(this.#part(taskId)) || this.#plan?.kept[taskId] !== undefined;
  }

  /** The id for a run that is about to begin. */
  nextRunId(now: number): string {
    return this.#lease.runs[0]?.run === this.#fresh && this.#plan === undefined
      ? this.#fresh
      : newRunId(now, this.#lease.generation);
  }

  /** Begins the run of `plan`. From here on it is the run that a resume finds. */
  async begin(plan: Plan): Promise<void> {
    const runs = this.#lease.runs;
    if (runs[0]?.run !== plan.runId) await this.#lease.point([{ run: plan.runId, plan: 0 }, ...runs]);
    await this.#create(this.#store.keys.run(plan.runId), encodePlan(plan, this.#store.workflowId, this.#lease.writer));
    this.#lease.confirmRun();
    this.#plan = plan;
    this.#saved = new Set();
    this.#forgotten = new Set();
  }

  /** Notes that the run goes on with other tasks than it was begun with. */
  async replan(plan: Plan): Promise<void> {
    await this.#lease.ensure();
    const { generation, writer } = this.#lease;
    await this.#store.put(
      this.#store.keys.plan(plan.runId, generation),
      encodePlan(plan, this.#store.workflowId, writer),
    );
    await this.#lease.point([{ run: plan.runId, plan: generation }]);
    this.#plan = plan;
  }

  /**
   * Writes the record of a task, once. Where another process was first, its record counts, and is given: the value that
   * its dependents must get. Rejects with a `LeaseLostError`, and writes nothing, when this process no longer drives the run.
   */
  async record(taskId: string, facts: Facts, value: EncodedValue): Promise<StepRecord | undefined> {
    await this.#lease.ensure();
    const key = this.#store.keys.step(this.runId, taskId);
    const record: StoredRecord = {
      kind: "step",
      writer: this.#lease.writer,
      facts: { task: taskId, ...facts, form: value.form },
      payload: value.bytes,
    };
    const rival = await this.#create(key, record);
    this.#saved.add(this.#part(taskId));
    this.#forgotten.delete(taskId);
    return rival && toStepRecord(rival);
  }

  /** The run in which the record of a task lies. */
  originOf(taskId: string): string {
    return this.#saved.has(this.#part(taskId)) ? this.runId : (this.#plan?.kept[taskId] ?? this.runId);
  }

  /** Reads the record of a task; `undefined` where there is none or only a torn one. */
  async read(taskId: string): Promise<StepRecord | undefined> {
    const record = await this.#store.read(this.#store.keys.step(this.originOf(taskId), taskId));
    return record && toStepRecord(record);
  }

  /** Takes a task whose record turned out to be torn as not saved. */
  forget(taskId: string): void {
    this.#forgotten.add(taskId);
  }

  /** Notes how this driving of the run ended. */
  async end(end: RunEnd): Promise<void> {
    await this.#lease.ensure();
    const { generation, writer } = this.#lease;
    await this.#create(this.#store.keys.end(this.runId, generation), encodeEnd(end, writer));
  }

  /** Makes sure that no resume finds this run, which is about to be removed. */
  async leaveRun(): Promise<void> {
    await this.#lease.point([]);
  }

  /** Lets the next process drive without waiting. `ended` says that every write went well. */
  async release({ ended = false } = {}): Promise<void> {
    await this.#lease.release(undefined, ended && this.#forgotten.size === 0);
  }

  /** Gives up driving without a word to the storage. */
  abandon(): void {
    this.#lease.abandon();
  }

  #part(taskId: string): string {
    let part = this.#parts.get(taskId);
    if (part === undefined) this.#parts.set(taskId, (part = encodePart(taskId)));
    return part;
  }

  /** Gives the record of a rival that was first and counts; `undefined` when ours was written. */
  async #create(key: string, record: StoredRecord): Promise<StoredRecord | undefined> {
    const { created, existing } = await this.#store.create(key, record);
    if (created) return undefined;
    await this.#lease.confirm();
    if (existing) return existing;
    // Torn: whoever wrote it died in the middle, and only the holder of the lease may replace it.
    await this.#store.put(key, record);
    return undefined;
  }

  /** Finds the newest run that exists, with its plan and its records. */
  async #find(): Promise<void> {
    for (const { run, plan } of this.#lease.runs) {
      const found = await readPlan(this.#store, run, plan);
      if (!found) {
        await this.#refuseDamaged(run);
        continue;
      }
      const prefix = this.#store.keys.steps(run);
      this.#plan = found;
      this.#saved = new Set((await this.#store.list(prefix)).map((key) => key.slice(prefix.length)));
      if (this.#lease.runs[0]?.run === run) this.#lease.confirmRun();
      else await this.#lease.point([{ run, plan }]);
      return;
    }
  }

  /** A run that is gone or was never begun is passed over; one that has records and a torn plan must not be. */
  async #refuseDamaged(run: string): Promise<void> {
    const prefix = this.#store.keys.runFolder(run);
    const names = (await this.#store.list(prefix)).map((key) => key.slice(prefix.length));
    if (!names.includes("run") || !names.some((name) => name.startsWith("steps/"))) return;
    throw new CorruptCheckpointError(
      `The plan of run "${run}" of workflow "${this.#store.workflowId}" is cut short, though tasks of it are saved. Restore "${prefix}run" from a backup, or start without resume.`,
      { workflowId: this.#store.workflowId, runId: run, key: `${prefix}run` },
    );
  }
}

export function toStepRecord({ writer, facts: { form, ...facts }, payload }: StoredRecord): StepRecord {
  return { writer, facts, value: { form: String(form), bytes: payload } };
}

function nothingToResume(workflowId: string): NothingToResumeError {
  return new NothingToResumeError(
    `Workflow "${workflowId}" has no run to resume in this storage. Check workflowId and storage, or start with resume: true, which begins a run where there is none.`,
    { workflowId },
  );
}
