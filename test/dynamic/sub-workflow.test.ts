// Workflows as steps: they run under `<workflowId>.<taskId>`, resume with the run that they are a step of, and share its end.
import { describe, expect, it } from "vitest";
import {
  action,
  Checkpoints,
  type Context,
  DotFlow,
  type RunResult,
  type StartOptions,
  type StepContext,
  type Storage,
  StorageMemory,
  type WorkflowEvent,
} from "dotflow";
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf, whileAdvancing } from "../guarantees/time.ts";
import { eachStorage } from "../storages.ts";

const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

describe("a workflow that is a step", () => {
  eachStorage((_name, open) => {
    it("resumes with its parent where it failed, and hands on its output", async () => {
      const notes = new Notebook();
      let isSound = false;
      const start = (): Promise<RunResult> => {
        const child = new DotFlow({ workflowId: "child" });
        child.task
          .add(notes.step("c1", (_previous, step) => ({ given: step.initial.storage })))
          .add(notes.step("c2", (previous) => (isSound ? { previous } : fail("c2"))));
        const parent = new DotFlow({ workflowId: "parent", storage: open() });
        parent.task.add(notes.step("a", () => [1, 2])).add(child);
        parent.task.add(notes.step("b", (previous) => previous));
        return parent.start({ resume: true });
      };
      const result = await start();
      expect(statusesOf(result)).toBe("a completed, child failed, b skipped");
      expect(result.tasks[1]?.errors).toMatchObject([
        { code: "WORKFLOW_FAILED", workflowId: "parent.child", taskId: "c2" },
      ]);
      expect(notes.called()).toEqual(["a", "c1", "c2"]);
      isSound = true;
      const resumed = await start();
      expect(statusesOf(resumed)).toBe("a restored, child completed, b completed");
      expect(notes.called()).toEqual(["c2", "b"]);
      expect(await resumed.output()).toEqual({ previous: { given: [1, 2] } });
      expect(statusesOf(await start())).toBe("a restored, child restored, b restored");
      expect(notes.called()).toEqual([]);
      const inner = await new Checkpoints(open(), { workflowId: "parent.child" }).info();
      expect(inner).toMatchObject({ status: "completed", completed: ["c1", "c2"], total: 2 });
    });

    it("waits with its parent, and gets the signal that is sent to the parent", async () => {
      const start = (): Promise<RunResult> => waitingParent(open()).start({ resume: true });
      const result = await start();
      expect(result).toMatchObject({ status: "suspended", waiting: ["go"] });
      expect(result.tasks[1]).toMatchObject({ status: "waiting", reason: 'waits for signal "go"' });
      await new Checkpoints(open(), { workflowId: "parent" }).signal("go", { by: "Ada" });
      expect(await (await start()).output()).toEqual({ by: "Ada" });
    });
  });

  it.each(modes)("survives every crash of its parent, in the mode %s", async (mode) => {
    const make = (storage: Storage): DotFlow => {
      const step = (name: string) => action({ name }, ({ storage: value }: Context) => ({ name, value }));
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(step("c1")).add(step("c2"));
      const parent = new DotFlow({ workflowId: "parent", storage });
      const a = parent.task.add(step("a"), { groupName: "x" });
      parent.task.add(child, { groupName: "x", id: "child", ...(mode === "graph" && { after: a }) });
      parent.task.add(step("b"), { groupName: "y" });
      return parent;
    };
    const report = await crashTest(make, { start: { mode }, twice: false });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(30);
  });

  it("takes part twice under two ids, and within a workflow that is a step itself", async () => {
    const storage = new StorageMemory();
    const plus = action({ name: "plus" }, (_previous, step: StepContext<number>) => step.initial.storage + 1);
    const inner = new DotFlow({ workflowId: "inner" });
    inner.task.add(plus);
    const outer = new DotFlow({ workflowId: "outer" });
    const given = action({ name: "given" }, (_previous, step) => step.initial.storage);
    outer.task.add(given).add(inner);
    outer.task.add(inner);
    const parent = new DotFlow({ workflowId: "parent", storage });
    parent.task.add(action({ name: "one" }, () => 1)).add(outer);
    const result = await parent.start();
    expect(await result.output()).toBe(3);
    const workflows = await parent.checkpoints.workflows();
    expect(workflows.map(({ workflowId }) => workflowId).sort()).toEqual([
      "parent",
      "parent.outer",
      "parent.outer.inner",
      "parent.outer.inner#2",
    ]);
  });

  it("gets what comes before it as its initial context, and none where nothing does", async () => {
    const seen: unknown[] = [];
    const note = action({ name: "note" }, (previous, step) => {
      seen.push(previous.storage, step.initial.storage);
      return null;
    });
    const child = new DotFlow({ workflowId: "child" });
    child.task.add(note);
    const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory() });
    parent.task
      .add(child)
      .add(action({ name: "value" }, () => new Map([["a", 1]])))
      .add(child);
    await parent.start({ initialContext: "of the parent" });
    expect(seen).toEqual([null, null, null, new Map([["a", 1]])]);
  });

  it("begins anew in a new run of its parent, and stays as it is where from names what follows", async () => {
    const notes = new Notebook();
    const child = new DotFlow({ workflowId: "child" });
    child.task.add(notes.step("c", () => 1));
    const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory() });
    parent.task.add(child).add(notes.step("b", () => 2));
    await parent.start();
    expect(notes.called()).toEqual(["c", "b"]);
    await parent.start({ resume: true, from: "b" });
    expect(notes.called()).toEqual(["b"]);
    await parent.start({ resume: true, from: "child" });
    expect(notes.called()).toEqual(["c", "b"]);
    await parent.start();
    expect(notes.called()).toEqual(["c", "b"]);
    expect(await new Checkpoints(new StorageMemory(), { workflowId: "parent.child" }).runs()).toEqual([]);
  });

  it("is not begun again when it completed and its parent crashed before it had its own record", async () => {
    const notes = new Notebook();
    const storage = faultyStorage(new StorageMemory());
    const start = (): Promise<RunResult> => {
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(notes.step("c", () => 1));
      const parent = new DotFlow({ workflowId: "parent", storage, retention: { onSuccess: "delete" } });
      parent.task.add(child);
      return parent.start({ resume: true });
    };
    storage.inject({ operation: "create", key: /^parent\/.*\/steps\/child$/, kind: "fail" });
    await expect(start()).rejects.toMatchObject({ code: "STORAGE" });
    expect(notes.called()).toEqual(["c"]);
    expect(await (await start()).output()).toBe(1);
    expect(notes.called()).toEqual([]);
  });

  it("ends the start with the error of a storage that fails it", async () => {
    const storage = faultyStorage(new StorageMemory());
    const child = new DotFlow({ workflowId: "child" });
    child.task.add(new Notebook().step("c", () => 1));
    const parent = new DotFlow({ workflowId: "parent", storage });
    parent.task.add(child);
    storage.inject({ operation: "create", key: /^parent\.child\/.*\/steps\//, kind: "fail" });
    await expect(parent.start()).rejects.toMatchObject({ code: "STORAGE" });
    expect(await (await parent.start({ resume: true })).output()).toBe(1);
  });

  it("is cancelled with its parent, which ends when all of it is saved, and goes on with it", async () => {
    const clock = manualClock();
    const storage = faultyStorage(new StorageMemory());
    storage.inject({ operation: "create", key: /^parent\.child\/.*\/ends\//, kind: "hang" });
    const notes = new Notebook();
    const begun = gateOf();
    let isStubborn = true;
    const workflow = (): DotFlow => {
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(notes.step("c1", () => 1)).add(
        notes.step("c2", (_previous, step) => {
          begun.open();
          // It does not heed the signal.
          return isStubborn ? new Promise(() => {}) : String(step.signal.aborted);
        }),
      );
      const parent = new DotFlow({ workflowId: "parent", storage, clock });
      parent.task.add(child);
      return parent;
    };
    const handle = await workflow().start({ mode: "background", resume: true });
    await begun.opened;
    const cancelled = handle.cancel();
    await clock.advance("5s");
    expect(storage.hanging).toBe(1);
    expect(handle.status).toBe("running");
    storage.release();
    const result = await whileAdvancing(clock, cancelled);
    expect(result).toMatchObject({ status: "cancelled", tasks: [{ status: "cancelled" }] });
    const inner = await new Checkpoints(storage, { workflowId: "parent.child", clock }).info();
    expect(inner).toMatchObject({ status: "cancelled", completed: ["c1"], owner: undefined });
    isStubborn = false;
    notes.called();
    expect(await (await workflow().start({ resume: true })).output()).toBe("false");
    expect(notes.called()).toEqual(["c2"]);
  });

  it("heeds the deadline of its parent, and is pending with it", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const notes = new Notebook();
    const slow = (name: string) =>
      notes.step(name, async () => {
        await new Promise<void>((resolve) => clock.timer(700, resolve));
        return name;
      });
    const start = (deadline?: string): Promise<RunResult> => {
      const child = new DotFlow({ workflowId: "child" });
      child.task.add([slow("c1"), slow("c2"), slow("c3")]);
      const parent = new DotFlow({ workflowId: "parent", storage, clock });
      parent.task.add(slow("a"));
      parent.task.add(child);
      return whileAdvancing(clock, parent.start({ resume: true, deadline }));
    };
    const result = await start("1s");
    expect(result).toMatchObject({ status: "suspended", waiting: [] });
    expect(result.tasks[1]).toMatchObject({ status: "pending", reason: "the deadline came" });
    expect(notes.called()).toEqual(["a", "c1"]);
    const resumed = await start();
    expect(notes.called()).toEqual(["c2", "c3"]);
    expect(await resumed.output()).toBe("c3");
  });

  it("shows its steps in the events of the parent's observers, under its own id", async () => {
    const events: WorkflowEvent[] = [];
    const child = new DotFlow({ workflowId: "child" });
    child.task.add(new Notebook().step("c", () => 1));
    const observers = [{ onEvent: (event: WorkflowEvent): unknown => events.push(event) }];
    const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory(), observers });
    parent.task.add(child);
    await parent.start();
    const completed = events.flatMap((event) =>
      event.type === "step.completed" ? [[event.workflowId, event.taskId]] : [],
    );
    expect(completed).toEqual([
      ["parent.child", "c"],
      ["parent", "child"],
    ]);
  });

  it("passes on the decisions of the start: onChange, keepGoing", async () => {
    const storage = new StorageMemory();
    const notes = new Notebook();
    const start = (version: number, options: StartOptions & { mode?: "graph" }): Promise<RunResult> => {
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(notes.step("c1", () => version, { version })).add(notes.step("c2", () => fail("c2")));
      const parent = new DotFlow({ workflowId: "parent", storage });
      parent.task.add(child);
      return parent.start({ resume: true, ...options });
    };
    await start(1, {});
    notes.called();
    const refused = await start(2, {});
    expect(refused.tasks[0]?.errors).toMatchObject([{ code: "WORKFLOW_CHANGED", workflowId: "parent.child" }]);
    expect(notes.called()).toEqual([]);
    await start(2, { onChange: "rerun" });
    expect(notes.called()).toEqual(["c1", "c2"]);
  });

  it("keeps as many of its runs as the retention of its parent says", async () => {
    for (const [retention, kept] of [
      [{ maxRuns: 2 }, 2],
      [{ onSuccess: "delete" }, 1],
    ] as const) {
      const storage = new StorageMemory();
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(new Notebook().step("c", () => 1));
      const parent = new DotFlow({ workflowId: "parent", storage, retention });
      parent.task.add(child);
      for (let count = 0; count < 4; count++) expect((await parent.start()).status).toBe("completed");
      expect(await new Checkpoints(storage, { workflowId: "parent.child" }).runs()).toHaveLength(kept);
    }
  });

  it("can't be a step of itself, not even by way of another", async () => {
    const storage = new StorageMemory();
    const self = new DotFlow({ workflowId: "self", storage });
    self.task.add(self);
    expect((await self.start()).tasks[0]?.errors).toMatchObject([{ code: "INVALID_WORKFLOW" }]);
    const [one, other] = [new DotFlow({ workflowId: "one", storage }), new DotFlow({ workflowId: "other" })];
    one.task.add(other);
    other.task.add(one);
    const result = await one.start();
    expect(result.status).toBe("failed");
    expect(String(result.tasks[0]?.errors[0]?.message)).toContain("is a step of itself");
  });

  it("needs an id that stays the same: its own, or that of the task", async () => {
    const child = new DotFlow();
    child.task.add(new Notebook().step("c", () => 1));
    const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory() });
    expect(() => parent.task.add(child)).toThrow("A workflow without a workflowId can't be a task");
    parent.task.add(child, { id: "child" });
    const result = await parent.start();
    expect(result.tasks).toMatchObject([{ id: "child", name: "child", status: "completed" }]);
  });

  it("can't be mapped, and needs tasks", async () => {
    const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory() });
    const child = new DotFlow({ workflowId: "child" });
    // As a program in JavaScript may do.
    expect(() => parent.task.map(child as never)).toThrow("task.map takes one step, and no workflow");
    parent.task.add(child);
    expect((await parent.start()).tasks[0]?.errors).toMatchObject([{ code: "INVALID_WORKFLOW" }]);
  });
});

