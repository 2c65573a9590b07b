// Runs a workflow over StorageGCS, closes nothing and ends. Argument: the place.
import { action, DotFlow } from "dotflow";
import { openPlace } from "../places.ts";

const storage = openPlace("gcs", process.argv[2] ?? "");
const workflow = new DotFlow({ workflowId: "leaves-all-open", storage });
workflow.task.add(
  action(async function first() {
    return "done";
  }),
);
const result = await workflow.start();
await storage.get("other/missing");
for await (const key of storage.list("other/")) process.stdout.write(key);
process.stdout.write(result.status);
