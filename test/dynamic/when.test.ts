// Conditions: `when` decides once, its answer holds on resume, and what follows runs with what there is.
import { describe, expect, it } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type RunResult,
  type StartOptions,
  type Storage,
  StorageMemory,
  type WorkflowEvent,
} from "dotflow";
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf, whileAdvancing } from "../guarantees/time.ts";
import { eachStorage } from "../storages.ts";

const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

describe("a condition that is false", () => {
  eachStorage((_name, open) => {
    it("skips the task and what follows, and holds on resume, whatever it would say then", async () => {
      const notes = new Notebook();
      const run = (verdict: boolean, isSound: boolean): Promise<RunResult> => {
        const workflow = new DotFlow({ workflowId: "job", storage: open() });
        const first = workflow.task.add(notes.step("a", () => 1));
        const skipped = first.add(
          notes.step("b", () => 2),
          { when: () => verdict },
        );
        skipped.add(notes.step("c", () => 3));
        const broken = workflow.task.add(
          notes.step("d", () => (isSound ? 4 : fail("d"))),
          { after: first },
        );
        workflow.task.add(
          notes.step("join", (previous) => previous),
          { after: [skipped, broken] },
        );
        return workflow.start({ resume: true });
      };
      expect(statusesOf(await run(false, false))).toEqual("a completed, b skipped, c skipped, d failed, join skipped");
      expect(notes.called()).toEqual(["a", "d"]);
      const resumed = await run(true, true);
      expect(statusesOf(resumed)).toEqual("a restored, b skipped, c skipped, d completed, join completed");
      expect(notes.called()).toEqual(["d", "join"]);
      expect(await resumed.output()).toEqual([null, 4]);
      expect(resumed).toMatchObject({ status: "completed", skipped: 2, restored: 1, succeeded: 2 });
      const again = await run(true, true);
      expect(statusesOf(again)).toEqual("a restored, b skipped, c skipped, d restored, join restored");
      expect(notes.called()).toEqual([]);
      expect(await again.output()).toEqual([null, 4]);
    });
  });

  it.each(modes)("lets what does not follow from it run, in the mode %s", async (mode) => {
    const notes = new Notebook();
    const storage = new StorageMemory();
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const a = workflow.task.add(
        notes.step("a", () => 1),
        { id: "a", groupName: "x" },
      );
      const b = workflow.task.add(
        notes.step("b", () => 2),
        {
          id: "b",
          groupName: "x",
          when: () => false,
          ...(mode === "graph" && { after: a }),
        },
      );
      workflow.task.add(
        notes.step("c", () => 3),
        { id: "c", groupName: "x", ...(mode === "graph" && { after: b }) },
      );
      workflow.task.add(
        notes.step("d", () => 4),
        { id: "d", groupName: "y" },
      );
      return workflow.start({ mode, resume: true });
    };
    const ran = {
      sequential: ["a"],
      sequential_group: ["a", "d"],
      parallel: ["a", "c", "d"],
      graph: ["a", "d"],
    }[mode];
    const result = await start();
    expect(result.status).toBe("completed");
    expect(notes.called().sort()).toEqual(ran);
    const again = await start();
    expect(notes.called()).toEqual([]);
    expect(again).toMatchObject({ status: "completed", runId: result.runId, restored: ran.length });
    expect(again.skipped).toBe(result.skipped);
    expect(await contentOf(again)).toEqual(await contentOf(result));
  });

  it("says why in the result, the events and the checkpoints", async () => {
    const events: WorkflowEvent[] = [];
    const storage = new StorageMemory();
    const workflow = new DotFlow({
      workflowId: "job",
      storage,
      observers: [{ onEvent: (event) => events.push(event) }],
    });
    const notes = new Notebook();
    const results: string[] = [];
    workflow.task
      .add(
        notes.step("a", () => 1),
        { when: () => false, callback: ({ id }) => results.push(id) },
      )
      .add(
        notes.step("b", () => 2),
        { callback: ({ id }) => results.push(id) },
      );
    const result = await workflow.start();
    const reasons = ["its condition was false", 'follows from "a", which was skipped'];
    expect(result.tasks.map(({ reason }) => reason)).toEqual(reasons);
    expect(result.tasks.map(({ attempts }) => attempts)).toEqual([0, 0]);
    expect(await result.output()).toBeNull();
    expect(await result.contexts()).toEqual({});
    const told = events.flatMap((event) => (event.type === "step.skipped" ? [[event.taskId, event.reason]] : []));
    expect(told).toEqual([
      ["a", reasons[0]],
      ["b", reasons[1]],
    ]);
    expect(events.map(({ type }) => type)).not.toContain("step.started");
    expect(results).toEqual([]);
    expect(await workflow.checkpoints.info()).toMatchObject({
      status: "completed",
      completed: [],
      failed: [],
      skipped: ["a", "b"],
    });
    const steps = await workflow.checkpoints.steps();
    expect(steps.map(({ status }) => status)).toEqual(["skipped", "skipped"]);
    expect(Object.fromEntries(steps.map(({ id, reason }) => [id, reason]))).toEqual({ a: reasons[0], b: reasons[1] });
  });

  it("says why also after a crash, from the record alone", async () => {
    const storage = faultyStorage(new StorageMemory());
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage });
    workflow.task.add(
      notes.step("a", () => 1),
      { when: () => false },
    );
    // Its end can't be written, not even when it gives up.
    storage.inject({ operation: "create", key: /\/ends\//, times: 2, kind: "fail" });
    await expect(workflow.start()).rejects.toMatchObject({ code: "STORAGE" });
    expect(await workflow.checkpoints.steps()).toMatchObject([
      { id: "a", status: "skipped", reason: "its condition was false" },
    ]);
  });

  it("leaves the record of the task to a later start that names it in from", async () => {
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    let verdict = false;
    workflow.task
      .add(notes.step("a", () => 1))
      .add(
        notes.step("b", (previous) => Number(previous) + 1),
        { when: () => verdict },
      )
      .add(notes.step("c", (previous) => Number(previous) + 1));
    await workflow.start();
    verdict = true;
    expect(statusesOf(await workflow.start({ resume: true }))).toBe("a restored, b skipped, c skipped");
    const result = await workflow.start({ resume: true, from: "b" });
    expect(statusesOf(result)).toBe("a restored, b completed, c completed");
    expect(await result.output()).toBe(3);
  });

  it("is in force for a record even where the condition was taken out of the program since", async () => {
    const notes = new Notebook();
    const storage = new StorageMemory();
    const start = (options: { when?: () => boolean }, more = false): Promise<RunResult> => {
      const [a, b, c] = [notes.step("a", () => 1), notes.step("b", () => 2), notes.step("c", () => 3)];
      const workflow = new DotFlow({ workflowId: "job", storage });
      const last = workflow.task.add(a, options).add(b);
      if (more) last.add(c);
      return workflow.start({ resume: true });
    };
    await start({ when: () => false });
    expect(statusesOf(await start({}))).toBe("a skipped, b skipped");
    expect(statusesOf(await start({ when: () => true }))).toBe("a skipped, b skipped");
    // With another task the run has a new plan, in which nothing has a condition any more.
    expect(statusesOf(await start({}, true))).toBe("a skipped, b skipped, c skipped");
    expect(statusesOf(await start({}, true))).toBe("a skipped, b skipped, c skipped");
  });
});

