// What `verify` finds: that something is gone which a record refers to.
import { expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, StorageMemory } from "dotflow";
import { contentsOf } from "../storages.ts";

function mapping(options: DotFlowOptions, version: string): DotFlow {
  const workflow = new DotFlow({ workflowId: "mapping", ...options });
  workflow.task.add(action({ name: "first", version }, () => ["a", "b", "c"]));
  workflow.task.map(
    action({ name: "each" }, ({ storage }: Context<string>) => storage.toUpperCase()),
    { key: (item) => item },
  );
  return workflow;
}

it.each<[name: string, options: DotFlowOptions]>([
  ["alone", {}],
  ["in a batch", { checkpoint: { everySteps: 3 } }],
])("finds that items are gone which a map of this run or of a later one refers to: %s", async (_name, options) => {
  const storage = new StorageMemory();
  await mapping({ storage, ...options }, "1").start();
  const holding: string[] = [];
  for (const [key, bytes] of await contentsOf(storage))
    if (`${key} ${Buffer.from(bytes).toString()}`.includes("/items/b.")) holding.push(key);
  expect(holding).toHaveLength(1);
  const later = mapping({ storage, ...options }, "2");
  expect(await later.start({ resume: true, onChange: "rerun" })).toMatchObject({ status: "completed" });
  expect((await later.checkpoints.read("each")).storage).toEqual(["A", "B", "C"]);
  expect(await later.checkpoints.verify()).toEqual([]);
  for (const key of holding) await storage.delete(key);
  await expect(later.checkpoints.read("each")).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
  const problems = await later.checkpoints.verify();
  const missing = problems.filter(({ key, code }) => code === "MISSING" && key.includes("/items/b."));
  // Of the maps of both runs, where the record of the first is not gone with it.
  expect(missing.length).toBeGreaterThan(0);
});
