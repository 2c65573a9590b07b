// The same in plain JavaScript: no TypeScript, no build. Run it with `node`; in this repository after `npm run build`.
//
// Prints:
//   greet completed, shout completed: HELLO!
//   greet restored, shout restored: HELLO!
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { action, DotFlow } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

const greet = action(async function greet() {
  return "hello";
});

const shout = action({ retry: 3, retryDelay: "1s" }, async function shout(previous) {
  return `${previous.storage.toUpperCase()}!`;
});

const folder = await mkdtemp(join(tmpdir(), "dotflow-"));
const workflow = new DotFlow({ workflowId: "plain-javascript", storage: new StorageFile({ folder }) });
workflow.task.add(greet).add(shout);

for (let start = 1; start <= 2; start++) {
  const result = await workflow.start({ resume: true });
  console.log(`${result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}:`, await result.output());
}

await rm(folder, { recursive: true });
