// Removes whole runs, and nothing that the workflow did not write.
import { limits } from "../defaults.ts";
import { inParallel } from "../parallel.ts";
import { currentLease } from "./history.ts";
import { cancelledGeneration, generationOf } from "./keys.ts";
import { LeaseStore, newestRuns } from "./lease-store.ts";
import { readPlan, referencedRuns } from "./plan.ts";
import { timeOfRun } from "./run-id.ts";
import { removeSnapshots } from "./snapshots.ts";
import type { Store } from "./store.ts";

export interface RemovalRule {
  /** Whether a run is to go, by its place from the newest and the time it began. */
  readonly remove: (place: number, createdAt: number) => boolean;
  /** A run that stays whatever the rule says. */
  readonly except?: string | undefined;
}

/**
 * Removes the runs that the rule names, but none whose records a run that stays refers to. Gives their ids.
 * The caller holds the lease.
 */
export async function removeRuns(store: Store, { remove, except }: RemovalRule): Promise<string[]> {
  const runs = await newestRuns(store);
  const going = new Set(
    runs.map(({ run }) => run).filter((run, place) => run !== except && remove(place, timeOfRun(run))),
  );
  if (going.size === 0) return [];
  // What a run that stays refers to stays, and so does what that refers to in turn.
  let staying = runs.filter(({ run }) => !going.has(run));
  while (staying.length > 0) {
    const plans = await inParallel(staying, ({ run, plan }) => readPlan(store, run, plan));
    const wanted = new Set(plans.flatMap((plan) => (plan ? referencedRuns(plan) : [])));
    staying = runs.filter(({ run }) => wanted.has(run) && going.delete(run));
  }
  // Oldest first: what a crash leaves behind is then the newer part of the history.
  const ids = [...going].reverse();
  await removeSnapshots(store, (run) => going.has(run));
  for (const id of ids) await removeObjects(store, id);
  return ids;
}

/** Removes one run. Its run object goes last: until then it exists. */
export async function removeRun(store: Store, runId: string): Promise<void> {
  await removeSnapshots(store, (run) => run === runId);
  await removeObjects(store, runId);
}

async function removeObjects(store: Store, runId: string): Promise<void> {
  for (const key of await store.list(store.keys.runFolder(runId)))
    if (key !== store.keys.run(runId)) await store.delete(key);
  await store.delete(store.keys.run(runId));
}

export interface TidyOptions {
  readonly runId: string;
  readonly generation: number;
  readonly retention: { readonly maxRuns: number; readonly maxAge: number } | undefined;
  readonly now: number;
}

/** Removes what is no longer kept when a run ends: old runs as `retention` says, now and then old leases. Gives how many runs. */
export async function tidy(store: Store, { runId, generation, retention, now }: TidyOptions): Promise<number> {
  if (generation % limits.keptLeases === 0) await removeLeases(store, generation - limits.keptLeases);
  if (!retention || (retention.maxRuns === Infinity && retention.maxAge === Infinity)) return 0;
  const remove = (place: number, createdAt: number): boolean =>
    place >= retention.maxRuns || now - createdAt > retention.maxAge;
  return (await removeRuns(store, { remove, except: runId })).length;
}

/** Removes all runs, and gives how many there were. The caller holds the lease. */
export async function removeAllRuns(store: Store): Promise<number> {
  const keys = await store.list(store.keys.runs);
  const isRun = (name: string): boolean => name.endsWith("/run");
  const runs = keys.filter(isRun);
  await removeSnapshots(store, () => true);
  for (const key of [...keys.filter((name) => !isRun(name)), ...runs]) await store.delete(key);
  return runs.length;
}

/** Removes the leases below a generation, oldest first. */
export async function removeLeases(store: Store, below: number): Promise<void> {
  const keys = await new LeaseStore(store).list();
  const generations = keys
    .map((key) => ({ key, generation: generationOf(key) || cancelledGeneration(key) }))
    // What belongs to a lease goes before it.
    .sort((a, b) => a.generation - b.generation || cancelledGeneration(b.key) - cancelledGeneration(a.key));
  for (const { key, generation } of generations) if (generation < below) await store.delete(key);
}

/** Whether the workflow has written anything. */
export async function isEmpty(store: Store): Promise<boolean> {
  return (await currentLease(store)) === undefined && (await newestRuns(store)).length === 0;
}
