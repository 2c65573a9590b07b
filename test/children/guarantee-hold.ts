// Runs the pipeline, says when a step named by its arguments begins, and holds it until told to go on. In the end it sends how it ended.
import { isDotFlowError, type StartOptions } from "dotflow";
import { openPlace } from "../places.ts";
import { pipeline } from "./guarantee-pipeline.ts";

/** The last message. */
export type HoldReport = { readonly status: string } | { readonly code: string | undefined; readonly message: string };

const [kind = "", place = "", workflowId = "", held = "", lease = "30s", lock = "fail"] = process.argv.slice(2);
let goOn = (): void => {};
const told = new Promise<void>((resolve) => (goOn = resolve));
process.on("message", goOn);

const workflow = pipeline({ workflowId, storage: openPlace(kind, place), lease }, async (taskId) => {
  if (!held.split(",").includes(taskId)) return;
  process.send?.(taskId);
  await told;
});
let report: HoldReport;
try {
  const { status } = await workflow.start({ resume: true, lock: lock as StartOptions["lock"] });
  report = { status };
} catch (error) {
  report = { code: isDotFlowError(error) ? error.code : undefined, message: String(error) };
}
process.send?.(report, () => process.disconnect());
