// Which workflows a storage holds.
import type { GuardedStorage } from "../guard.ts";
import { decodeRecord } from "../record.ts";
import type { Seal } from "../seal.ts";
import { decodePart } from "./keys.ts";
import { newestFirst, runIdPattern } from "./run-id.ts";

const runKey = new RegExp(`^([^/]+)/runs/(${runIdPattern})/run$`);

export interface SavedWorkflow {
  readonly workflowId: string;
  readonly runs: number;
  readonly lastRunId: string;
}

interface Found {
  runs: number;
  /** The key of the newest run object. */
  key: string;
  lastRunId: string;
}

export async function listWorkflows(storage: GuardedStorage, seal: Seal): Promise<SavedWorkflow[]> {
  const found = new Map<string, Found>();
  for (const key of await storage.list("")) {
    const [, workflow = "", run = ""] = runKey.exec(key) ?? [];
    if (workflow === "") continue;
    const entry = found.get(workflow);
    if (!entry) found.set(workflow, { runs: 1, key, lastRunId: run });
    else {
      entry.runs++;
      if (newestFirst(run, entry.lastRunId) < 0) Object.assign(entry, { key, lastRunId: run });
    }
  }
  const workflows = await Promise.all(
    [...found].map(async ([encoded, { runs, key, lastRunId }]) => ({
      workflowId: await nameOf(storage, seal, encoded, key),
      runs,
      lastRunId,
    })),
  );
  return workflows.sort((a, b) => (a.lastRunId < b.lastRunId ? 1 : -1));
}

/** A long name is shortened in keys; then the run object has it, unless it can't be read with these options. */
async function nameOf(storage: GuardedStorage, seal: Seal, encoded: string, key: string): Promise<string> {
  const name = decodePart(encoded);
  if (name !== undefined) return name;
  try {
    const bytes = await storage.get(key);
    const record = bytes && (await decodeRecord(seal, key, bytes));
    return String(record?.facts["workflow"] ?? encoded);
  } catch {
    return encoded;
  }
}
