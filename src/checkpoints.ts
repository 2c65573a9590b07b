// `workflow.checkpoints`, and `Checkpoints` without a workflow: look at what is saved, and look after it.
import { type Clock, systemClock } from "./clock.ts";
import {
  type CheckpointInfo,
  describeLastRun,
  describeRuns,
  describeSteps,
  type RunInfo,
  type SnapshotInfo,
  type StepInfo,
} from "./checkpoint-views.ts";
import { Context } from "./context.ts";
import { defaults } from "./defaults.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError, NothingToResumeError } from "./errors.ts";
import { packRun, unpackRun } from "./export-file.ts";
import { type GuardedStorage, guardStorage } from "./guard.ts";
import { currentLease, isLive, originOf, readRecord, readStep, runById } from "./journal/history.ts";
import { gatherItems } from "./journal/items.ts";
import { toStepRecord } from "./journal/journal.ts";
import { isEmpty, removeAllRuns, removeLeases, removeRuns } from "./journal/removal.ts";
import { Lease } from "./journal/lease.ts";
import { LeaseStore } from "./journal/lease-store.ts";
import { restoreSnapshot, snapshotLastRun } from "./journal/restoring.ts";
import { readSnapshots } from "./journal/snapshots.ts";
import { transferRun } from "./journal/transfer.ts";
import { sendSignal } from "./journal/signals.ts";
import { Store } from "./journal/store.ts";
import { listWorkflows, type SavedWorkflow } from "./journal/workflows.ts";
import { type Problem, verifyStore } from "./journal/verify.ts";
import { isName, refuseUnknown, requireWhole, show } from "./options.ts";
import type { Seal } from "./seal.ts";
import type { ValueCodec } from "./serializer.ts";
import { checkWorkflowId, type CodecOptions, resolveStore } from "./settings.ts";
import type { Storage } from "./storage.ts";
import { StorageMemory } from "./storage-memory.ts";

/** What is needed beside the storage. */
export interface CheckpointsOptions extends CodecOptions {
  workflowId: string;
  clock?: Clock;
}

/** What a workflow hands over that has all of it already. */
export interface CheckpointsParts {
  readonly storage: GuardedStorage;
  readonly store: Store;
  readonly codec: ValueCodec;
  readonly seal: Seal;
  readonly clock: Clock;
}

export class Checkpoints {
  readonly #store: Store;
  readonly #storage: GuardedStorage;
  readonly #codec: ValueCodec;
  readonly #seal: Seal;
  readonly #clock: Clock;

  constructor(storage: Storage, options: CheckpointsOptions);
  /** @internal */
  constructor(parts: CheckpointsParts);
  constructor(from: Storage | CheckpointsParts, options?: CheckpointsOptions) {
    const parts = options === undefined ? (from as CheckpointsParts) : resolveParts(from as Storage, options);
    this.#store = parts.store;
    this.#storage = parts.storage;
    this.#codec = parts.codec;
    this.#seal = parts.seal;
    this.#clock = parts.clock;
  }

