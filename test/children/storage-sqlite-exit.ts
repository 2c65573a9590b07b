// Runs a workflow and ends, without closing the storage: nothing may keep the process alive.
import { action, DotFlow } from "dotflow";
import { StorageSqlite } from "../../providers/storage/sqlite.ts";

const [file = ""] = process.argv.slice(2);
const workflow = new DotFlow({ workflowId: "job", storage: new StorageSqlite({ file }) });
workflow.task.add(action({ name: "extract" }, () => [1, 2, 3]));
const result = await workflow.start();
console.log(result.status);
