// What a process that may not drive is told: who does, and what to do now.
import { LeaseLostError, type LeaseOwner, StorageError, WorkflowLockedError } from "../errors.ts";
import type { LeaseBody } from "./lease-body.ts";

export function ownerOf({ owner, runs, renewed }: LeaseBody, generation: number): LeaseOwner {
  return { host: owner.host, pid: owner.pid, runId: runs[0]?.run, generation, renewedAt: new Date(renewed) };
}

export function lockedError(workflowId: string, owner: LeaseOwner, cause?: unknown): WorkflowLockedError {
  return new WorkflowLockedError(
    `Workflow "${workflowId}" is driven by process ${owner.pid} on ${owner.host}. Wait for it with lock: "wait", or end that process.`,
    { workflowId, runId: owner.runId, owner, cause },
  );
}

export function lostError(workflowId: string, runId: string | undefined, lease: number): LeaseLostError {
  return new LeaseLostError(
    `Another process has taken over workflow "${workflowId}": this one was silent for longer than its lease of ${lease} ms. ` +
      "What it had recorded is kept; what was in flight here is not recorded. Raise the option lease if steps block the event loop.",
    { workflowId, runId },
  );
}

/** Without this check a storage that forgets would be tried for ever. */
export function unseenError(workflowId: string, generation: number): StorageError {
  return new StorageError(
    `The storage acknowledged lease ${generation} of workflow "${workflowId}" and does not list it. Nothing was run. Check the storage with storageContract of dotflow/testing.`,
    { workflowId, operation: "list", retryable: false },
  );
}
