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
  for (const { runId, kept, begun = {} } of plans) {
    const missing = (key: string, what: string, origin: string): void => {
      const message = `Run "${runId}" refers to ${what} in run "${origin}", which is gone.`;
      if (!present.has(key)) problems.push({ key, code: "MISSING", message });
    };
    for (const [taskId, origin] of Object.entries(kept))
      missing(store.keys.step(origin, taskId), `the record of "${taskId}"`, origin);
    for (const [taskId, { run, iteration }] of Object.entries(begun))
      missing(store.keys.iteration(run, taskId, iteration), `iteration ${iteration} of "${taskId}"`, run);
  }
  return problems.sort((a, b) => (a.key < b.key ? -1 : 1));
}
