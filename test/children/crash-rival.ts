// One of several processes that want to drive the same run, for as long as it takes. It notes what it does, with the time
// of the machine, which is the same for all of them.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { action, DotFlow, isDotFlowError, type Storage } from "dotflow";
import { note } from "../crash/file-moments.ts";
import { digest } from "../crash/mixed-workflow.ts";
import { openPlace } from "../places.ts";

/** One line of the log. */
export interface RivalNote {
  readonly time: number;
  readonly pid: number;
  /** It drives the run; a step begins; a record is written; the lease is lost; the storage failed. */
  readonly what: "drives" | "begins" | "records" | "lost" | "failed";
  readonly task?: string;
  /** Of the lease by which it drives. */
  readonly generation?: number;
  /** Of the record's bytes. */
  readonly digest?: string;
}

const [folder = "", kind = "", place = "", steps = "", milliseconds = "", lease = ""] = process.argv.slice(2);

function tell(facts: Omit<RivalNote, "time" | "pid">): void {
  note(
    join(folder, "log"),
    JSON.stringify({ time: Number(process.hrtime.bigint()) / 1e6, pid: process.pid, ...facts }),
  );
}

/** Of the lease that was last tried for. */
let generation = 0;

function telling(storage: Storage): Storage {
  return {
    durable: storage.durable,
    get: (key) => storage.get(key),
    put: (key, value) => storage.put(key, value),
    list: (prefix) => storage.list(prefix),
    delete: (key) => storage.delete(key),
    async create(key, value) {
      if (key.includes("/leases/")) generation = Number(key.slice(key.lastIndexOf("/") + 1));
      const created = await storage.create(key, value);
      if (created && key.includes("/steps/"))
        tell({ what: "records", task: key.slice(key.lastIndexOf("/") + 1), digest: digest([...value]) });
      return created;
    },
  };
}

const opened = openPlace(kind, place);
const workflow = new DotFlow({
  workflowId: "torture",
  storage: telling(opened),
  lease: Number(lease),
  observers: [
    { onEvent: ({ type }) => void (/^run\.(started|resumed)$/.test(type) && tell({ what: "drives", generation })) },
  ],
});
for (let number = 0; number < Number(steps); number++) {
  const task = `step-${number}`;
  // Two chains side by side, whose values differ from process to process: only one may count.
  workflow.task.add(
    action({ name: task }, async ({ storage }) => {
      tell({ what: "begins", task });
      await sleep(Math.random() * 2 * Number(milliseconds));
      return { task, by: process.pid, given: digest(storage) };
    }),
    { groupName: number % 2 === 0 ? "even" : "odd", id: task },
  );
}

for (;;) {
  try {
    const result = await workflow.start({ resume: true, lock: "wait" });
    console.log(JSON.stringify({ status: result.status, values: digest(await result.contexts()) }));
    break;
  } catch (error) {
    const lost = isDotFlowError(error, "LEASE_LOST");
    if (!lost && !isDotFlowError(error, "STORAGE")) throw error;
    tell({ what: lost ? "lost" : "failed" });
  }
}
await opened.close?.();
