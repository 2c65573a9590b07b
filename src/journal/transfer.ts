// Carries a run, with every run that it refers to and those of the workflows within it, from one storage to another: the
// same bytes under the same keys.
import type { Clock } from "../clock.ts";
import { defaults } from "../defaults.ts";
import { CorruptCheckpointError, InvalidWorkflowError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import { currentLease, isLive, lastRun, runById } from "./history.ts";
import { generationOf } from "./keys.ts";
import { Lease } from "./lease.ts";
import type { RunPointer } from "./lease-body.ts";
import { lockedError, ownerOf } from "./lease-errors.ts";
import { LeaseStore } from "./lease-store.ts";
import { decodePlan, referencedRuns } from "./plan.ts";
import type { Store } from "./store.ts";

export interface Transfer {
  readonly from: Store;
  readonly to: Store;
  /** @default the last run */
  readonly runId: string | undefined;
  readonly clock: Clock;
}

/** What was carried over. */
export interface Transferred {
  readonly runId: string;
  /** The run and those it refers to. */
  readonly runs: readonly string[];
  /** How many objects, those of the workflows within it included, lie in the other storage now, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
}

export async function transferRun({ from, to, runId, clock }: Transfer): Promise<Transferred> {
  const source = await idleGeneration(from, clock);
  const pointer = await findPointer(from, runId);
  // In its new place every later end and plan must lie under a higher generation than those that the run brings along.
  const lease = await Lease.acquire({
    store: new LeaseStore(to),
    clock,
    lease: defaults.lease,
    lock: "fail",
    signal: undefined,
    onWatch: () => {},
    point: (previous) => previous,
    atLeast: source + 1,
  });
  try {
    const report = await carry(from, to, pointer.run, clock);
    if ((await idleGeneration(from, clock)) !== source) throw startedMeanwhile(from.workflowId, pointer.run);
    await lease.ensure();
    await lease.release([pointer], true);
    return report;
  } catch (error) {
    await lease.release().catch(() => {});
    throw error;
  }
}

/** The highest generation. Rejects with a `WorkflowLockedError` while its owner drives. */
async function idleGeneration(store: Store, clock: Clock): Promise<number> {
  const lease = await currentLease(store);
  if (lease && isLive(lease, clock.now())) throw lockedError(store.workflowId, ownerOf(lease.body, lease.generation));
  return lease?.generation ?? 0;
}

async function findPointer(store: Store, runId: string | undefined): Promise<RunPointer> {
  const run = (await runById(store, runId)).plan.runId;
  const pointed = (await currentLease(store))?.body.runs.find((pointer) => pointer.run === run);
  if (pointed) return pointed;
  const plans = await store.list(`${store.keys.runFolder(run)}plans/`);
  // Of an older run no lease says what it has: a resume looks for all there can be.
  return { run, plan: Math.max(0, ...plans.map(generationOf)), parts: true, state: true, batches: true };
}

async function carry(from: Store, to: Store, runId: string, clock: Clock): Promise<Transferred> {
  const runs = new Set([runId]);
  const workflows = new Set<string>();
  let objects = 0;
  let bytes = 0;
  // A set goes on with what is added to it on the way.
  for (const run of runs) {
    const folder = from.keys.runFolder(run);
    const keys = await from.list(folder);
    await refuseOtherHistory(to, folder, keys);
    const last = from.keys.run(run);
    const copy = async (key: string): Promise<void> => {
      const found = await from.readSound(key);
      if (!found) return refuseTornPlan(from, key, last);
      if (found.record.kind === "run") {
        const plan = decodePlan(found.record);
        for (const other of referencedRuns(plan)) runs.add(other);
        for (const task of plan.tasks) if (task.workflow) workflows.add(task.id);
      }
      await to.createSound(key, found.bytes);
      objects++;
      bytes += found.bytes.length;
    };
    await inParallel(
      keys.filter((key) => key !== last),
      copy,
    );
    // Its run object last: until then the run does not exist there, and a crash leaves nothing that a resume could find.
    await copy(last);
  }
  for (const taskId of workflows) {
    const inner = await carryWithin(
      { from: from.within(taskId), to: to.within(taskId), runId: undefined, clock },
      runs,
    );
    objects += inner?.objects ?? 0;
    bytes += inner?.bytes ?? 0;
  }
  return { runId, runs: [...runs], objects, bytes };
}

/** Carries the last run of a workflow that is a step, where it belongs to one of `runs`. */
async function carryWithin(transfer: Transfer, runs: ReadonlySet<string>): Promise<Transferred | undefined> {
  const { from } = transfer;
  const parent = (await lastRun(from, await currentLease(from)))?.plan.parent;
  return parent !== undefined && runs.has(parent) ? transferRun(transfer) : undefined;
}

/** A run that went on in the other place must not be mixed with what it was before. */
async function refuseOtherHistory(to: Store, folder: string, keys: readonly string[]): Promise<void> {
  const known = new Set(keys);
  const extra = (await to.list(folder)).find((key) => !known.has(key));
  if (extra === undefined) return;
  throw new InvalidWorkflowError(
    `The other storage already has this run of workflow "${to.workflowId}", and it went on there: "${extra}" is not in the storage that is copied from. Nothing was changed. Copy the other way where it went on there only, or clear the workflow there first.`,
    { workflowId: to.workflowId, key: extra },
  );
}

/** A torn write counts as not written, so it is left behind; a run can't be without its plan. */
function refuseTornPlan({ workflowId }: Store, key: string, run: string): void {
  if (key !== run) return;
  throw new CorruptCheckpointError(
    `"${key}" of workflow "${workflowId}" is cut short or gone, so the run can't be copied. Restore it from a backup.`,
    { workflowId, key },
  );
}

function startedMeanwhile(workflowId: string, runId: string): InvalidWorkflowError {
  return new InvalidWorkflowError(
    `Workflow "${workflowId}" was started while its run "${runId}" was copied, so that the copy may lack what is new. Copy it again when nobody drives it.`,
    { workflowId, runId },
  );
}
