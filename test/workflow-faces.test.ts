// `workflow.with` and `workflow.graph`: the same tasks over another storage, under another id, and as a description.
import { expect, it } from "vitest";
import { action, Checkpoints, DotFlow, type DotFlowOptions, StorageMemory } from "dotflow";

function oneTask(options: DotFlowOptions = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  workflow.task.add(action({ name: "give" }, () => 7));
  return workflow;
}

async function hasRun(storage: StorageMemory, workflowId = "job"): Promise<boolean> {
  return (await new Checkpoints(storage, { workflowId }).info()).exists;
}

it("runs over the storage that it is given instead of its own", async () => {
  const [own, other] = [new StorageMemory(), new StorageMemory()];
  const workflow = oneTask({ storage: own });
  await workflow.with({ storage: other }).start();
  expect([await hasRun(own), await hasRun(other)]).toEqual([false, true]);
  await workflow.start();
  expect(await hasRun(own)).toBe(true);
});

it("takes a default only where it was given none itself", async () => {
  const [own, other] = [new StorageMemory(), new StorageMemory()];
  await oneTask({ storage: own }).with({ defaultStorage: other }).start();
  expect([await hasRun(own), await hasRun(other)]).toEqual([true, false]);
  await oneTask().with({ defaultStorage: other }).start();
  expect(await hasRun(other)).toBe(true);
  expect(oneTask().with({ defaultWorkflowId: "file" }).workflowId).toBe("job");
  expect(oneTask({ workflowId: undefined }).with({ defaultWorkflowId: "file" }).workflowId).toBe("file");
});

it("runs under another id, and shares its tasks and its observers", async () => {
  const storage = new StorageMemory();
  const seen: string[] = [];
  const observer = (name: string) => ({ onEvent: ({ type }: { type: string }) => void seen.push(`${name} ${type}`) });
  const workflow = oneTask({ storage, observers: [observer("own")] });
  const other = workflow.with({ workflowId: "other", observers: [observer("other")] });
  workflow.task.add(action({ name: "more" }, () => 8));
  const result = await other.start();
  expect(result.tasks.map(({ id }) => id)).toEqual(["give", "more"]);
  expect([await hasRun(storage), await hasRun(storage, "other")]).toEqual([false, true]);
  expect(seen).toEqual(expect.arrayContaining(["own run.completed", "other run.completed"]));
  seen.length = 0;
  await workflow.start();
  expect(seen.filter((line) => line.startsWith("other"))).toEqual([]);
});

it("refuses what it can't be given", () => {
  expect(() => oneTask().with({ lease: "1s" } as never)).toThrow('no option "lease"');
  expect(() => oneTask().with({ workflowId: "" })).toThrow("workflowId");
});

it("describes its tasks, and what orders them in each mode", () => {
  const workflow = new DotFlow({ workflowId: "job" });
  const step = (name: string) => action({ name }, () => [1]);
  const first = workflow.task.add(step("first"));
  workflow.task.map(step("each") as never, { after: first, groupName: "side", id: "each" });
  workflow.task.add(step("last"), { when: () => true });
  const { mode, tasks, workflowId } = workflow.graph();
  expect({ mode, workflowId }).toEqual({ mode: "graph", workflowId: "job" });
  expect(tasks).toEqual([
    { id: "first", name: "first", group: "default", after: [], conditional: false, map: false },
    { id: "each", name: "each", group: "side", after: ["first"], conditional: false, map: true },
    { id: "last", name: "last", group: "default", after: [], conditional: true, map: false },
  ]);
  expect(workflow.graph({ mode: "sequential" }).tasks.map(({ after }) => after)).toEqual([[], ["first"], ["each"]]);
  expect(() => workflow.graph({ mode: "circle" as never })).toThrow("circle");
});
