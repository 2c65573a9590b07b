// Guarantee 1, in every mode and over random graphs. Every start is made as by a new process: new workflow, storage opened anew.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type After,
  DotFlow,
  type RunResult,
  type StartOptions,
  type Storage,
  StorageMemory,
  type TaskRef,
} from "dotflow";
import { eachStorage } from "../storages.ts";
import { Notebook, type NotedStep, randomFrom } from "./notebook.ts";

const names = ["a", "b", "c", "d", "e", "f"];
const modes = ["sequential", "sequential_group", "parallel", "graph", "background", undefined] as const;

describe("1. Resume, fail, resume, fail, resume: no completed task is ever called again", () => {
  eachStorage((_name, open) => {
    it.each(open.some(modes))("in the mode %s, with another task failing at every start", async (mode) => {
      const notes = new Notebook();
      const succeeded: string[] = [];
      let result: RunResult | undefined;
      // One task more is sound at each start; the rest would fail if they were reached.
      for (const sound of names.keys()) {
        const failing = new Set(names.slice(sound));
        result = await startAnew(diamondIn(mode, open(), notes, failing), { mode, resume: true });
        expect(result.status).toBe("failed");
        succeeded.push(...notes.succeeded());
        expect(succeeded).toEqual([...new Set(succeeded)]);
        const { tasks } = result;
        const ran = tasks.filter(({ status }) => status === "completed" || status === "failed");
        expect(notes.called().sort()).toEqual(ran.map(({ id }) => id).sort());
      }
      result = await startAnew(diamondIn(mode, open(), notes, new Set()), { mode, resume: true });
      expect(result.status).toBe("completed");
      succeeded.push(...notes.succeeded());
      expect(succeeded.sort()).toEqual([...names].sort());

      notes.called();
      const again = await startAnew(diamondIn(mode, open(), notes, new Set(names)), { mode, resume: "required" });
      expect(again).toMatchObject({ status: "completed", runId: result.runId, restored: names.length, succeeded: 0 });
      expect(notes.called()).toEqual([]);
      expect(await contentOf(again)).toEqual(await contentOf(result));
      expect(await contentOf(again)).toEqual(await undisturbed(mode));
    });

    it("when the same task fails again and again", async () => {
      const notes = new Notebook();
      for (let start = 1; start <= 5; start++) {
        const result = await diamondIn("sequential", open(), notes, new Set(["d"])).start({ resume: true });
        expect(result).toMatchObject({
          status: "failed",
          succeeded: start === 1 ? 3 : 0,
          restored: start === 1 ? 0 : 3,
        });
      }
      expect(notes.called().filter((id) => id !== "d")).toEqual(["a", "b", "c"]);
    });

    it("when a step is used several times, in several groups", async () => {
      const notes = new Notebook();
      const failing = new Set(["count#2"]);
      const workflow = (): DotFlow => {
        const count = notes.step("count", (previous, step) => {
          if (failing.has(step.taskId)) throw new Error("not yet");
          return Number(previous) + 1;
        });
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        for (const groupName of ["default", "default", "other", "default", "other"])
          flow.task.add(count, { groupName });
        return flow;
      };
      expect((await workflow().start({ resume: true })).status).toBe("failed");
      expect(notes.called().sort()).toEqual(["count", "count#2", "other.count", "other.count#2"]);
      failing.clear();
      const result = await workflow().start({ resume: true });
      expect(notes.called()).toEqual(["count#2", "count#3"]);
      expect(await result.output()).toBe(2);
      expect((await result.context("count#3")).storage).toBe(3);
    });

    it("in random graphs that fail at random", { timeout: 60_000 }, async () => {
      for (let seed = 1; seed <= 40; seed += open.every) await expectRandomGraph(seed, open());
    });
  });
});

