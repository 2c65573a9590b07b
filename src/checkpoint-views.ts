// What is shown of saved runs: the last one, all of them, the tasks of one.
import type { Clock } from "./clock.ts";
import type { LeaseOwner } from "./errors.ts";
import type { PlannedTask } from "./fingerprint.ts";
import type { EndedTask, ErrorText } from "./journal/end.ts";
import {
  allRuns,
  countItems,
  currentLease,
  type CurrentLease,
  isLive,
  lastRun,
  readStep,
  type SavedRun,
} from "./journal/history.ts";
import { ownerOf } from "./journal/lease-errors.ts";
import type { Store } from "./journal/store.ts";
import { inParallel } from "./parallel.ts";

/** `running` has a live owner; `interrupted` has none and did not end: its process crashed or was killed. */
export type SavedStatus = "completed" | "failed" | "suspended" | "cancelled" | "running" | "interrupted";

/** A named state of a run. */
export interface SnapshotInfo {
  readonly id: string;
  readonly runId: string;
  readonly createdAt: Date;
  /** The tasks that had their records. */
  readonly completed: readonly string[];
  /** What was given with it. */
  readonly metadata: unknown;
}

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
  /** How many iterations it has had; missing for a task that never ran to one's end. */
  readonly iterations: number | undefined;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly durationMs: number | undefined;
  /** Of a map: how many of its items are saved. */
  readonly items: number | undefined;
  /** Bytes of the value as it was encoded. */
  readonly size: number | undefined;
  readonly error: ErrorText | undefined;
  readonly reason: string | undefined;
}

/** The state of the last run. */
export async function describeLastRun(store: Store, clock: Clock): Promise<CheckpointInfo> {
  const lease = await currentLease(store);
  const run = await lastRun(store, lease);
  const owner = ownerIn(lease, clock);
  const saved = run?.plan.tasks.filter(({ id }) => run.saved.has(id) || run.plan.kept[id] !== undefined) ?? [];
  const skipped = run ? await skippedOf(store, run, saved) : new Set<string>();
  const kept = saved.map(({ id }) => id);
  const ended = (status: string): string[] =>
    endedTasks(run)
      .filter((task) => task.status === status)
      .map(({ id }) => id);
  const time = run?.end?.finishedAt ?? run?.plan.createdAt;
  return {
    exists: run !== undefined,
    status: run && statusOf(run, owner),
    runId: run?.plan.runId,
    completed: kept.filter((id) => !skipped.has(id)),
    failed: ended("failed"),
    skipped: [...new Set([...skipped, ...ended("skipped")])],
    waiting: ended("waiting"),
    lastRunTime: time === undefined ? undefined : new Date(time),
    total: kept.length,
    owner,
  };
}

/** All runs of the workflow, newest first. */
export async function describeRuns(store: Store, clock: Clock): Promise<RunInfo[]> {
  const lease = await currentLease(store);
  const owner = ownerIn(lease, clock);
  return (await allRuns(store)).map((run): RunInfo => {
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

/** All tasks of a run, those that ended last first and those that did not end last. */
export async function describeSteps(store: Store, run: SavedRun): Promise<StepInfo[]> {
  const ended = new Map(endedTasks(run).map((task) => [task.id, task]));
  const steps = await inParallel(run.plan.tasks, async ({ id, name, group, map }): Promise<StepInfo> => {
    const isSaved = run.saved.has(id) || run.plan.kept[id] !== undefined;
    const record = isSaved ? await readStep(store, run, id) : undefined;
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
      iterations: facts["status"] === "completed" ? Number(facts["iterations"] ?? 1) : end?.iterations,
      startedAt,
      finishedAt,
      durationMs: startedAt && finishedAt && finishedAt.getTime() - startedAt.getTime(),
      items: map && ((facts["items"] as number | undefined) ?? (await countItems(store, run, id))),
      size: record?.payload.length,
      error: end?.error,
      reason: end?.reason ?? (facts["reason"] as string | undefined),
    };
  });
  return steps.sort((a, b) => (b.finishedAt?.getTime() ?? 0) - (a.finishedAt?.getTime() ?? 0));
}

/** The tasks whose records say that they were skipped. Only the records of those with a condition are read. */
async function skippedOf(store: Store, run: SavedRun, saved: readonly PlannedTask[]): Promise<ReadonlySet<string>> {
  const conditional = saved.filter(({ when }) => when);
  const found = await inParallel(conditional, async ({ id }) =>
    (await readStep(store, run, id))?.facts["status"] === "skipped" ? [id] : [],
  );
  return new Set(found.flat());
}

function ownerIn(lease: CurrentLease | undefined, clock: Clock): LeaseOwner | undefined {
  return lease && isLive(lease, clock.now()) ? ownerOf(lease.body, lease.generation) : undefined;
}

function endedTasks(run: SavedRun | undefined): readonly EndedTask[] {
  return run?.end?.tasks ?? [];
}

function statusOf(run: SavedRun, owner: LeaseOwner | undefined): SavedStatus {
  if (owner) return "running";
  return (run.end?.status as SavedStatus | undefined) ?? "interrupted";
}

function dateOf(text: unknown): Date | undefined {
  return typeof text === "string" ? new Date(text) : undefined;
}
