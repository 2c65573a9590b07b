// What `verify` finds: that something is gone which a record refers to.
import { expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, StorageMemory } from "dotflow";
import { keysOf } from "../storages.ts";

function mapping(options: DotFlowOptions, version: string): DotFlow {
  const workflow = new DotFlow({ workflowId: "mapping", ...options });
  workflow.task.add(action({ name: "first", version }, () => ["a", "b", "c"]));
  workflow.task.map(
    action({ name: "each" }, ({ storage }: Context<string>) => storage.toUpperCase()),
    { key: (item) => item },
  );
  return workflow;
}

it.each<[name: string, options: DotFlowOptions, gone: RegExp]>([
  ["alone", {}, /\/items\/b\./],
  // The items are written before the record of the map.
  ["in a batch", { checkpoint: { everySteps: 3 } }, /\/batches\/0*1-0*1$/],
])(
  "finds that items are gone which a map of this run or of a later one refers to: %s",
  async (_name, options, gone) => {
    const storage = new StorageMemory();
    await mapping({ storage, ...options }, "1").start();
    const later = mapping({ storage, ...options }, "2");
    expect(await later.start({ resume: true, onChange: "rerun" })).toMatchObject({ status: "completed" });
    expect((await later.checkpoints.read("each")).storage).toEqual(["A", "B", "C"]);
    expect(await later.checkpoints.verify()).toEqual([]);
    const keys = (await keysOf(storage)).filter((key) => gone.test(key));
    expect(keys).toHaveLength(1);
    for (const key of keys) await storage.delete(key);
    await expect(later.checkpoints.read("each")).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
    const problems = await later.checkpoints.verify();
    expect(problems.filter(({ key, code }) => code === "MISSING" && /\/items\/b\./.test(key))).toHaveLength(2);
  },
);
