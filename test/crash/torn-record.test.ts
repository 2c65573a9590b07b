// A record that was cut short counts as not written, also where nothing reads it.
import { expect, it } from "vitest";
import { action, DotFlow, StorageMemory } from "dotflow";
import { type FaultyStorage, faultyStorage } from "dotflow/testing";

function workflowOver(storage: FaultyStorage, calls: string[]): DotFlow {
  const workflow = new DotFlow({ workflowId: "torn", storage });
  workflow.task.add(["first", "last"].map((name) => action({ name }, () => calls.push(name))));
  return workflow;
}

it("runs the last step again when its record was torn, and no other", async () => {
  const storage = faultyStorage(new StorageMemory(), {
    faults: [{ operation: "create", key: /steps\/last/, kind: "tear" }],
  });
  const calls: string[] = [];
  await expect(workflowOver(storage, calls).start()).rejects.toMatchObject({ code: "STORAGE" });
  const result = await workflowOver(storage, calls).start({ resume: true });
  expect(await result.output()).toBe(3);
  expect(calls).toEqual(["first", "last", "last"]);
});

it("finds it also when the resume before was cancelled", async () => {
  const storage = faultyStorage(new StorageMemory(), {
    faults: [{ operation: "create", key: /steps\/last/, kind: "tear" }],
  });
  const calls: string[] = [];
  await expect(workflowOver(storage, calls).start()).rejects.toMatchObject({ code: "STORAGE" });
  const cancelled = await workflowOver(storage, calls).start({ resume: true, signal: AbortSignal.abort() });
  expect(cancelled.status).toBe("cancelled");
  const result = await workflowOver(storage, calls).start({ resume: true });
  expect(await result.output()).toBe(3);
});

it("reads no record to resume a run that ended in order", async () => {
  const storage = faultyStorage(new StorageMemory());
  await workflowOver(storage, []).start();
  await workflowOver(storage, []).start({ resume: true });
  expect(storage.log.filter(({ operation, key }) => operation === "get" && key.includes("/steps/"))).toEqual([]);
});
