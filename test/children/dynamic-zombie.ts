// Drives the signed workflow, and stops itself, as a machine that sleeps does, at a place that it is told: before or after
// what it writes under a key, or in the middle of the user's code. It says so before. Woken up, it goes on, and says how it
// ended and what of the user's code began since.
import { writeSync } from "node:fs";
import { isDotFlowError, type Storage } from "dotflow";
import { signedWorkflow } from "../dynamic/signed.ts";
import { openPlace } from "../places.ts";

/** The last line. */
export interface ZombieReport {
  readonly code: string | undefined;
  readonly status?: string;
  readonly message?: string;
  /** What of the user's code began after it had been woken up. */
  readonly began: readonly string[];
}

const [kind = "", place = "", workflowId = "", at = "", pattern = "", lease = "", everySteps = ""] =
  process.argv.slice(2);
const began: string[] = [];
let hasSlept = false;

function nap(where: string, name: string): void {
  if (hasSlept || where !== at || !new RegExp(pattern).test(name)) return;
  hasSlept = true;
  // At once: the process is gone in the next line.
  writeSync(1, "stops\n");
  process.kill(process.pid, "SIGSTOP");
}

const opened = openPlace(kind, place);
const storage: Storage = {
  durable: opened.durable,
  get: (key) => opened.get(key),
  list: (prefix) => opened.list(prefix),
  delete: (key) => opened.delete(key),
  put: (key, value) => around(key, () => opened.put(key, value)),
  create: (key, value) => around(key, () => opened.create(key, value)),
};

async function around<Result>(key: string, write: () => Promise<Result>): Promise<Result> {
  nap("before", key);
  const result = await write();
  nap("after", key);
  return result;
}

const workflow = signedWorkflow(
  { workflowId, storage, lease, ...(everySteps && { checkpoint: { everySteps: Number(everySteps) } }) },
  { begins: (what) => void (hasSlept && began.push(what)), passes: (where) => nap("in", where) },
);
let report: ZombieReport;
try {
  const { status } = await workflow.start({ resume: true });
  report = { code: undefined, status, began };
} catch (error) {
  report = { code: isDotFlowError(error) ? error.code : undefined, message: String(error), began };
}
console.log(JSON.stringify(report));
process.exit(0);
