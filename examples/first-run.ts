// A first workflow: three steps, started twice. The second start calls none of them.
//
// Prints:
//   extracting
//   transforming
//   loading
//   extract completed, transform completed, load completed: loaded 10, 20, 30
//   extract restored, transform restored, load restored: loaded 10, 20, 30
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { action, type Context, DotFlow } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

const extract = action(async function extract() {
  console.log("extracting");
  return { rows: [1, 2, 3] };
});

const transform = action(async function transform(previous: Context<{ rows: number[] }>) {
  console.log("transforming");
  return previous.storage.rows.map((row) => row * 10);
});

const load = action(async function load(previous: Context<number[]>) {
  console.log("loading");
  return `loaded ${previous.storage.join(", ")}`;
});

const folder = await mkdtemp(join(tmpdir(), "dotflow-"));

// Twice the same: think of the second time as another process, on another day.
for (let start = 1; start <= 2; start++) {
  const workflow = new DotFlow({ workflowId: "first-run", storage: new StorageFile({ folder }) });
  workflow.task.add(extract).add(transform).add(load);
  const result = await workflow.start({ resume: true });
  const tasks = result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
  console.log(`${tasks}:`, await result.output());
}

await rm(folder, { recursive: true });