describe("a signal for a wait within a workflow that is a step", () => {
  it("is kept when it comes before the wait began", async () => {
    const storage = new StorageMemory();
    const first = gateOf();
    const parent = waitingParent(storage, async () => first.opened);
    const started = await parent.start({ mode: "background" });
    await parent.checkpoints.signal("go", 7);
    first.open();
    expect(await (await started.result()).output()).toBe(7);
  });

  it("is taken by one wait, whichever of the two looks first, and each gets one", async () => {
    const storage = new StorageMemory();
    const wait = action({ name: "wait" }, async (_previous, step) => step.waitFor<number>("go"));
    const workflow = (): DotFlow => {
      const child = new DotFlow({ workflowId: "child" });
      child.task.add(wait);
      const parent = new DotFlow({ workflowId: "parent", storage });
      parent.task.add(wait);
      parent.task.add(child);
      return parent;
    };
    const start = (): Promise<RunResult> => workflow().start({ mode: "parallel", resume: true });
    expect((await start()).waiting).toEqual(["go"]);
    await workflow().checkpoints.signal("go", 1);
    expect(await start()).toMatchObject({ status: "suspended", succeeded: 1, waiting: ["go"] });
    await workflow().checkpoints.signal("go", 2);
    const result = await start();
    expect(result.status).toBe("completed");
    const given = Object.values(await result.contexts()).map(({ storage: value }) => value);
    expect(new Set(given)).toEqual(new Set([1, 2]));
  });

  it("may be sent to any of the workflows that it is within, or to itself, which comes first", async () => {
    for (const to of ["parent", "parent.outer", "parent.outer.inner"]) {
      const storage = new StorageMemory();
      const workflow = (): DotFlow => {
        const inner = new DotFlow({ workflowId: "inner" });
        inner.task.add(action({ name: "wait" }, async (_previous, step) => step.waitFor("go")));
        const outer = new DotFlow({ workflowId: "outer" });
        outer.task.add(inner);
        const parent = new DotFlow({ workflowId: "parent", storage });
        parent.task.add(outer);
        return parent;
      };
      expect((await workflow().start({ resume: true })).waiting).toEqual(["go"]);
      await new Checkpoints(storage, { workflowId: to }).signal("go", to);
      expect(await (await workflow().start({ resume: true })).output()).toBe(to);
    }
  });

  it("wakes it while another branch of the parent still runs", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const notes = new Notebook();
    const sent = gateOf();
    const child = new DotFlow({ workflowId: "child" });
    child.task.add(notes.step("wait", async (_previous, step) => step.waitFor("go")));
    const parent = new DotFlow({ workflowId: "parent", storage, clock });
    const done = gateOf();
    parent.task.add(child).add(notes.step("after", () => done.open()));
    parent.task.add(
      notes.step("long", async () => {
        await sent.opened;
        await parent.checkpoints.signal("go", 1);
        await done.opened;
      }),
      { groupName: "other" },
    );
    const running = parent.start({ mode: "sequential_group" });
    running.catch(() => {});
    await clock.advance("1s");
    sent.open();
    expect((await whileAdvancing(clock, running)).status).toBe("completed");
    expect(notes.called()).toContain("after");
  });

  it("ends a wait in place", async () => {
    const clock = manualClock();
    const storage = new StorageMemory();
    const parent = waitingParent(storage, undefined, clock);
    const running = parent.start({ wait: true, mode: "background" });
    const handle = await running;
    await clock.advance("10s");
    await parent.checkpoints.signal("go", 3);
    expect(await (await whileAdvancing(clock, handle.result())).output()).toBe(3);
  });

  it("survives every crash between its taking and its arrival", async () => {
    // The first step of the parent sends it; where a crash makes it send it again, the second one is left over.
    const make = (storage: Storage): DotFlow => {
      const checkpoints = new Checkpoints(storage, { workflowId: "parent" });
      return waitingParent(storage, async () => checkpoints.signal("go", "the payload"));
    };
    const report = await crashTest(make, { twice: false });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(30);
  });
});

