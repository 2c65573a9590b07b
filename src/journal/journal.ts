// One driving of one run: its lease, its plan, its records and its end. It knows keys, not what tasks mean.
import type { Clock } from "../clock.ts";
import { type LeaseOwner, NothingToResumeError } from "../errors.ts";
import type { Facts, StoredRecord } from "../record.ts";
import type { Changes, EncodedValue } from "../serializer.ts";
import { encodeEnd, type RunEnd } from "./end.ts";
import type { CheckpointPolicy } from "./gatherer.ts";
import { gatherItems } from "./items.ts";
import { encodePart } from "./keys.ts";
import { Lease } from "./lease.ts";
import type { Notes, Pointers } from "./lease-body.ts";
import { LeaseStore } from "./lease-store.ts";
import { encodePlan, type Plan, readPlan, refuseDamaged } from "./plan.ts";
import { newRunId } from "./run-id.ts";
import { RunParts } from "./run-parts.ts";
import { RunRecords } from "./run-records.ts";
import type { Store } from "./store.ts";
import { fromPayload, toPayload } from "./payload.ts";
import { hasSignal, type Mailbox } from "./signals.ts";
import { lastPlace, saveSnapshot, type Snapshot } from "./snapshots.ts";

export interface OpenOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly lease: number;
  readonly lock: "fail" | "wait";
  readonly signal: AbortSignal | undefined;
  readonly resume: boolean | "required";
  /** When records are written; each at once where it is missing. */
  readonly policy: CheckpointPolicy | undefined;
  /** Where the runs that this one is a step of get their signals, the nearest first. */
  readonly parents: readonly Mailbox[];
  /** What the observers want those of the next start to know. */
  readonly notes: Notes;
  /** Called once when another process holds the lease and only time can tell whether it lives. */
  readonly onWatch: (owner: LeaseOwner) => void;
}

/** How far the tasks of a run are that are not done. */
export interface Begun {
  /** The last saved iterations of loops, with the run that has them; missing where it is this one. */
  readonly iterations: Readonly<Record<string, { readonly iteration: number; readonly run?: string | undefined }>>;
  /** The maps that may have items. */
  readonly maps: readonly string[];
}

/** A snapshot that a step asked for. */
export interface SnapshotRequest {
  readonly id: string;
  readonly metadata: EncodedValue;
  readonly begun: Begun;
  readonly now: number;
  /** The record that it comes with: that of a task, or one under a key of its own. */
  readonly with: { readonly taskId: string; readonly key: string | undefined };
  /** Whether that record changes the shared state. */
  readonly changesState: boolean;
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
  readonly #parents: readonly Mailbox[];
  #plan: Plan | undefined;
  /** Whether another driving of the run came before this one. */
  #isResumed = false;
  /** The place of the newest snapshot, where it is known. */
  #lastPlace: number | undefined;
  /** The last part of the keys of this run's records. */
  #saved = new Set<string>();
  #forgotten = new Set<string>();
  readonly #records: RunRecords;
  readonly #parts: RunParts;
  /** The last part of a task's key, which is asked for several times. */
  readonly #partNames = new Map<string, string>();

