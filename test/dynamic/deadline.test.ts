// Deadlines: what runs may end, nothing new begins, and the run ends `suspended` for a resume to go on.
import { describe, expect, it } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type RunResult,
  type StartOptions,
  type StepContext,
  type Storage,
  StorageMemory,
  type WorkflowEvent,
} from "dotflow";
import { crashTest, type ManualClock, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { whileAdvancing } from "../guarantees/time.ts";
import { eachStorage } from "../storages.ts";

const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

/** Steps that each take a time of the clock. */
function slowSteps(clock: ManualClock, notes: Notebook) {
  const pass = (milliseconds: number): Promise<void> => new Promise((resolve) => clock.timer(milliseconds, resolve));
  return (name: string, milliseconds: number, give: () => unknown = () => name) =>
    notes.step(name, async () => {
      await pass(milliseconds);
      return give();
    });
}

describe("a deadline", () => {
  eachStorage((_name, open) => {
    it("lets the step that runs end, begins no other one, and a resume goes on", async () => {
      const clock = manualClock();
      const notes = new Notebook();
      const slow = slowSteps(clock, notes);
      const start = (deadline?: StartOptions["deadline"]): Promise<RunResult> => {
        const workflow = new DotFlow({ workflowId: "job", storage: clock.watch(open()), clock });
        workflow.task.add(slow("a", 100)).add(slow("b", 1_000)).add(slow("c", 100));
        return whileAdvancing(clock, workflow.start({ resume: true, deadline }));
      };
      const result = await start("500ms");
      expect(statusesOf(result)).toBe("a completed, b completed, c pending");
      expect(result).toMatchObject({ status: "suspended", waiting: [] });
      expect(notes.called()).toEqual(["a", "b"]);
      const resumed = await start("500ms");
      expect(statusesOf(resumed)).toBe("a restored, b restored, c completed");
      expect(resumed).toMatchObject({ status: "completed", runId: result.runId });
      expect(notes.called()).toEqual(["c"]);
      expect(await resumed.output()).toBe("c");
    });
  });

  it.each(modes)("comes invocation by invocation to the result of one start, in the mode %s", async (mode) => {
    const clock = manualClock();
    const notes = new Notebook();
    const storage = new StorageMemory();
    const once = async (deadline?: string): Promise<RunResult> => {
      const slow = slowSteps(clock, notes);
      const workflow = new DotFlow({ workflowId: "job", storage, clock });
      const a = workflow.task.add(slow("a", 900), { id: "a", groupName: "x" });
      const b = workflow.task.add(slow("b", 900), { id: "b", groupName: "y", ...(mode === "graph" && { after: a }) });
      workflow.task.add(slow("c", 1_900), { id: "c", groupName: "x", ...(mode === "graph" && { after: a }) });
      workflow.task.add(slow("d", 900), { id: "d", groupName: "y", after: [a, b] });
      return whileAdvancing(clock, workflow.start({ mode, resume: true, deadline, concurrency: 2 }));
    };
    const statuses: string[] = [];
    let result: RunResult;
    do {
      result = await once("500ms");
      statuses.push(result.status);
    } while (result.status === "suspended" && statuses.length < 9);
    expect(statuses.length).toBeGreaterThan(1);
    expect(result.status).toBe("completed");
    expect(notes.called().sort()).toEqual(["a", "b", "c", "d"]);
    expect(await result.output()).toBe("d");
  });

  it("that is over already begins the run and none of its tasks", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock });
    workflow.task.add(notes.step("a", () => 1)).add(notes.step("b", () => 2));
    for (const deadline of [new Date(clock.now()), new Date(0), 0, "0s"]) {
      const result = await workflow.start({ resume: true, deadline });
      expect(statusesOf(result)).toBe("a pending, b pending");
      expect(result).toMatchObject({ status: "suspended", waiting: [] });
    }
    expect(notes.called()).toEqual([]);
    expect(await workflow.checkpoints.info()).toMatchObject({
      exists: true,
      status: "suspended",
      waiting: [],
      total: 0,
    });
    expect(await workflow.checkpoints.runs()).toHaveLength(1);
    expect((await workflow.start({ resume: "required" })).status).toBe("completed");
  });

  it("as a date counts from the clock, as a duration from the start", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const slow = slowSteps(clock, notes);
    for (const deadline of [new Date(clock.now() + 1_000), "1s", 1_000]) {
      const workflow = new DotFlow({ workflowId: `job-${String(deadline)}`, storage: new StorageMemory(), clock });
      const end = clock.now() + 1_000;
      workflow.task.add([slow("a", 400), slow("b", 400), slow("c", 400), slow("d", 400)]);
      const date = deadline instanceof Date ? new Date(end) : deadline;
      const result = await whileAdvancing(clock, workflow.start({ deadline: date }));
      expect(statusesOf(result)).toBe("a completed, b completed, c completed, d pending");
    }
  });

  it("that comes after all is done changes nothing, and keeps no process alive", async () => {
    const clock = manualClock();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock });
    workflow.task.add(new Notebook().step("a", () => 1));
    expect((await workflow.start({ deadline: "30d" })).status).toBe("completed");
    expect(
      await new DotFlow({ workflowId: "job" }).start({ deadline: "1h" }).catch((error: unknown) => error),
    ).toMatchObject({
      code: "INVALID_WORKFLOW",
    });
    // Nothing is left of it.
    await clock.advance("31d");
    expect((await workflow.start({ resume: true })).restored).toBe(1);
  });

  it("makes no attempt after one that failed behind it, and lets a resume try", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const slow = slowSteps(clock, notes);
    let isSound = false;
    const give = (): number => {
      if (!isSound) throw new Error("not yet");
      return 1;
    };
    const events: string[] = [];
    const observers = [{ onEvent: ({ type }: WorkflowEvent): unknown => events.push(type) }];
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock, observers });
    const step = slow("a", 2_000, give);
    const retried = action({ name: "a", retry: 3, retryDelay: "1s" }, (previous: Context, context: StepContext) =>
      step(previous, context),
    );
    workflow.task.add(retried);
    const result = await whileAdvancing(clock, workflow.start({ deadline: "1s" }));
    expect(result).toMatchObject({ status: "suspended", tasks: [{ status: "pending", attempts: 1 }] });
    expect(result.tasks[0]?.errors.map(({ message }) => message)).toEqual(["not yet"]);
    expect(events).not.toContain("step.retrying");
    isSound = true;
    expect((await whileAdvancing(clock, workflow.start({ resume: true }))).status).toBe("completed");
  });

  it("that comes in the pause before the next attempt ends the pause", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock });
    const fails = (): never => {
      throw new Error("not yet");
    };
    workflow.task.add(notes.step("a", fails, { retry: 3, retryDelay: "1h" }));
    const before = clock.now();
    const result = await whileAdvancing(clock, workflow.start({ deadline: "10s" }));
    expect(result).toMatchObject({ status: "suspended", tasks: [{ status: "pending", attempts: 1 }] });
    expect(clock.now() - before).toBeLessThan(60_000);
  });

  it("fails a task whose last attempt fails behind it: failed counts more than suspended", async () => {
    const clock = manualClock();
    const slow = slowSteps(clock, new Notebook());
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock });
    const fails = (): never => {
      throw new Error("for good");
    };
    workflow.task.add(slow("a", 2_000, fails));
    workflow.task.add(slow("b", 2_000));
    const result = await whileAdvancing(clock, workflow.start({ mode: "parallel", concurrency: 1, deadline: "1s" }));
    expect(statusesOf(result)).toBe("a failed, b pending");
    expect(result.status).toBe("failed");
  });

  it("is the end of waiting for another process, too, of which nothing is lost", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const notes = new Notebook();
    const make = (): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage, clock });
      workflow.task.add(slowSteps(clock, notes)("a", 600_000));
      return workflow;
    };
    const driving = make().start();
    const waiting = make().start({ resume: true, lock: "wait", deadline: "1m" });
    const ended = waiting.catch((error: unknown) => error);
    const before = clock.now();
    expect(await whileAdvancing(clock, ended)).toMatchObject({ code: "WORKFLOW_LOCKED" });
    expect(clock.now() - before).toBeLessThan(120_000);
    expect((await whileAdvancing(clock, driving)).status).toBe("completed");
    expect(notes.called()).toEqual(["a"]);
  });

  it("begins no further iteration, and a resume goes on with it", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const iterations: number[] = [];
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage, clock });
      workflow.task.add(
        action({ name: "a" }, async (_previous, step) => {
          iterations.push(step.iteration);
          await new Promise<void>((resolve) => clock.timer(700, resolve));
          return step.iteration < 5 ? step.again(null) : "end";
        }),
      );
      return whileAdvancing(clock, workflow.start({ resume: true, deadline: "1s" }));
    };
    const result = await start();
    expect(result).toMatchObject({ status: "suspended", tasks: [{ status: "pending", iterations: 2 }] });
    expect((await start()).status).toBe("suspended");
    const last = await start();
    expect(iterations).toEqual([1, 2, 3, 4, 5]);
    expect(await last.output()).toBe("end");
  });

  it("begins no further item, and a resume runs those that are left", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const storage = new StorageMemory();
    const items: number[] = [];
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage, clock });
      const double = action({ name: "double" }, async (previous: Context<number>) => {
        items.push(previous.storage);
        await new Promise<void>((resolve) => clock.timer(700, resolve));
        return previous.storage * 2;
      });
      const list = workflow.task.add(notes.step("list", () => [1, 2, 3, 4, 5]));
      workflow.task.map(double, { after: list as never, concurrency: 2 });
      return whileAdvancing(clock, workflow.start({ resume: true, deadline: "1s" }));
    };
    expect((await start()).status).toBe("suspended");
    expect(items).toEqual([1, 2, 3, 4]);
    const result = await start();
    expect(items).toEqual([1, 2, 3, 4, 5]);
    expect(await result.output()).toEqual([2, 4, 6, 8, 10]);
  });

  it("ends a run that waits in place, which goes on waiting with the resume", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const workflow = new DotFlow({ workflowId: "job", storage, clock });
    workflow.task.add(action({ name: "a" }, async (_previous, step) => step.waitFor("go")));
    const result = await whileAdvancing(clock, workflow.start({ wait: true, deadline: "1m" }));
    expect(result).toMatchObject({ status: "suspended", waiting: ["go"], tasks: [{ status: "waiting" }] });
    await workflow.checkpoints.signal("go", 1);
    expect(await (await workflow.start({ resume: true })).output()).toBe(1);
  });

  it("saves what the last steps gave, also what a checkpoint policy holds back", async () => {
    const clock = manualClock();
    const notes = new Notebook();
    const slow = slowSteps(clock, notes);
    const storage = new StorageMemory();
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage, clock, checkpoint: { everySteps: 100 } });
      workflow.task.add([slow("a", 700), slow("b", 700), slow("c", 700)]);
      return whileAdvancing(clock, workflow.start({ resume: true, deadline: "1s" }));
    };
    expect(statusesOf(await start())).toBe("a completed, b completed, c pending");
    expect(statusesOf(await start())).toBe("a restored, b restored, c completed");
    expect(notes.called()).toEqual(["a", "b", "c"]);
  });

  it("shows as run.suspended, and in the checkpoints", async () => {
    const clock = manualClock();
    const events: WorkflowEvent[] = [];
    const called: string[] = [];
    const notes = new Notebook();
    const slow = slowSteps(clock, notes);
    const observers = [{ onEvent: (event: WorkflowEvent): unknown => events.push(event) }];
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory(), clock, observers });
    workflow.task.add([slow("a", 2_000), slow("b", 1)]);
    const onSuccess = (): unknown => called.push("success");
    const onFailure = (): unknown => called.push("failure");
    const result = await whileAdvancing(clock, workflow.start({ deadline: "1s", onSuccess, onFailure }));
    expect(events.at(-1)).toMatchObject({ type: "run.suspended", succeeded: 1 });
    expect(called).toEqual([]);
    expect(result.tasks[1]).toMatchObject({ status: "pending", reason: "not reached", attempts: 0 });
    expect(await workflow.checkpoints.info()).toMatchObject({
      status: "suspended",
      completed: ["a"],
      owner: undefined,
    });
    expect(await workflow.checkpoints.steps()).toMatchObject([{ id: "a" }, { id: "b", status: "pending" }]);
    await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED" });
  });

  it.each([[new Date(Number.NaN)], ["soon"], [-1]])("can't be %s", async (deadline) => {
    const workflow = new DotFlow({ workflowId: "job" });
    workflow.task.add(new Notebook().step("a", () => 1));
    await expect(workflow.start({ deadline })).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
  });
});

it("a workflow that a deadline stops in the middle survives every crash", async () => {
  // The second start has no deadline any more when the steps take no time of its clock.
  const make = (storage: Storage, start: number): DotFlow => {
    const clock = manualClock();
    const workflow = new DotFlow({ workflowId: "job", storage, clock });
    const step = (name: string) =>
      action({ name }, async ({ storage: value }: Context) => {
        if (start === 1) await clock.advance("600ms");
        return { name, value };
      });
    workflow.task.add([step("a"), step("b"), step("c"), step("d")]);
    return workflow;
  };
  const report = await crashTest(make, { start: { deadline: "1s" } });
  expect(report.problems, String(report)).toEqual([]);
  expect(report.crashes).toBeGreaterThan(30);
});

function statusesOf({ tasks }: RunResult): string {
  return tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
}
