// From a named state to a run that begins there, and from a run that nobody drives to a named state.
import type { Clock } from "../clock.ts";
import { InvalidWorkflowError } from "../errors.ts";
import { originOf, runById } from "./history.ts";
import { encodePart } from "./keys.ts";
import type { Lease } from "./lease.ts";
import { encodePlan, keptRecords, ofTask, type Plan, readPlan, runsBefore } from "./plan.ts";
import { newRunId } from "./run-id.ts";
import { lastPlace, readSnapshots, saveSnapshot, type Snapshot } from "./snapshots.ts";
import type { Store } from "./store.ts";
import type { EncodedValue } from "../serializer.ts";

/** Names the present state of the last run. Gives its id. */
export async function snapshotLastRun(
  store: Store,
  { id, metadata, clock }: { id: string; metadata: EncodedValue; clock: Clock },
): Promise<string> {
  const run = await runById(store, undefined);
  const { plan } = run;
  const { runId } = plan;
  const ids = plan.tasks.map((task) => task.id);
  const done = ids.filter((taskId) => run.saved.has(taskId) || plan.kept[taskId] !== undefined);
  const open = new Map(ids.filter((taskId) => !done.includes(taskId)).map((taskId) => [encodePart(taskId), taskId]));
  const begun = byTask(plan.begun);
  const items = byTask(plan.items);
  // Whoever goes on where an earlier run had come to begins behind its iterations, so that the highest is the last one.
  for (const each of [...new Set(Object.values(plan.parts ?? {}).flat())].concat(runId)) {
    const folder = store.keys.allParts(each);
    const batched = ((await run.batches?.keys(each)) ?? []).filter((key) => key.startsWith(folder));
    for (const key of [...(await store.list(folder)), ...batched]) {
      const [part = "", kind, number] = key.slice(folder.length).split("/");
      const taskId = open.get(part);
      if (taskId === undefined || (each !== runId && !ofTask(plan.parts, taskId)?.includes(each))) continue;
      const last = ofTask(begun, taskId)?.iteration ?? 0;
      if (kind === "iterations" && Number(number) > last) begun[taskId] = { run: each, iteration: Number(number) };
      if (kind === "items") items[taskId] = [runId, ...runsBefore(plan, taskId)];
    }
  }
  const now = clock.now();
  await saveSnapshot(
    store,
    {
      id,
      run: runId,
      plan: await planNumber(store, runId),
      createdAt: new Date(now).toISOString(),
      kept: Object.fromEntries(done.map((taskId) => [taskId, originOf(run, taskId)])),
      begun,
      items,
      state: true,
      metadata,
    },
    Math.max(now, (await lastPlace(store)) + 1),
  );
  return runId;
}

/** Begins a run where a snapshot stood, for a resume to go on with. The caller holds the lease. Gives its id. */
export async function restoreSnapshot(store: Store, id: string, lease: Lease, clock: Clock): Promise<string> {
  const [snapshot] = await readSnapshots(store, id);
  const { workflowId } = store;
  if (!snapshot)
    throw new InvalidWorkflowError(
      `Workflow "${workflowId}" has no snapshot "${id}" in this storage. checkpoints.snapshots() lists those it has.`,
      { workflowId },
    );
  const plan = await planOf(store, snapshot);
  const now = clock.now();
  const restored: Plan = {
    ...plan,
    runId: newRunId(now, lease.generation),
    createdAt: new Date(now).toISOString(),
    previous: snapshot.run,
    kept: keptRecords(Object.entries(snapshot.kept)),
    // What the run itself went on from, the snapshot has looked through.
    parts: undefined,
    begun: snapshot.begun,
    items: snapshot.items,
  };
  await lease.ensure();
  await store.create(store.keys.run(restored.runId), encodePlan(restored, workflowId, lease.writer));
  // A release writes nothing when its time is over; this does, or rejects.
  await lease.point([{ run: restored.runId, plan: 0, ...(snapshot.state && { state: true }) }]);
  await lease.release(lease.runs, true);
  return restored.runId;
}

/** Without a prototype: a task may be called `__proto__`. */
function byTask<Value>(all: Readonly<Record<string, Value>> = {}): Record<string, Value> {
  return Object.assign(Object.create(null) as Record<string, Value>, all);
}

async function planOf(store: Store, { id, run, plan }: Snapshot): Promise<Plan> {
  const found = await readPlan(store, run, plan);
  if (found) return found;
  const { workflowId } = store;
  throw new InvalidWorkflowError(
    `The run "${run}" of workflow "${workflowId}", of which "${id}" is a snapshot, is gone.`,
    { workflowId, runId: run },
  );
}

async function planNumber(store: Store, runId: string): Promise<number> {
  const prefix = `${store.keys.runFolder(runId)}plans/`;
  return Math.max(0, ...(await store.list(prefix)).map((key) => Number(key.slice(prefix.length))));
}
