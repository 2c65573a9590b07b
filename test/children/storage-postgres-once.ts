// Runs one workflow over StoragePostgres with options given as JSON, says how it ended, and never closes the storage.
import { action, DotFlow } from "dotflow";
import { StoragePostgres, type StoragePostgresOptions } from "dotflow/storage/postgres";

const options = JSON.parse(process.argv[2] ?? "{}") as StoragePostgresOptions;
const workflow = new DotFlow({ workflowId: "once", storage: new StoragePostgres(options) });
workflow.task.add(
  action(async function answer() {
    return 42;
  }),
);

try {
  const result = await workflow.start();
  console.log(JSON.stringify({ status: result.status, output: await result.output() }));
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  console.log(JSON.stringify({ code, message }));
}
