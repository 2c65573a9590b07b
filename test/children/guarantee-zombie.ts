// Runs the signed steps, and stops itself, as a machine that sleeps does, when it is about to create a key that matches.
// It says so before. Woken up, it goes on, and sends how it ended.
import { type DotFlowOptions, isDotFlowError, type Storage } from "dotflow";
import { openPlace } from "../places.ts";
import type { HoldReport } from "./guarantee-hold.ts";
import { signed } from "./guarantee-pipeline.ts";

const [kind = "", place = "", workflowId = "", pattern = "", lease = "", options = "{}"] = process.argv.slice(2);
const opened = openPlace(kind, place);
let stopped = false;
const storage: Storage = {
  durable: opened.durable,
  get: (key) => opened.get(key),
  list: (prefix) => opened.list(prefix),
  put: (key, value) => opened.put(key, value),
  delete: (key) => opened.delete(key),
  async create(key, value) {
    if (!stopped && new RegExp(pattern).test(key)) {
      stopped = true;
      await new Promise<void>((resolve) => process.send?.("stops", () => resolve()));
      process.kill(process.pid, "SIGSTOP");
    }
    return opened.create(key, value);
  },
};

let report: HoldReport;
try {
  const { status } = await signed({ workflowId, storage, lease, ...(JSON.parse(options) as DotFlowOptions) }).start({
    resume: true,
  });
  report = { status };
} catch (error) {
  report = { code: isDotFlowError(error) ? error.code : undefined, message: String(error) };
}
process.send?.(report, () => process.disconnect());
