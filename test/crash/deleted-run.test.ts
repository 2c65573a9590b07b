// Runs that are removed as soon as they have completed, and the crashes before and in the middle of that.
import { expect, it } from "vitest";
import { action, type Context, DotFlow, StorageMemory } from "dotflow";
import { type FaultyStorage, faultyStorage } from "dotflow/testing";

function workflowOver(storage: FaultyStorage, calls: string[]): DotFlow {
  const workflow = new DotFlow({ workflowId: "deleted", storage, retention: { onSuccess: "delete" } });
  const steps = ["a", "b", "c"].map((name) =>
    action({ name }, ({ storage: before }: Context) => {
      calls.push(name);
      return `${String(before)} ${name}`;
    }),
  );
  workflow.task.add(steps);
  return workflow;
}

it("keeps the values readable that a resume restored", async () => {
  const storage = faultyStorage(new StorageMemory(), {
    faults: [{ operation: "create", key: /steps\/c/, kind: "fail" }],
  });
  await expect(workflowOver(storage, []).start()).rejects.toMatchObject({ code: "STORAGE" });
  const workflow = workflowOver(storage, []);
  const result = await workflow.start({ resume: true });
  expect((await workflow.checkpoints.info()).exists).toBe(false);
  expect(Object.entries(await result.contexts()).map(([id, { storage: value }]) => [id, value])).toEqual([
    ["a", "null a"],
    ["b", "null a b"],
    ["c", "null a b c"],
  ]);
});

it("resumes no run that is half removed", async () => {
  const storage = faultyStorage(new StorageMemory(), {
    faults: [{ operation: "delete", at: 2, times: Infinity, kind: "fail" }],
  });
  await workflowOver(storage, []).start();
  const calls: string[] = [];
  const result = await workflowOver(storage, calls).start({ resume: true });
  expect(calls).toEqual(["a", "b", "c"]);
  expect(await result.output()).toBe("null a b c");
});