  /** Acquires the lease, and finds the run to resume: its `plan` is there then. */
  static async open(options: OpenOptions): Promise<Journal> {
    const { store, clock, lease, lock, signal, resume, onWatch, policy, parents, notes } = options;
    const { workflowId } = store;
    let fresh = "";
    const point = (previous: Pointers, generation: number): Pointers => {
      if (resume === "required" && previous.length === 0) throw nothingToResume(workflowId);
      fresh = newRunId(clock.now(), generation);
      return resume && previous.length > 0 ? previous : [{ run: fresh, plan: 0 }, ...previous.slice(0, 9)];
    };
    const held = await Lease.acquire({
      store: new LeaseStore(store),
      clock,
      lease,
      lock,
      signal,
      onWatch,
      point,
      notes,
    });
    const journal = new Journal({ store, clock, policy, parents }, held, fresh);
    try {
      if (resume) await journal.#find();
      if (resume === "required" && !journal.#plan) throw nothingToResume(workflowId);
    } catch (error) {
      await journal.release().catch(() => {});
      throw error;
    }
    return journal;
  }

  private constructor(
    { store, clock, policy, parents }: Pick<OpenOptions, "store" | "clock" | "policy" | "parents">,
    lease: Lease,
    fresh: string,
  ) {
    this.#store = store;
    this.#lease = lease;
    this.#fresh = fresh;
    this.#parents = parents;
    this.#records = new RunRecords({ store, lease, clock, policy, runId: () => this.runId });
    // Asked for only once there is a plan.
    const plan = (): Plan => this.#plan as Plan;
    const mailboxes = (): readonly Mailbox[] => this.#mailboxes();
    const isResumed = (): boolean => this.#isResumed;
    this.#parts = new RunParts({ store, lease, records: this.#records, plan, mailboxes, isResumed });
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

  /** The notes of the start before this one. */
  get notesBefore(): Notes {
    return Object.freeze(this.#lease.notesBefore);
  }

  set onLost(callback: (error: Error) => void) {
    this.#lease.onLost = callback;
  }

  set onCancel(callback: () => void) {
    this.#lease.onCancel = callback;
  }

  /** Whether the last records may be torn: the process that wrote them did not end in order. */
  get mayBeTorn(): boolean {
    return this.#lease.followsCrash;
  }

  /** Makes sure that this process drives the run, at once or when the promise resolves; rejects with a `LeaseLostError` when another one does. */
  ensure(): Promise<void> | undefined {
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
    if (runs[0]?.run !== plan.runId) {
      // The records that it keeps hold their part of the shared state.
      const state = runs[0]?.state && { state: true };
      await this.#lease.point([{ run: plan.runId, plan: 0, ...state }, ...runs]);
    }
    await this.#records.create(
      this.#store.keys.run(plan.runId),
      encodePlan(plan, this.#store.workflowId, this.#lease.writer),
    );
    this.#lease.confirmRun();
    this.#plan = plan;
    this.#isResumed = false;
    this.#saved = new Set();
    this.#forgotten = new Set();
    this.#records.reset();
    this.#parts.reset();
  }

  /** Notes that the run goes on with other tasks than it was begun with. */
  async replan(plan: Plan): Promise<void> {
    await this.#lease.ensure();
    const { generation, writer } = this.#lease;
    await this.#store.put(
      this.#store.keys.plan(plan.runId, generation),
      encodePlan(plan, this.#store.workflowId, writer),
    );
    await this.#lease.point([{ ...this.#records.pointer, run: plan.runId, plan: generation }]);
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
      ...toPayload({ task: taskId, ...facts }, value),
    };
    if (value.changes) await this.#records.note("state");
    const rival = await this.#records.gather(key, record, { task: taskId });
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
    const run = this.originOf(taskId);
    const record = await this.#records.read(this.#store.keys.step(run, taskId));
    if (!record) return undefined;
    const step = toStepRecord(record);
    const value = await gatherItems(this.#store, run, taskId, step.value, (key) => this.#records.read(key));
    return { ...step, value };
  }

  /** Brings together what the items of a map of this run gave. */
  gather(taskId: string, value: EncodedValue): Promise<EncodedValue> {
    return gatherItems(this.#store, this.runId, taskId, value, (key) => this.#records.read(key));
  }

  /** Whether steps of this run share state, so that it has to be read from their records. */
  get usesState(): boolean {
    return this.#records.pointer?.state ?? false;
  }

  /** The changes of the shared state that the record of a task holds. */
  async changesOf(taskId: string): Promise<Changes | undefined> {
    const record = await this.#records.read(this.#store.keys.step(this.originOf(taskId), taskId));
    return record && toStepRecord(record).value.changes;
  }

  /** The tasks of a list that have no record, and have saved something on their way. */
  begunAmong(taskIds: readonly string[]): Promise<string[]> {
    return this.#parts.begunAmong(taskIds.filter((taskId) => !this.isSaved(taskId)));
  }

  /** Takes a task whose record turned out to be torn as not saved. */
  forget(taskId: string): void {
    this.#forgotten.add(taskId);
  }

  /** What tasks save on their way, before they are done. */
  get parts(): RunParts {
    return this.#parts;
  }

  /**
   * Names the state of the run as it is with a record that is about to be written: with it the snapshot counts. `begun` are
   * the iterations and maps that are under way then.
   */
  async snapshot({
    id,
    metadata,
    begun,
    now,
    with: { taskId: own, key },
    changesState,
  }: SnapshotRequest): Promise<void> {
    const plan = this.#plan as Plan;
    const isKept = (taskId: string): boolean => this.isSaved(taskId) || (key === undefined && taskId === own);
    const taskIds = plan.tasks.map((task) => task.id).filter(isKept);
    const iterations = Object.entries(begun.iterations).map(
      ([task, { iteration, run = plan.runId }]) => [task, { run, iteration }] as const,
    );
    const maps = begun.maps.map((task) => [task, [plan.runId, ...this.#parts.itemsFrom(task)]] as const);
    const record = key ?? this.#store.keys.step(plan.runId, own);
    const snapshot: Snapshot = {
      id,
      run: plan.runId,
      plan: this.#records.pointer?.plan ?? 0,
      createdAt: new Date(now).toISOString(),
      kept: Object.fromEntries(taskIds.map((taskId) => [taskId, taskId === own ? plan.runId : this.originOf(taskId)])),
      begun: { ...plan.begun, ...Object.fromEntries(iterations) },
      items: { ...plan.items, ...Object.fromEntries(maps) },
      state: this.usesState || changesState,
      with: record,
      metadata,
    };
    // What the snapshot refers to has to be there first; what is recorded meanwhile is not a part of it.
    await this.#records.flush();
    await this.#lease.ensure();
    const last = this.#lastPlace ?? (await lastPlace(this.#store));
    this.#lastPlace = Math.max(now, last + 1, (this.#lastPlace ?? 0) + 1);
    await saveSnapshot(this.#store, snapshot, this.#lastPlace);
    this.#records.hurry(record);
  }

  /** Whether a signal has come that nobody has taken. */
  hasSignal(name: string): Promise<boolean> {
    return hasSignal(this.#mailboxes(), name);
  }

  #mailboxes(): readonly Mailbox[] {
    return [{ store: this.#store, runId: this.runId }, ...this.#parents];
  }

  /** Writes what the checkpoint policy holds back. */
  flush(): Promise<void> {
    return this.#records.flush();
  }

  /** Notes how this driving of the run ended. */
  async end(end: RunEnd): Promise<void> {
    await this.#records.flush();
    await this.#lease.ensure();
    const { generation, writer } = this.#lease;
    await this.#records.create(this.#store.keys.end(this.runId, generation), encodeEnd(end, writer));
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
    this.#records.drop();
    this.#lease.abandon();
  }

  #part(taskId: string): string {
    let part = this.#partNames.get(taskId);
    if (part === undefined) this.#partNames.set(taskId, (part = encodePart(taskId)));
    return part;
  }

  /** Finds the newest run that exists, with its plan and its records. */
  async #find(): Promise<void> {
    for (const pointer of this.#lease.runs) {
      const { run, plan } = pointer;
      const found = await readPlan(this.#store, run, plan);
      if (!found) {
        await refuseDamaged(this.#store, run);
        continue;
      }
      const prefix = this.#store.keys.steps(run);
      this.#plan = found;
      this.#isResumed = true;
      if (this.#lease.runs[0]?.run === run) this.#lease.confirmRun();
      else await this.#lease.point([pointer]);
      if (pointer.batches && this.#lease.followsCrash) await this.#records.closeBatches(run);
      this.#saved = new Set(await this.#records.names(run, prefix));
      return;
    }
  }
}

export function toStepRecord(record: StoredRecord): StepRecord {
  return { writer: record.writer, ...fromPayload(record) };
}

function nothingToResume(workflowId: string): NothingToResumeError {
  return new NothingToResumeError(
    `Workflow "${workflowId}" has no run to resume in this storage. Check workflowId and storage, or start with resume: true, which begins a run where there is none.`,
    { workflowId },
  );
}
