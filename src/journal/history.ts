// What lies in the storage of a workflow, for those who look at it: runs, their tasks, their state. It writes nothing.
import { limits } from "../defaults.ts";
import { NothingToResumeError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { StoredRecord } from "../record.ts";
import { Batches } from "./batches.ts";
import { decodeEnd, type RunEnd } from "./end.ts";
import { decodePart, encodePart, generationOf } from "./keys.ts";
import { isHeldHere } from "./lease.ts";
import type { LeaseBody, RunPointer } from "./lease-body.ts";
import { judge } from "./lease-judge.ts";
import { LeaseStore, newestRuns } from "./lease-store.ts";
import { ofTask, type Plan, readPlan, referencedRuns } from "./plan.ts";
import type { Store } from "./store.ts";

/** A run as it lies in the storage. */
export interface SavedRun {
  readonly plan: Plan;
  /** Ids of the tasks that have a record in this run. */
  readonly saved: ReadonlySet<string>;
  /** Finds records that were written together; missing where there are none. */
  readonly batches: Batches | undefined;
  /** How it last ended; missing while it is driven, and after a crash. */
  readonly end: RunEnd | undefined;
}

/** The lease that counts, with its generation. */
export interface CurrentLease {
  readonly generation: number;
  readonly writer: string;
  readonly body: LeaseBody;
}

export async function currentLease(store: Store): Promise<CurrentLease | undefined> {
  const leases = new LeaseStore(store);
  const generation = Math.max(0, ...(await leases.list()).map(generationOf));
  return generation === 0 ? undefined : { generation, ...(await leases.read(generation)) };
}

/** Whether its owner may still drive, as far as can be told without waiting. */
export function isLive({ body, writer }: CurrentLease, now: number): boolean {
  const verdict = judge(body, isHeldHere(writer), now);
  return verdict === "live" || (verdict === "watch" && now - body.renewed <= limits.contenderMargin * body.lease);
}

/** The newest run that exists. */
export async function lastRun(store: Store, lease: CurrentLease | undefined): Promise<SavedRun | undefined> {
  for (const pointer of lease?.body.runs ?? []) {
    const run = await readRun(store, pointer, lease?.body.released ? undefined : lease?.generation);
    if (run) return run;
  }
  return undefined;
}

/** All runs, newest first. */
export async function allRuns(store: Store): Promise<SavedRun[]> {
  const pointers = await newestRuns(store);
  const runs = await inParallel(pointers, (pointer) => readRun(store, pointer, undefined));
  return runs.filter((run) => run !== undefined);
}

/** One run by its id; the newest where none is given. */
export async function runById(store: Store, runId: string | undefined): Promise<SavedRun> {
  const { workflowId } = store;
  if (runId === undefined) {
    const last = await lastRun(store, await currentLease(store));
    if (last) return last;
    throw new NothingToResumeError(`Workflow "${workflowId}" has no run in this storage.`, { workflowId });
  }
  const prefix = store.keys.runFolder(runId);
  const plans = (await store.list(`${prefix}plans/`)).map(generationOf);
  const run = await readRun(store, { run: runId, plan: Math.max(0, ...plans) }, undefined);
  if (run) return run;
  throw new NothingToResumeError(
    `Workflow "${workflowId}" has no run "${runId}" in this storage. checkpoints.runs() lists those it has.`,
    { workflowId, runId },
  );
}

/** Reads the record of a task of a run, wherever it lies; `undefined` where there is none. */
export async function readStep(store: Store, run: SavedRun, taskId: string): Promise<StoredRecord | undefined> {
  return readRecord(store, run, store.keys.step(originOf(run, taskId), taskId));
}

/** Reads a record of a run, or of one that it refers to: alone, or written together with others. */
export async function readRecord(store: Store, { batches }: SavedRun, key: string): Promise<StoredRecord | undefined> {
  return (await batches?.read(store.keys.runOf(key), key)) ?? store.read(key);
}

/** How many items of a map that is not done are saved in a run. */
export async function countItems(store: Store, run: SavedRun, taskId: string): Promise<number> {
  const { runId } = run.plan;
  return (await keysBelow(store, run, runId, `${store.keys.parts(runId, taskId)}items/`)).size;
}

/** The tasks of a list that have no record, and have saved something on their way. */
export async function begunAmong(store: Store, run: SavedRun, taskIds: readonly string[]): Promise<string[]> {
  const { plan, saved } = run;
  const open = taskIds.filter((id) => !saved.has(id) && plan.kept[id] === undefined);
  const begun = await inParallel(open, async (id) => {
    if (ofTask(plan.begun, id)) return [id];
    const runs = [plan.runId, ...(ofTask(plan.parts, id) ?? [])];
    const parts = await inParallel(runs, (runId) => keysBelow(store, run, runId, store.keys.parts(runId, id)));
    return parts.some(({ size }) => size > 0) ? [id] : [];
  });
  return begun.flat();
}

async function keysBelow(
  store: Store,
  { batches }: SavedRun,
  runId: string,
  prefix: string,
): Promise<ReadonlySet<string>> {
  const batched = ((await batches?.keys(runId)) ?? []).filter((key) => key.startsWith(prefix));
  return new Set([...(await store.list(prefix)), ...batched]);
}

/** The run in which the record of a task lies. */
export function originOf({ plan, saved }: SavedRun, taskId: string): string {
  return saved.has(taskId) ? plan.runId : (plan.kept[taskId] ?? plan.runId);
}

/** What a run has, behind the name of its folder. What its tasks save on their way may be very much: it is left out where it is known. */
async function namesOf(store: Store, { run, parts }: RunPointer): Promise<string[]> {
  const prefix = store.keys.runFolder(run);
  const folders = parts ? ["steps/", "batches/", "ends/"] : [""];
  const keys = await inParallel(folders, (folder) => store.list(prefix + folder));
  return keys.flat().map((key) => key.slice(prefix.length));
}

/** Reads a run. An end that is older than `drivenBy` is that of an earlier driving, and does not count. */
async function readRun(store: Store, pointer: RunPointer, drivenBy: number | undefined): Promise<SavedRun | undefined> {
  const plan = await readPlan(store, pointer.run, pointer.plan);
  if (!plan) return undefined;
  const names = await namesOf(store, pointer);
  const ids = new Map(plan.tasks.map(({ id }) => [encodePart(id), id]));
  const saved = new Set<string>();
  let lastEnd = 0;
  let batches: Batches | undefined;
  for (const name of names) {
    const [what, part = ""] = name.split("/");
    if (what === "steps") saved.add(ids.get(part) ?? decodePart(part) ?? part);
    if (what === "batches") batches ??= new Batches(store);
    if (what === "ends") lastEnd = Math.max(lastEnd, generationOf(name));
  }
  if (referencedRuns(plan).length > 0) batches ??= new Batches(store);
  if (batches) {
    const steps = store.keys.steps(pointer.run);
    for (const key of await batches.keys(pointer.run)) {
      const part = key.slice(steps.length);
      if (key.startsWith(steps)) saved.add(ids.get(part) ?? decodePart(part) ?? part);
    }
  }
  const counts = lastEnd > 0 && (drivenBy === undefined || lastEnd >= drivenBy);
  const end = counts ? await store.read(store.keys.end(pointer.run, lastEnd)) : undefined;
  return { plan, saved, batches, end: end && decodeEnd(end) };
}