it("wakes a workflow that sleeps within while another branch runs", async () => {
  const clock = manualClock();
  const notes = new Notebook();
  const child = new DotFlow({ workflowId: "child" });
  child.task.add(notes.step("sleep", async (_previous, step) => step.sleep("10s")));
  const parent = new DotFlow({ workflowId: "parent", storage: new StorageMemory(), clock });
  parent.task.add(child);
  parent.task.add(notes.step("long", async () => new Promise<void>((resolve) => clock.timer(60_000, resolve))));
  const result = await whileAdvancing(clock, parent.start({ mode: "parallel" }));
  expect(statusesOf(result)).toBe("child completed, long completed");
});

/** A step, and a workflow behind it that waits for the signal "go". */
function waitingParent(storage: Storage, first: () => unknown = () => 1, clock = manualClock()): DotFlow {
  const child = new DotFlow({ workflowId: "child" });
  child.task.add(action({ name: "wait" }, async (_previous, step) => step.waitFor("go")));
  const parent = new DotFlow({ workflowId: "parent", storage, clock });
  parent.task.add(action({ name: "first" }, async () => first())).add(child);
  return parent;
}

function statusesOf({ tasks }: RunResult): string {
  return tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
}

function fail(what: string): never {
  throw new Error(`${what} fails`);
}
