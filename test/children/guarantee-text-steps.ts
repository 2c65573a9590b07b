// Starts a workflow whose steps are texts that name exports of a module, and sends how it ended.
import { DotFlow } from "dotflow";
import { openPlace } from "../places.ts";

export interface TextStepsReport {
  readonly status: string;
  /** The status of each task. */
  readonly tasks: readonly string[];
  readonly output: unknown;
}

const [kind = "", place = "", module = ""] = process.argv.slice(2);
const workflow = new DotFlow({ workflowId: "job", storage: openPlace(kind, place) });
workflow.task.add(`${module}#extract`);
workflow.task.add(`${module}#transform`);
const result = await workflow.start({ resume: true });
const report: TextStepsReport = {
  status: result.status,
  tasks: result.tasks.map(({ status }) => status),
  output: await result.output().catch((error: Error) => error.message),
};
process.send?.(report, () => process.disconnect());