/** a, then b and c side by side, then d after both, then e, f: as far as the mode lets them. */
function diamondIn(
  mode: StartOptions["mode"],
  storage: Storage,
  notes: Notebook,
  failing: ReadonlySet<string>,
): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const step = (name: string): NotedStep =>
    notes.step(name, (previous) => {
      if (failing.has(name)) throw new Error(`${name} fails`);
      return { by: name, previous };
    });
  const [a, b, c, d, e, f] = names.map(step) as [NotedStep, NotedStep, NotedStep, NotedStep, NotedStep, NotedStep];
  if (mode === "graph" || mode === "background" || mode === undefined) {
    const first = workflow.task.add(a);
    const last = workflow.task.add(d, { after: { left: first.add(b), right: workflow.task.add(c, { after: first }) } });
    last.add(e).add(f);
  } else {
    const groups = mode === "sequential_group" ? ["x", "y", "x"] : ["x"];
    for (const [index, each] of [a, b, c, d, e, f].entries()) {
      workflow.task.add(each, { id: names[index] ?? "", groupName: groups[index % groups.length] ?? "x" });
    }
  }
  return workflow;
}

async function startAnew(workflow: DotFlow, options: StartOptions): Promise<RunResult> {
  const started = await workflow.start(options);
  return "result" in started ? started.result() : started;
}

async function contentOf(result: RunResult): Promise<unknown> {
  return Object.entries(await result.contexts()).map(([id, { storage }]) => [id, storage]);
}

async function undisturbed(mode: StartOptions["mode"]): Promise<unknown> {
  const workflow = diamondIn(mode, new StorageMemory(), new Notebook(), new Set());
  return contentOf(await startAnew(workflow, { mode }));
}

/** A graph, a mode and failures that all follow from `seed`, resumed until it completes. */
async function expectRandomGraph(seed: number, storage: Storage): Promise<void> {
  const random = randomFrom(seed);
  const oneOf = <const T>(...items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
  const mode = oneOf("graph", "graph", "parallel", "sequential", "sequential_group");
  const shapes = Array.from({ length: 3 + Math.floor(random() * 9) }, (_, index) => ({
    after: Array.from({ length: index }, (_case, before) => before).filter(() => random() < 0.25),
    shape: oneOf("list", "record"),
    groupName: oneOf("default", "other"),
  }));
  const build = (where: Storage, notes: Notebook, fails: () => boolean): DotFlow => {
    const workflow = new DotFlow({ workflowId: `job-${seed}`, storage: where });
    const refs: TaskRef[] = [];
    for (const [index, { after, shape, groupName }] of shapes.entries()) {
      const step = notes.step(`t${index}`, (previous, { taskId }) => {
        if (fails()) throw new Error(`${taskId} fails`);
        return createHash("sha1")
          .update(JSON.stringify([taskId, previous]))
          .digest("hex");
      });
      const options = { id: `t${index}`, groupName, ...(after.length > 0 && { after: edges(after, shape, refs) }) };
      refs.push(workflow.task.add(step, options));
    }
    return workflow;
  };
  const expected = await build(new StorageMemory(), new Notebook(), () => false).start({ mode });
  const notes = new Notebook();
  let done: readonly string[] = [];
  for (let start = 1; ; start++) {
    const workflow = build(storage, notes, () => random() < 1 / (1 + start));
    const { status, tasks } = await workflow.start({
      mode,
      resume: true,
      keepGoing: random() < 0.5,
      concurrency: oneOf(1, 2, Infinity),
    });
    const called = notes.called();
    expect(
      called.filter((id) => done.includes(id)),
      `seed ${seed}, start ${start}`,
    ).toEqual([]);
    expect(called, `seed ${seed}`).toEqual([...new Set(called)]);
    const { completed } = await workflow.checkpoints.info();
    expect(completed).toEqual(expect.arrayContaining([...done]));
    expect(
      tasks
        .filter((task) => task.status === "restored")
        .map((task) => task.id)
        .sort(),
    ).toEqual([...done].sort());
    done = completed;
    if (status === "completed") break;
    expect(start).toBeLessThan(50);
  }
  const result = await build(storage, notes, () => true).start({ mode, resume: "required" });
  expect(await contentOf(result), `seed ${seed}`).toEqual(await contentOf(expected));
}

function edges(after: readonly number[], shape: "list" | "record", refs: readonly TaskRef[]): After {
  const chosen = after.map((at) => refs[at] as TaskRef);
  return shape === "list" ? chosen : Object.fromEntries(chosen.map((ref) => [ref.id, ref]));
}
