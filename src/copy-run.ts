// `copyRun`: from one storage to another, for those who move house, test on their own machine, or keep an archive.
import { type Clock, systemClock } from "./clock.ts";
import { InvalidWorkflowError, NothingToResumeError } from "./errors.ts";
import { type Transferred, transferRun } from "./journal/transfer.ts";
import { listWorkflows } from "./journal/workflows.ts";
import { refuseUnknown } from "./options.ts";
import { checkWorkflowId, resolveStore } from "./settings.ts";
import type { Storage } from "./storage.ts";

export interface CopyRunOptions {
  /** Whose run. @default the only workflow in the storage that is copied from */
  workflowId?: string;
  /** @default the last run */
  runId?: string;
  /** As given to the workflow: without it signed records can't be checked, and are not copied. */
  secret?: string | Uint8Array;
  /** As given to the workflow. */
  encryptionKey?: string | Uint8Array;
  /** @default the clock of this machine */
  clock?: Clock;
}

/**
 * Copies a run, and the runs that it took records over from, into another storage. A `start({ resume: true })` over that
 * storage then goes on with it; what was saved there before stays, as history.
 *
 * Every object is checked before it is copied and read again after. Signed and encrypted records stay as they are. Call it
 * again after a crash or a failure: what is there already is kept. `from` is only read, and keeps the run.
 *
 * Rejects with a `WorkflowLockedError` while a process drives the workflow on either side, with a `CorruptCheckpointError`
 * where a record is damaged, and with an `InvalidWorkflowError` where the run went on in `to` by itself.
 *
 * ```ts
 * await copyRun(new StorageS3({ bucket: "production" }), new StorageFile(), { workflowId: "my-etl" });
 * ```
 */
export async function copyRun(from: Storage, to: Storage, options: CopyRunOptions = {}): Promise<Transferred> {
  const { runId, clock = systemClock, ...rest } = options;
  refuseUnknown(rest, ["workflowId", "secret", "encryptionKey"], "copyRun");
  const { workflowId, ...codec } = rest;
  const id = workflowId === undefined ? await onlyWorkflow(from, { ...codec, clock }) : checkWorkflowId(workflowId);
  const { store: source } = resolveStore(id, { ...codec, storage: from, clock });
  const { store: target } = resolveStore(id, { ...codec, storage: to, clock });
  return transferRun({ from: source, to: target, runId, clock });
}

async function onlyWorkflow(
  from: Storage,
  options: Pick<CopyRunOptions, "secret" | "encryptionKey"> & { clock: Clock },
): Promise<string> {
  const { storage, seal } = resolveStore("-", { ...options, storage: from });
  const [first, ...others] = await listWorkflows(storage, seal);
  if (!first) throw new NothingToResumeError("The storage that copyRun is to copy from holds no workflow.");
  if (others.length === 0) return first.workflowId;
  const names = [first, ...others].map(({ workflowId }) => `"${workflowId}"`).join(", ");
  throw new InvalidWorkflowError(`The storage holds several workflows: ${names}. Give copyRun one as workflowId.`);
}
