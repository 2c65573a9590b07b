// A run that is interrupted again and again: what a resume writes must not grow with the crashes before it.
import { expect, it } from "vitest";
import { action, DotFlow, type Storage, StorageMemory } from "dotflow";
import { keysOf } from "../storages.ts";
import { Sleeping } from "./sleeping.ts";

function gathering(storage: Storage): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 2 } });
  for (const name of ["first", "second", "third"])
    workflow.task.add(action({ name }, async (_, step) => step.once("once", () => name)));
  return workflow;
}

it("closes what an owner that crashed may still bring once, not at every resume", async () => {
  const storage = new StorageMemory();
  const grown: number[] = [];
  for (let crash = 0; crash < 12; crash++) {
    const before = (await keysOf(storage)).length;
    const crashes = gathering(new Sleeping(storage, /parts\/third\/once/)).start({ resume: true });
    await expect(crashes).rejects.toMatchObject({ code: "STORAGE" });
    grown.push((await keysOf(storage)).length - before);
  }
  // The lease, and the place of the batch that the one before did not write.
  expect(grown.slice(2)).toEqual(grown.slice(2).map(() => 2));
  expect((await gathering(storage).start({ resume: true })).status).toBe("completed");
  expect(await gathering(storage).checkpoints.verify()).toEqual([]);
});
