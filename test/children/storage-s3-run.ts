// Runs a workflow over StorageS3, closes nothing and ends. Argument: the place.
import { action, DotFlow } from "dotflow";
import { openPrefix } from "../places/s3.ts";

const storage = openPrefix(process.argv[2] ?? "");
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