  /** The state of the last run. */
  info(): Promise<CheckpointInfo> {
    return describeLastRun(this.#store, this.#clock);
  }

  /** All workflows in the storage, also those of other ids, the one that ran last first. Lists the whole storage. */
  workflows(): Promise<SavedWorkflow[]> {
    return listWorkflows(this.#storage, this.#seal);
  }

  /** All runs of the workflow, newest first. */
  runs(): Promise<RunInfo[]> {
    return describeRuns(this.#store, this.#clock);
  }

  /** All tasks of a run, those that ended last first and those that did not end last. Reads every record. @default the last run */
  async steps(options: { runId?: string } = {}): Promise<StepInfo[]> {
    refuseUnknown(options, ["runId"], "checkpoints.steps");
    return describeSteps(this.#store, await runById(this.#store, options.runId));
  }

  /** What a task handed on. Rejects with an `InvalidWorkflowError` where nothing of it is saved. @default the last run */
  async read<T = unknown>(taskId: string, options: { runId?: string } = {}): Promise<Context<T>> {
    refuseUnknown(options, ["runId"], "checkpoints.read");
    const run = await runById(this.#store, options.runId);
    const record = await readStep(this.#store, run, taskId);
    if (record) {
      const value = await gatherItems(this.#store, originOf(run, taskId), taskId, toStepRecord(record).value, (key) =>
        readRecord(this.#store, run, key),
      );
      return new Context(this.#codec.decode(value) as T);
    }
    const { workflowId } = this.#store;
    const { runId } = run.plan;
    throw new InvalidWorkflowError(
      `Run "${runId}" of workflow "${workflowId}" has no saved value of "${taskId}". checkpoints.steps() lists its tasks.`,
      { workflowId, runId, taskId },
    );
  }

  /**
   * Sends a signal to the last run: a step of it, or of a workflow that is a step of it, that waits for `name`, now or later,
   * gets `payload`. Each signal is taken by one wait, the oldest first; it is durable when the promise resolves. A resume, or a
   * run that waits in place, goes on with it.
   *
   * Rejects with a `NothingToResumeError` where there is no run, or the last one has completed.
   */
  async signal(name: string, payload?: unknown): Promise<void> {
    if (!isName(name))
      throw new InvalidWorkflowError(
        `checkpoints.signal was given the name ${show(name)}. Give a well-formed text that is not empty.`,
      );
    const { workflowId } = this.#store;
    const { plan, end } = await runById(this.#store, undefined);
    const { runId } = plan;
    if (end?.status === "completed")
      throw new NothingToResumeError(
        `The last run of workflow "${workflowId}", "${runId}", has completed, so nothing waits for the signal "${name}". Start a new run first.`,
        { workflowId, runId },
      );
    const value = this.#codec.encode(payload);
    await sendSignal(this.#store, { runId, name, value, now: this.#clock.now() });
  }

  /**
   * Asks the process that drives the workflow, whichever and wherever it is, to cancel its run: it aborts running steps, saves
   * what is done, and ends the run `cancelled`. It notices at its next renewal, within a third of its lease time, so a run that ends
   * before that ends as it would have. A later start is not affected.
   *
   * Gives whether anybody drives it, and so was asked.
   */
  async cancel(): Promise<boolean> {
    const lease = await currentLease(this.#store);
    if (!lease || !isLive(lease, this.#clock.now())) return false;
    await new LeaseStore(this.#store).requestCancel(lease.generation, lease.writer);
    return true;
  }

  /**
   * Gives the present state of the last run the name `id`. Of equal ids the newest counts.
   * Rejects with a `NothingToResumeError` where there is no run.
   */
  async snapshot(options: { id: string; metadata?: unknown }): Promise<void> {
    refuseUnknown(options, ["id", "metadata"], "checkpoints.snapshot");
    const { id, metadata } = options;
    if (!isName(id))
      throw new InvalidWorkflowError(
        `checkpoints.snapshot was given the id ${show(id)}. Give a well-formed text that is not empty.`,
      );
    await snapshotLastRun(this.#store, { id, metadata: this.#codec.encode(metadata), clock: this.#clock });
  }

  /** All snapshots of the workflow, the newest first. */
  async snapshots(): Promise<SnapshotInfo[]> {
    return (await readSnapshots(this.#store)).map(({ id, run, createdAt, kept, metadata }) => ({
      id,
      runId: run,
      createdAt: new Date(createdAt),
      completed: Object.keys(kept),
      metadata: this.#codec.decode(metadata),
    }));
  }

  /**
   * Prepares a new run that begins where the snapshot `id` stood, and gives its id: `start({ resume: true })` drives it. Nothing is
   * copied, and the run that the snapshot is of stays. Rejects with a `WorkflowLockedError` while a run is driven.
   */
  async restore(id: string): Promise<string> {
    const lease = await this.#acquire();
    try {
      return await restoreSnapshot(this.#store, id, lease, this.#clock);
    } catch (error) {
      await lease.release().catch(() => {});
      throw error;
    }
  }

  /**
   * Gives a run, with the runs that it took records over from, as one file for another machine. Every object is checked. Signed
   * and encrypted records stay so. Rejects with a `WorkflowLockedError` while a run is driven. @default the last run
   */
  async export(options: { runId?: string } = {}): Promise<Uint8Array> {
    refuseUnknown(options, ["runId"], "checkpoints.export");
    const { workflowId } = this.#store;
    const { storage, store } = this.#inMemory();
    await transferRun({ from: this.#store, to: store, runId: options.runId, clock: this.#clock });
    const objects = new Map<string, Uint8Array>();
    for (const key of await storage.list("")) objects.set(key, (await storage.get(key)) ?? new Uint8Array());
    return packRun({ workflowId, objects });
  }

  /**
   * Puts a run that `export` gave into this storage, and gives its id: `start({ resume: true })` goes on with it. Every object is
   * checked, and read again after. Rejects as `copyRun` does, and where the file is damaged or of another workflow.
   */
  async import(file: Uint8Array): Promise<string> {
    const { workflowId } = this.#store;
    if (!(file instanceof Uint8Array))
      throw new InvalidWorkflowError(
        `checkpoints.import was given ${show(file)}. Give the bytes that checkpoints.export() gave, as a Uint8Array.`,
        { workflowId },
      );
    const exported = unpackRun(file);
    if (exported.workflowId !== workflowId)
      throw new InvalidWorkflowError(
        `This export is of workflow "${exported.workflowId}", not of "${workflowId}". Use Checkpoints with that workflowId.`,
        { workflowId },
      );
    const { storage, store } = this.#inMemory();
    for (const [key, bytes] of exported.objects) await storage.put(key, bytes);
    return (await transferRun({ from: store, to: this.#store, runId: undefined, clock: this.#clock })).runId;
  }

  #inMemory(): { storage: GuardedStorage; store: Store } {
    const storage = guardStorage(new StorageMemory(), this.#clock, Math.random);
    return { storage, store: new Store(this.#store.workflowId, storage, this.#seal) };
  }

  /** Reads everything that is saved of the workflow, and lists what is damaged or missing: empty when all is well. */
  verify(): Promise<Problem[]> {
    return verifyStore(this.#store);
  }

  /** Removes all runs of the workflow, and gives how many. Rejects with a `WorkflowLockedError` while one is driven. */
  async clear(): Promise<number> {
    return this.#alone(async (lease) => {
      const removed = await removeAllRuns(this.#store);
      // Released first: a renewal under way could bring a lease back after it was removed.
      await lease.release([]);
      await removeLeases(this.#store, lease.generation + 1);
      return removed;
    });
  }

  /**
   * Removes old runs, and gives how many: those beyond the `keep` newest that are also older than `olderThan`, where it is
   * given. A run that others took records over from stays as long as they do. Rejects with a `WorkflowLockedError` while a run is driven.
   */
  async prune(options: { keep?: number; olderThan?: Duration }): Promise<number> {
    refuseUnknown(options, ["keep", "olderThan"], "checkpoints.prune");
    requireWhole(options.keep, 0, "The option keep of checkpoints.prune");
    if (options.keep === undefined && options.olderThan === undefined)
      throw new InvalidWorkflowError("checkpoints.prune needs keep, olderThan, or both.");
    const age =
      options.olderThan === undefined
        ? 0
        : toMilliseconds(options.olderThan, "The option olderThan of checkpoints.prune");
    const { keep = 0 } = options;
    const before = this.#clock.now() - age;
    return this.#alone(async (lease) => {
      const removed = await removeRuns(this.#store, {
        remove: (place, createdAt) => place >= keep && createdAt <= before,
      });
      await removeLeases(this.#store, lease.generation);
      await lease.release(lease.runs.filter(({ run }) => !removed.includes(run)));
      return removed.length;
    });
  }

  /** Does `work` under a lease of its own, so that nobody drives a run meanwhile. A workflow that has nothing is left so. */
  async #alone(work: (lease: Lease) => Promise<number>): Promise<number> {
    if (await isEmpty(this.#store)) return 0;
    const lease = await this.#acquire();
    try {
      return await work(lease);
    } finally {
      lease.abandon();
    }
  }

  #acquire(): Promise<Lease> {
    return Lease.acquire({
      store: new LeaseStore(this.#store),
      clock: this.#clock,
      lease: defaults.lease,
      lock: "fail",
      signal: undefined,
      onWatch: () => {},
      point: (previous) => previous,
    });
  }
}

function resolveParts(storage: Storage, options: CheckpointsOptions): CheckpointsParts {
  const { workflowId, clock = systemClock, ...codec } = options;
  refuseUnknown(codec, ["classes", "serializer", "secret", "encryptionKey", "compression"], "new Checkpoints");
  return { ...resolveStore(checkWorkflowId(workflowId), { storage, clock, ...codec }), clock };
}
