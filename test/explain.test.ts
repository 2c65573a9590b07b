// `workflow.explain`: what a start would do, without doing it. What it says is held against what the start then does.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type ExplainOptions, type Storage } from "dotflow";
import { contentsOf, eachStorage } from "./storages.ts";

interface Shape {
  readonly version?: string;
  readonly fails?: string;
  readonly extra?: boolean;
  readonly when?: boolean;
}

/** Four tasks: extract, then left and right, then join. */
function diamond(storage: Storage, { version = "1", fails, extra = false, when = true }: Shape = {}) {
  const calls: string[] = [];
  const workflow = new DotFlow({ workflowId: "job", storage });
  const step = (name: string, more: { version?: string } = {}) =>
    action({ name, ...more }, (previous: Context) => {
      calls.push(name);
      if (name === fails) throw new Error(`${name} fails`);
      return [name, previous.storage];
    });
  const extract = workflow.task.add(step("extract"));
  const left = workflow.task.add(step("left", { version }), { after: extract });
  const right = workflow.task.add(step("right"), { after: extract, when: () => when });
  const join = workflow.task.add(step("join"), { after: [left, right] });
  if (extra) workflow.task.add(step("extra"), { after: join });
  return { workflow, calls };
}

/** What `explain` says, in the words of a result. */
async function foretold(workflow: DotFlow, options?: ExplainOptions): Promise<[string, string][]> {
  const { tasks } = await workflow.explain(options);
  return tasks.map(({ id, will }) => [id, { restore: "restored", run: "completed", skip: "skipped" }[will]]);
}

eachStorage((_name, open) => {
  const scenes: [string, Shape, Shape, ExplainOptions][] = [
    ["a run that failed", { fails: "left" }, {}, {}],
    ["a run that completed", {}, {}, {}],
    ["a run with a task that its condition left out", { when: false, fails: "join" }, {}, {}],
    ["a task that was added at the end", {}, { extra: true }, {}],
    ["a new version of a step, run again", {}, { version: "2" }, { onChange: "rerun" }],
    ["a new version of a step, taken as it is", {}, { version: "2" }, { onChange: "reuse" }],
    ["a new version of a step, all begun anew", {}, { version: "2" }, { onChange: "restart" }],
    ["from a task on", {}, {}, { from: "left" }],
    ["another initial context", {}, {}, { initialContext: 7, onChange: "rerun" }],
    ["no resume", {}, {}, { resume: false }],
  ];

  it.each(scenes)("foretells what a start does: %s", async (_scene, before, now, options) => {
    await diamond(open(), before).workflow.start();
    const { workflow, calls } = diamond(open(), now);
    const contents = await contentsOf(open());
    const explained = await workflow.explain(options);
    const expected = await foretold(workflow, options);
    expect(calls).toEqual([]);
    expect(await contentsOf(open())).toEqual(contents);

    const result = await workflow.start({ resume: true, ...options });
    expect(result.tasks.map(({ id, status }) => [id, status])).toEqual(expected);
    expect(result.runId === explained.runId).toBe(explained.run === "same");
    if (options.resume !== false)
      expect(explained.tasks.map(({ reason }) => reason)).toEqual(result.tasks.map(({ reason }) => reason));
  });

  describe("where a start would be refused", () => {
    it("lists what differs, and says what a rerun would do", async () => {
      await diamond(open()).workflow.start();
      const { workflow } = diamond(open(), { version: "2" });
      const { refused, changes, tasks } = await workflow.explain();
      expect(refused).toBe(true);
      expect(changes).toEqual([
        { taskId: "left", what: "version 1 → 2" },
        { taskId: "join", what: 'follows from "left", which changed' },
      ]);
      await expect(workflow.start({ resume: true })).rejects.toMatchObject({ code: "WORKFLOW_CHANGED", changes });
      expect(tasks.map(({ will }) => will)).toEqual(["restore", "run", "restore", "run"]);
    });

    it("names who drives", async () => {
      let inside: unknown;
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(action({ name: "look" }, async () => void (inside = await workflow.explain())));
      await workflow.start();
      expect(inside).toMatchObject({ owner: { pid: process.pid }, tasks: [{ id: "look", will: "run" }] });
      expect((await workflow.explain()).owner).toBeUndefined();
    });
  });

  it("tells of tasks that have no record how they stood when the run last ended", async () => {
    await diamond(open(), { fails: "left" }).workflow.start();
    const [extract, left, , join] = (await diamond(open()).workflow.explain()).tasks;
    expect(extract).toMatchObject({ lastStatus: undefined, lastError: undefined });
    expect(left).toMatchObject({ after: ["extract"], lastStatus: "failed", lastError: { message: "left fails" } });
    expect(join).toMatchObject({ after: ["left", "right"], lastStatus: "skipped" });
  });

  it("says that all runs where nothing is saved", async () => {
    const { runId, run, tasks } = await diamond(open()).workflow.explain();
    expect({ runId, run }).toEqual({ runId: undefined, run: "new" });
    expect(tasks.map(({ will, reason }) => [will, reason])).toEqual(tasks.map(() => ["run", "nothing is saved"]));
  });
});

it("refuses options that do not decide what runs", async () => {
  const { workflow } = diamond(undefined as never);
  await expect(workflow.explain({ wait: true } as never)).rejects.toThrow('no option "wait"');
});
