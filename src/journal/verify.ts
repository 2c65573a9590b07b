// Reads everything that a workflow has saved, and lists what is wrong with it.
import { DotFlowError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import { keysInBatch } from "./batches.ts";
import { decodePlan, type Plan } from "./plan.ts";
import type { Store } from "./store.ts";

/** Something that is damaged or missing. */
export interface Problem {
  readonly key: string;
  /** The code of the error that reading it gives, or `MISSING`, or `TORN`. */
  readonly code: string;
  readonly message: string;
}

export async function verifyStore(store: Store): Promise<Problem[]> {
  const problems: Problem[] = [];
  const keys = await store.list(store.keys.workflow);
  const plans: Plan[] = [];
  const gathered: string[] = [];
  await inParallel(keys, async (key) => {
    try {
      const record = await store.read(key);
      if (!record) problems.push({ key, code: "TORN", message: `"${key}" is cut short. It counts as not written.` });
      else if (record.kind === "run") plans.push(decodePlan(record));
      else if (record.kind === "batch") gathered.push(...keysInBatch(record));
    } catch (error) {
      if (!(error instanceof DotFlowError) || error.code === "STORAGE") throw error;
      problems.push({ key, code: error.code, message: error.message });
    }
  });
  const present = new Set([...keys, ...gathered]);
  for (const { runId, kept } of plans) {
    for (const [taskId, origin] of Object.entries(kept)) {
      const key = store.keys.step(origin, taskId);
      if (!present.has(key))
        problems.push({
          key,
          code: "MISSING",
          message: `Run "${runId}" refers to the record of "${taskId}" in run "${origin}", which is gone.`,
        });
    }
  }
  return problems.sort((a, b) => (a.key < b.key ? -1 : 1));
}
