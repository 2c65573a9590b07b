// A workflow within another one that ran after a failure under keepGoing: like all that follows from a failure it is not
// recorded, so that it runs again, with what the mended task gives.
import { expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, type StepContext, StorageMemory } from "dotflow";

function family(options: DotFlowOptions, isMended: boolean, called: string[]): DotFlow {
  const inner = new DotFlow({ workflowId: "inner" });
  inner.task.add(
    action({ name: "first" }, (_: Context, { initial }: StepContext) => {
      called.push(`first given ${String(initial.storage)}`);
      return initial.storage;
    }),
  );
  inner.task.add(
    action({ name: "second" }, async ({ storage }: Context, step) => {
      if (storage !== null) called.push(`signal ${String(await step.waitFor("go"))}`);
      return storage;
    }),
  );
  const workflow = new DotFlow({ workflowId: "outer", ...options });
  const mended = workflow.task.add(
    action({ name: "mended" }, () => {
      if (!isMended) throw new Error("not yet");
      return "mended";
    }),
  );
  workflow.task.add(inner, { id: "child", after: mended });
  return workflow;
}

it.each<[name: string, options: DotFlowOptions]>([
  ["each record at once", {}],
  ["records that are gathered", { checkpoint: { everySteps: 100 } }],
])("begins anew when the failure is mended: %s", async (_name, given) => {
  const options = { storage: new StorageMemory(), ...given };
  const called: string[] = [];
  for (let start = 0; start < 2; start++) {
    expect((await family(options, false, called).start({ resume: true, keepGoing: true })).status).toBe("failed");
    expect(called.splice(0)).toEqual(["first given null"]);
  }
  const suspended = await family(options, true, called).start({ resume: true });
  expect(suspended.tasks.flatMap(({ errors }) => errors)).toEqual([]);
  expect(suspended.waiting).toEqual(["go"]);
  expect(called.splice(0)).toEqual(["first given mended"]);
  await family(options, true, called).checkpoints.signal("go", "came");
  const result = await family(options, true, called).start({ resume: true });
  expect(await result.output()).toBe("mended");
  expect(called).toEqual(["signal came"]);
});

it("leaves signals to the run that is recorded", async () => {
  const options = { storage: new StorageMemory() };
  const given: unknown[] = [];
  const make = (isMended: boolean): DotFlow => {
    const inner = new DotFlow({ workflowId: "inner" });
    inner.task.add(
      action({ name: "waits" }, async (_, step) => {
        given.push(await step.waitFor("go"));
      }),
    );
    const workflow = new DotFlow({ workflowId: "outer", ...options });
    const mended = workflow.task.add(
      action({ name: "mended" }, () => {
        if (!isMended) throw new Error("not yet");
      }),
    );
    workflow.task.add(inner, { id: "child", after: mended });
    return workflow;
  };
  await make(false).start();
  await make(false).checkpoints.signal("go", "for good");
  await make(false).start({ resume: true, keepGoing: true });
  expect(given).toEqual([]);
  expect((await make(true).start({ resume: true })).status).toBe("completed");
  expect(given).toEqual(["for good"]);
});
