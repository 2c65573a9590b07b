// Reads everything that a workflow has saved, and lists what is wrong with it.
import { DotFlowError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { StoredRecord } from "../record.ts";
import { unpackBatch } from "./batches.ts";
import { itemKeys } from "./items.ts";
import { fromPayload } from "./payload.ts";
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
  const items: { readonly key: string; readonly of: string }[] = [];
  const look = (key: string, record: StoredRecord): void => {
    const { task } = record.facts;
    if (record.kind !== "step" || typeof task !== "string") return;
    const found = itemKeys(store, store.keys.runOf(key), task, fromPayload(record).value);
    for (const item of found) items.push({ key: item, of: key });
  };
  await inParallel(keys, async (key) => {
    try {
      const record = await store.read(key);
      if (!record) problems.push({ key, code: "TORN", message: `"${key}" is cut short. It counts as not written.` });
      else if (record.kind === "run") plans.push(decodePlan(record));
      else if (record.kind !== "batch") look(key, record);
      else
        for (const [inside, each] of unpackBatch(record)) {
          gathered.push(inside);
          look(inside, each);
        }
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
  for (const { key, of } of items) {
    const message = `The record "${of}" refers to an item that is gone.`;
    if (!present.has(key)) problems.push({ key, code: "MISSING", message });
  }
  return problems.sort((a, b) => (a.key < b.key ? -1 : 1));
}