describe("a condition", () => {
  it("is asked once for a task that completes or is skipped, with a copy of what the task gets", async () => {
    const asked: unknown[] = [];
    const storage = new StorageMemory();
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const rows = action({ name: "rows" }, () => ({ rows: [1, 2] }));
      const sum = action({ name: "sum" }, (previous: Context<{ rows: number[] }>) => previous.storage.rows.length);
      workflow.task.add(rows).add(sum, {
        when: async (previous) => {
          asked.push(structuredClone(previous.storage));
          previous.storage.rows.push(3);
          return true;
        },
      });
      return workflow.start({ resume: true });
    };
    expect(await (await start()).output()).toBe(2);
    await start();
    expect(asked).toEqual([{ rows: [1, 2] }]);
  });

  it("gets the tuple or the object that its join gets", async () => {
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    const left = workflow.task.add(action({ name: "left" }, () => 1));
    const right = workflow.task.add(action({ name: "right" }, () => "two"));
    const seen: unknown[] = [];
    const step = action({ name: "step" }, () => 0);
    workflow.task.add(step, { after: [left, right], when: ({ storage: [one, two] }) => Boolean(seen.push(one, two)) });
    workflow.task.add(step, { after: { left, right }, when: ({ storage }) => Boolean(seen.push(storage.right)) });
    await workflow.start();
    expect(seen).toEqual([1, "two", "two"]);
  });

  it("is not asked again for a task that began, was interrupted and had saved something", async () => {
    const storage = new StorageMemory();
    let asked = 0;
    const start = (isSound: boolean): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const half = action({ name: "a" }, async (_previous, step) => {
        await step.once("half", () => 1);
        if (!isSound) fail("a");
      });
      workflow.task.add(half, { when: () => ++asked === 1 });
      return workflow.start({ resume: true });
    };
    expect((await start(false)).status).toBe("failed");
    expect(statusesOf(await start(true))).toBe("a completed");
    expect(asked).toBe(1);
  });

  it.each<[string, () => unknown, string, string]>([
    ["throws", () => fail("the condition"), "Error", "the condition"],
    ["rejects", () => Promise.reject(new Error("later")), "Error", "later"],
    ["gives no boolean", () => 1, "InvalidWorkflowError", 'The condition of "a" gave 1. It must give true or false.'],
    ["gives nothing", () => {}, "InvalidWorkflowError", 'The condition of "a" gave undefined'],
  ])("that %s fails the task without a retry, and is asked again on resume", async (_what, when, name, message) => {
    const events: WorkflowEvent[] = [];
    const notes = new Notebook();
    const storage = new StorageMemory();
    const start = (condition: () => unknown): Promise<RunResult> => {
      const observers = [{ onEvent: (event: WorkflowEvent): unknown => events.push(event) }];
      const workflow = new DotFlow({ workflowId: "job", storage, observers });
      workflow.task
        .add(
          notes.step("a", () => 1, { retry: 3, retryDelay: 0 }),
          { when: condition as () => boolean },
        )
        .add(notes.step("b", () => 2));
      return workflow.start({ resume: true });
    };
    const result = await start(when);
    expect(statusesOf(result)).toBe("a failed, b skipped");
    expect(result.tasks[0]?.errors).toMatchObject([{ name, message: expect.stringContaining(message) as string }]);
    expect(result.tasks[0]).toMatchObject({ attempts: 0, iterations: 0 });
    const failed = events.find(({ type }) => type === "step.failed");
    expect(failed).toMatchObject({ taskId: "a", attempts: 0, durationMs: 0 });
    expect(notes.called()).toEqual([]);
    expect(statusesOf(await start(() => true))).toBe("a completed, b completed");
  });

  it("that is false behind a failure, under keepGoing, is not recorded", async () => {
    const notes = new Notebook();
    const storage = new StorageMemory();
    const start = (isSound: boolean): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task
        .add(notes.step("a", () => (isSound ? 1 : fail("a"))))
        .add(
          notes.step("b", () => 2),
          { when: ({ storage: value }: Context) => value !== null },
        )
        .add(notes.step("c", () => 3));
      return workflow.start({ resume: true, keepGoing: true });
    };
    const result = await start(false);
    expect(statusesOf(result)).toBe("a failed, b skipped, c skipped");
    expect(result.status).toBe("failed");
    expect(statusesOf(await start(true))).toBe("a completed, b completed, c completed");
  });

  it("that is false in front of a join is null there, and all false skip the join", async () => {
    const notes = new Notebook();
    const run = async (...verdicts: boolean[]): Promise<unknown> => {
      const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
      const branches = verdicts.map((verdict, index) =>
        workflow.task.add(
          notes.step(`branch${index}`, () => index),
          { when: () => verdict },
        ),
      );
      workflow.task.add(
        notes.step("join", (previous) => previous),
        { after: branches },
      );
      const result = await workflow.start({ mode: "graph" });
      return result.tasks.at(-1)?.status === "skipped" ? "skipped" : result.output();
    };
    expect(await run(true, false, true)).toEqual([0, null, 2]);
    expect(await run(false, true)).toEqual([null, 1]);
    expect(await run(false, false)).toBe("skipped");
  });

  it("that was under way when the deadline came does not let its task begin", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const storage = new StorageMemory();
    const workflow = new DotFlow({ workflowId: "job", storage, clock });
    const when = (): Promise<boolean> => new Promise((resolve) => clock.timer(2_000, () => resolve(true)));
    workflow.task.add(
      notes.step("a", () => 1),
      { when },
    );
    const result = await whileAdvancing(clock, workflow.start({ resume: true, deadline: "1s" }));
    expect(result).toMatchObject({ status: "suspended", tasks: [{ status: "pending", reason: "the deadline came" }] });
    expect(notes.called()).toEqual([]);
    const resumed = await whileAdvancing(clock, workflow.start({ resume: true }));
    expect(statusesOf(resumed)).toBe("a completed");
  });

  it("that never answers ends with the run that is cancelled", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock });
    const asked = gateOf();
    workflow.task.add(
      notes.step("a", () => 1),
      {
        when: () => {
          asked.open();
          return new Promise(() => {});
        },
      },
    );
    const handle = await workflow.start({ mode: "background" });
    await asked.opened;
    const result = await whileAdvancing(clock, handle.cancel());
    expect(result).toMatchObject({ status: "cancelled", tasks: [{ status: "cancelled" }] });
    expect(notes.called()).toEqual([]);
  });

  it("that answers when the run is cancelled already does not let its task begin", async () => {
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    const stop = new AbortController();
    workflow.task.add(
      notes.step("a", () => 1),
      {
        when: () => {
          stop.abort();
          return true;
        },
      },
    );
    const result = await workflow.start({ signal: stop.signal });
    expect(result).toMatchObject({ status: "cancelled", tasks: [{ status: "cancelled" }] });
    expect(notes.called()).toEqual([]);
  });

  it("is no part of what makes a record fit: it may come, go and change", async () => {
    const notes = new Notebook();
    const storage = new StorageMemory();
    const start = (options: { when?: () => boolean }): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task
        .add(
          notes.step("a", () => 1),
          options,
        )
        .add(notes.step("b", () => 2));
      return workflow.start({ resume: true });
    };
    await start({});
    for (const options of [{ when: () => false }, { when: () => true }, {}])
      expect(statusesOf(await start(options))).toBe("a restored, b restored");
  });

  it("must be a function", () => {
    const workflow = new DotFlow({ workflowId: "job" });
    // As a program in JavaScript may do.
    const when = true as unknown as () => boolean;
    expect(() =>
      workflow.task.add(
        new Notebook().step("a", () => 1),
        { when },
      ),
    ).toThrow("The option when");
  });
});

