// crashTest over every kind of storage: what a crash leaves behind lies on a real disk or server, and is read from there.
import { expect, it } from "vitest";
import { action, type Context, DotFlow, type Storage } from "dotflow";
import { crashTest } from "dotflow/testing";
import { eachStorage } from "../storages.ts";

/** A step that shows in its value all that it was given. */
const step = (name: string) => action({ name }, async ({ storage }: Context) => ({ name, given: storage }));
const flaky = action({ retry: 2, retryDelay: 0 }, async function flaky({ storage }: Context, { attempt }) {
  if (attempt === 1) throw new Error("not yet");
  return { given: storage };
});

function mixed(storage: Storage): DotFlow {
  const workflow = new DotFlow({ workflowId: "mixed", storage });
  const first = workflow.task.add(step("first"));
  const left = workflow.task.add(step("left"), { after: first });
  const right = workflow.task.add(flaky, { after: first });
  workflow.task.add(step("join"), { after: { left, right } });
  return workflow;
}

eachStorage((name, open) => {
  it("a workflow with branches, a join and a retry survives every crash", { timeout: 120_000 }, async () => {
    const every = Math.min(open.every, 3);
    const report = await crashTest(mixed, { storage: open.another, every, twice: false });
    console.log(`over ${name}, struck at every operation of ${every}: ${String(report)}`);
    expect(report.problems, String(report)).toEqual([]);
    expect(report).toMatchObject({ missed: 0 });
    expect(report.crashes).toBeGreaterThanOrEqual(Math.floor(20 / every));
    expect(report.rivals).toBeGreaterThan(0);
  });
});
