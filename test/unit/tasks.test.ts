// `workflow.task`: ids, refs and edges, as a start finds them.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, InvalidWorkflowError, type TaskRef } from "dotflow";

const first = action({ name: "first" }, () => "1");
const second = action({ name: "second" }, (previous: Context<string | null>) => `${previous.storage} 2`);
const third = action({ name: "third" }, (previous: Context<string | null>) => `${previous.storage} 3`);
const join = action({ name: "join" }, (previous: Context) => previous.storage);

const workflow = (): DotFlow => new DotFlow({ workflowId: "tasks" });

async function valuesOf(flow: DotFlow): Promise<Record<string, unknown>> {
  const contexts = await (await flow.start()).contexts();
  return Object.fromEntries(Object.entries(contexts).map(([id, { storage }]) => [id, storage]));
}

describe("an id", () => {
  const idsOf = (add: (flow: DotFlow) => TaskRef[]): string[] => add(workflow()).map(({ id }) => id);

  it("is the name, with its group before it and a number behind it where it is repeated", () => {
    expect(
      idsOf(({ task }) => [
        task.add(first),
        task.add(first),
        task.add(first, { groupName: "a" }),
        task.add(first, { groupName: "a" }),
        task.add(first, { groupName: "default" }),
      ]),
    ).toEqual(["first", "first#2", "a.first", "a.first#2", "first#3"]);
  });

  it("never takes one that the user gave, nor one that reads the same", () => {
    expect(
      idsOf(({ task }) => [
        task.add(join, { id: "first" }),
        task.add(first),
        task.add(join, { id: "first#3" }),
        task.add(first),
        task.add(first, { groupName: "a.b" }),
        task.add(
          action({ name: "b.first" }, () => {}),
          { groupName: "a" },
        ),
      ]),
    ).toEqual(["first", "first#2", "first#3", "first#4", "a.b.first", "a.b.first#2"]);
  });

  it("begins anew after clear", () => {
    const flow = workflow();
    flow.task.add(first);
    flow.task.clear();
    expect([flow.task.count(), flow.task.add(first).id, flow.task.count()]).toEqual([0, "first", 1]);
  });

  it.each<[unknown, string]>([
    ["", 'A task has the id "".'],
    [7, "A task has the id 7."],
    ["\ud800", "is not well-formed Unicode"],
    ["taken", 'There already is a task with the id "taken".'],
  ])("can't be %j", (id, message) => {
    const flow = workflow();
    flow.task.add(first, { id: "taken" });
    const add = () => flow.task.add(second, { id: id as string });
    expect(add).toThrow(InvalidWorkflowError);
    expect(add).toThrow(message);
    expect(flow.task.count()).toBe(1);
  });
});

describe("edges", () => {
  it("hands on one value, a tuple or an object, as after asks", async () => {
    const flow = workflow();
    const one = flow.task.add(first);
    const two = flow.task.add(second, { after: one });
    flow.task.add(join, { id: "tuple", after: [two, one, two] });
    flow.task.add(join, { id: "object", after: { b: one, a: two } });
    flow.task.add(join, { id: "none", after: [] });
    expect(await valuesOf(flow)).toMatchObject({
      tuple: ["1 2", "1", "1 2"],
      object: { a: "1 2", b: "1" },
      none: [],
    });
  });

  it("follows a ref that is not the last, and leaves the others where they are", async () => {
    const flow = workflow();
    const one = flow.task.add(first);
    one.add(second).add(third);
    one.add(third);
    expect(await valuesOf(flow)).toEqual({ first: "1", second: "1 2", third: "1 2 3", "third#2": "1 3" });
  });

  it("goes on with the chain where the ref is the last, so that the mode is still sequential", async () => {
    const flow = workflow();
    flow.task.add(first).add([second, third]);
    flow.task.add(join);
    expect(await valuesOf(flow)).toMatchObject({ third: "1 2 3", join: "1 2 3" });
  });

  it("is drawn between the steps of a list that follows a ref", async () => {
    const flow = workflow();
    const one = flow.task.add(first);
    flow.task.add(join, { after: [] });
    one.add([second, third]);
    expect(await valuesOf(flow)).toMatchObject({ third: "1 2 3", join: [] });
  });

  it("keeps after when the order is reversed", async () => {
    const flow = workflow();
    const one = flow.task.add(first);
    flow.task.add(second, { after: one });
    flow.task.reverse();
    const result = await flow.start({ mode: "graph" });
    expect(result.tasks.map(({ id }) => id)).toEqual(["second", "first"]);
    expect((await result.context("second")).storage).toBe("1 2");
    await expect(flow.start({ mode: "sequential" })).rejects.toThrow('cycle, or for one: "second", "first".');
  });

  it("reverses the chain of the mode sequential", async () => {
    const flow = workflow();
    flow.task.add(second);
    flow.task.add(third);
    flow.task.reverse();
    expect(await valuesOf(flow)).toEqual({ third: "null 3", second: "null 3 2" });
  });
});

describe("what can't run is refused before anything runs", () => {
  const expectRefused = async (flow: DotFlow, message: string): Promise<void> => {
    const started = flow.start();
    await expect(started).rejects.toThrow(InvalidWorkflowError);
    await expect(started).rejects.toThrow(message);
    expect(await flow.checkpoints.runs()).toEqual([]);
  };

  it("an empty workflow", () => expectRefused(workflow(), 'Workflow "tasks" has no tasks.'));

  it("a cycle that came about by changing the list after the fact", async () => {
    const flow = workflow();
    const after: TaskRef[] = [];
    const one = flow.task.add(join, { after });
    after.push(flow.task.add(join, { after: one }));
    await expectRefused(flow, 'cycle, or for one: "join", "join#2".');
  });

  it("a ref of another workflow, also where that has a task of the same id", async () => {
    const flow = workflow();
    flow.task.add(first);
    flow.task.add(join, { after: workflow().task.add(first) });
    await expectRefused(flow, 'Task "join" comes after "first", which is no task of this workflow');
  });

  it("a ref from before clear, with after and with ref.add", async () => {
    const flow = workflow();
    const gone = flow.task.add(first);
    flow.task.clear();
    flow.task.add(first);
    gone.add(second);
    await expectRefused(flow, 'Task "second" comes after "first", which is no task of this workflow: it was removed');
    flow.task.clear();
    flow.task.add(join, { after: [gone] });
    await expectRefused(flow, 'Task "join" comes after "first", which is no task of this workflow: it was removed');
  });
});
