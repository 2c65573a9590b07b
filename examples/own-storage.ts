// A storage of one's own in 50 lines, here over LMDB. The published checks prove it, in several processes where it is told how.
//
// Prints:
//   the contract: … checks passed, 0 violated
//   greet completed, shout completed: HELLO
//   greet restored, shout restored: HELLO
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { action, type Context, DotFlow } from "dotflow";
import { verifyStorage } from "dotflow/testing";
import { StorageLmdb } from "./own-storage/storage-lmdb.ts";

const folder = mkdtempSync(join(tmpdir(), "own-storage-"));

const { passed, violations } = await verifyStorage({
  open: () => new StorageLmdb(join(folder, randomUUID())),
  reopen: (storage) => new StorageLmdb((storage as StorageLmdb).path),
});
console.log(`the contract: ${passed.length} checks passed, ${violations.length} violated`);
for (const violation of violations) console.log(violation.message);

const greet = action(async function greet() {
  return "hello";
});
const shout = action(async function shout(previous: Context<string>) {
  return previous.storage.toUpperCase();
});
const storage = new StorageLmdb(join(folder, "checkpoints"));
const workflow = new DotFlow({ workflowId: "own-storage", storage });
workflow.task.add(greet).add(shout);
for (let start = 1; start <= 2; start++) {
  const result = await workflow.start({ resume: true });
  console.log(`${result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}:`, await result.output());
}

await storage.close();
rmSync(folder, { recursive: true });
