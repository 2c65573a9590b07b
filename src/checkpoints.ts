// `workflow.checkpoints`, and `Checkpoints` without a workflow: look at what is saved, and look after it.
import { type Clock, systemClock } from "./clock.ts";
import { Context } from "./context.ts";
import { defaults } from "./defaults.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError, type LeaseOwner } from "./errors.ts";
import type { GuardedStorage } from "./guard.ts";
import type { EndedTask, ErrorText } from "./journal/end.ts";
import {
  allRuns,
  currentLease,
  type CurrentLease,
  isLive,
  lastRun,
  readStep,
  runById,
  type SavedRun,
} from "./journal/history.ts";
import { toStepRecord } from "./journal/journal.ts";
import { isEmpty, removeAllRuns, removeLeases, removeRuns } from "./journal/removal.ts";
import { Lease } from "./journal/lease.ts";
import { ownerOf } from "./journal/lease-errors.ts";
import { LeaseStore } from "./journal/lease-store.ts";
import type { Store } from "./journal/store.ts";
import { listWorkflows, type SavedWorkflow } from "./journal/workflows.ts";
import { type Problem, verifyStore } from "./journal/verify.ts";
import { inParallel } from "./parallel.ts";
import { refuseUnknown, requireWhole } from "./options.ts";
import type { Seal } from "./seal.ts";
import type { ValueCodec } from "./serializer.ts";
import { checkWorkflowId, type CodecOptions, resolveStore } from "./settings.ts";
import type { Storage } from "./storage.ts";

/** `running` has a live owner; `interrupted` has none and did not end: its process crashed or was killed. */
export type SavedStatus = "completed" | "failed" | "suspended" | "cancelled" | "running" | "interrupted";

export interface CheckpointInfo {
  readonly exists: boolean;
  /** Of the last run; `undefined` where there is none. */
  readonly status: SavedStatus | undefined;
  readonly runId: string | undefined;
  /** Ids of the tasks that are saved and will not run again. */
  readonly completed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly waiting: readonly string[];
  /** When the last run last ended, else when it began. */
  readonly lastRunTime: Date | undefined;
  /** How many tasks are saved. */
  readonly total: number;
  /** Who drives the run now. */
  readonly owner: LeaseOwner | undefined;
}

export interface RunInfo {
  readonly runId: string;
  readonly status: SavedStatus;
  readonly mode: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
  /** The run that it took records over from. */
  readonly previousRunId: string | undefined;
  /** How many tasks are saved, and how many there are. */
  readonly saved: number;
  readonly total: number;
}