describe("a workflow with conditions survives every crash", () => {
  it.each(modes)("in the mode %s", async (mode) => {
    const report = await crashTest((storage) => branching(storage, mode), { start: { mode } });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(40);
  });

  it("and its answer holds from its record on, whatever the condition would say then", async () => {
    const make = (storage: Storage, start: number): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const [a, b] = [action({ name: "a" }, () => 1), action({ name: "b" }, () => 2)];
      workflow.task.add(a, { when: () => start > 1 }).add(b);
      return workflow;
    };
    const report = await crashTest(make, {
      operations: ({ key }) => key.includes("/steps/"),
      points: ["after"],
      twice: false,
    });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(0);
  });
});

function branching(storage: Storage, mode: StartOptions["mode"]): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const step = (name: string) => action({ name }, ({ storage: value }: Context) => ({ name, value }));
  const edge = <Options extends object>(options: Options): Options | undefined =>
    mode === "graph" ? options : undefined;
  const a = workflow.task.add(step("a"), { groupName: "x" });
  const b = workflow.task.add(step("b"), { groupName: "y", when: () => false, ...edge({ after: a }) });
  const c = workflow.task.add(step("c"), { groupName: "x", when: () => true, ...edge({ after: a }) });
  workflow.task.add(step("d"), { groupName: "y", ...edge({ after: b }) });
  workflow.task.add(step("e"), { groupName: "x", ...edge({ after: [b, c] }) });
  return workflow;
}

function statusesOf({ tasks }: RunResult): string {
  return tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
}

async function contentOf(result: RunResult): Promise<unknown> {
  return Object.entries(await result.contexts()).map(([id, { storage }]) => [id, storage]);
}

function fail(what: string): never {
  throw new Error(what);
}