export interface StepInfo {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly status: string;
  /** The run in which its record lies; missing where it has none. */
  readonly runId: string | undefined;
  readonly attempts: number | undefined;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly durationMs: number | undefined;
  /** Bytes of the value as it was encoded. */
  readonly size: number | undefined;
  readonly error: ErrorText | undefined;
  readonly reason: string | undefined;
}

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
  async info(): Promise<CheckpointInfo> {
    const lease = await currentLease(this.#store);
    const run = await lastRun(this.#store, lease);
    const owner = this.#owner(lease);
    const kept =
      run?.plan.tasks.filter(({ id }) => run.saved.has(id) || run.plan.kept[id] !== undefined).map(({ id }) => id) ??
      [];
    const ended = (status: string): string[] =>
      this.#endedTasks(run)
        .filter((task) => task.status === status)
        .map(({ id }) => id);
    const time = run?.end?.finishedAt ?? run?.plan.createdAt;
    return {
      exists: run !== undefined,
      status: run && statusOf(run, owner),
      runId: run?.plan.runId,
      completed: kept,
      failed: ended("failed"),
      skipped: ended("skipped"),
      waiting: ended("waiting"),
      lastRunTime: time === undefined ? undefined : new Date(time),
      total: kept.length,
      owner,
    };
  }

  /** All workflows in the storage, also those of other ids, the one that ran last first. Lists the whole storage. */
  workflows(): Promise<SavedWorkflow[]> {
    return listWorkflows(this.#storage, this.#seal);
  }

  /** All runs of the workflow, newest first. */
  async runs(): Promise<RunInfo[]> {
    const lease = await currentLease(this.#store);
    const owner = this.#owner(lease);
    return (await allRuns(this.#store)).map((run): RunInfo => {
      const { runId, mode, createdAt, previous, kept, tasks } = run.plan;
      const driver = owner?.runId === runId ? owner : undefined;
      return {
        runId,
        status: statusOf(run, driver),
        mode,
        createdAt: new Date(createdAt),
        finishedAt: run.end && !driver ? new Date(run.end.finishedAt) : undefined,
        previousRunId: previous,
        saved: new Set([...run.saved, ...Object.keys(kept)]).size,
        total: tasks.length,
      };
    });
  }

  /** All tasks of a run, those that ended last first and those that did not end last. Reads every record. @default the last run */
  async steps(options: { runId?: string } = {}): Promise<StepInfo[]> {
    refuseUnknown(options, ["runId"], "checkpoints.steps");
    const run = await runById(this.#store, options.runId);
    const ended = new Map(this.#endedTasks(run).map((task) => [task.id, task]));
    const steps = await inParallel(run.plan.tasks, async ({ id, name, group }): Promise<StepInfo> => {
      const isSaved = run.saved.has(id) || run.plan.kept[id] !== undefined;
      const record = isSaved ? await readStep(this.#store, run, id) : undefined;
      const facts = record?.facts ?? {};
      const end = ended.get(id);
      const startedAt = dateOf(facts["startedAt"]);
      const finishedAt = dateOf(facts["finishedAt"]);
      return {
        id,
        name,
        group,
        status: String(facts["status"] ?? end?.status ?? "pending"),
        runId: record && (run.saved.has(id) ? run.plan.runId : run.plan.kept[id]),
        attempts: (facts["attempts"] as number | undefined) ?? end?.attempts,
        startedAt,
        finishedAt,
        durationMs: startedAt && finishedAt && finishedAt.getTime() - startedAt.getTime(),
        size: record?.payload.length,
        error: end?.error,
        reason: end?.reason,
      };
    });
    return steps.sort((a, b) => (b.finishedAt?.getTime() ?? 0) - (a.finishedAt?.getTime() ?? 0));
  }

  /** What a task handed on. Rejects with an `InvalidWorkflowError` where nothing of it is saved. @default the last run */
  async read<T = unknown>(taskId: string, options: { runId?: string } = {}): Promise<Context<T>> {
    refuseUnknown(options, ["runId"], "checkpoints.read");
    const run = await runById(this.#store, options.runId);
    const record = await readStep(this.#store, run, taskId);
    if (record) return new Context(this.#codec.decode(toStepRecord(record).value) as T);
    const { workflowId } = this.#store;
    const { runId } = run.plan;
    throw new InvalidWorkflowError(
      `Run "${runId}" of workflow "${workflowId}" has no saved value of "${taskId}". checkpoints.steps() lists its tasks.`,
      { workflowId, runId, taskId },
    );
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
    const lease = await Lease.acquire({
      store: new LeaseStore(this.#store),
      clock: this.#clock,
      lease: defaults.lease,
      lock: "fail",
      signal: undefined,
      onWatch: () => {},
      point: (previous) => previous,
    });
    try {
      return await work(lease);
    } finally {
      lease.abandon();
    }
  }

  #owner(lease: CurrentLease | undefined): LeaseOwner | undefined {
    return lease && isLive(lease, this.#clock.now()) ? ownerOf(lease.body, lease.generation) : undefined;
  }

  #endedTasks(run: SavedRun | undefined): readonly EndedTask[] {
    return run?.end?.tasks ?? [];
  }
}

function resolveParts(storage: Storage, options: CheckpointsOptions): CheckpointsParts {
  const { workflowId, clock = systemClock, ...codec } = options;
  refuseUnknown(codec, ["classes", "serializer", "secret", "encryptionKey", "compression"], "new Checkpoints");
  return { ...resolveStore(checkWorkflowId(workflowId), { storage, clock, ...codec }), clock };
}

function statusOf(run: SavedRun, owner: LeaseOwner | undefined): SavedStatus {
  if (owner) return "running";
  return (run.end?.status as SavedStatus | undefined) ?? "interrupted";
}

function dateOf(text: unknown): Date | undefined {
  return typeof text === "string" ? new Date(text) : undefined;
}
