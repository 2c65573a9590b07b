// Snapshots: named from within a step and from outside, and runs that begin where one stood.
import { describe, expect, it } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type DotFlowOptions,
  type StartOptions,
  type StepContext,
  type Storage,
} from "dotflow";
import { StorageMemory } from "dotflow/storage/memory";
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf } from "../guarantees/time.ts";
import { eachStorage, keysOf } from "../storages.ts";

type Mode = NonNullable<StartOptions["mode"]>;
const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

describe("snapshots", () => {
  eachStorage((_name, open) => {
    it("a new run begins where the snapshot stood, and the old one stays as it was", async () => {
      const notes = new Notebook();
      const make = (): DotFlow => chain({ storage: open() }, notes);
      const first = await make().start();
      expect(notes.called()).toEqual(["one", "two", "three"]);
      const { checkpoints } = make();
      expect(await checkpoints.snapshots()).toMatchObject([
        { id: "after two", runId: first.runId, completed: ["one", "two"], metadata: { rows: 7n } },
      ]);
      const restored = await checkpoints.restore("after two");
      expect(restored).not.toBe(first.runId);
      expect(await checkpoints.info()).toMatchObject({ runId: restored, completed: ["one", "two"] });
      const second = await make().start({ resume: true });
      expect(second).toMatchObject({ runId: restored, status: "completed", restored: 2 });
      expect(notes.called()).toEqual(["three"]);
      expect(await second.output()).toBe("one two three");
      expect((await checkpoints.runs()).map(({ runId, previousRunId }) => [runId, previousRunId])).toEqual([
        [restored, first.runId],
        [first.runId, undefined],
      ]);
      expect((await checkpoints.read("three", { runId: first.runId })).storage).toBe("one two three");
      expect(await checkpoints.verify()).toEqual([]);
    });

    it("is taken from outside of a run that is suspended, and goes on from there", async () => {
      const notes = new Notebook();
      const make = (): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage: open() });
        workflow.task.add(notes.step("one", () => 1));
        workflow.task.add(notes.step("ask", (_, step) => step.waitFor("go")));
        return workflow;
      };
      await make().start();
      await make().checkpoints.snapshot({ id: "before", metadata: "by hand" });
      await make().checkpoints.signal("go", "first");
      expect(await (await make().start({ resume: true })).output()).toBe("first");
      notes.called();
      await make().checkpoints.restore("before");
      // The signal belongs to the run that it was sent to.
      expect(await make().start({ resume: true })).toMatchObject({ status: "suspended", restored: 1 });
      await make().checkpoints.signal("go", "second");
      expect(await (await make().start({ resume: true })).output()).toBe("second");
      expect(notes.called()).toEqual(["ask", "ask"]);
    });
  });

  describe("in every mode", () => {
    it.each(modes)("mode %s: asked for in one branch, while the other one is in flight", async (mode) => {
      const notes = new Notebook();
      const storage = new StorageMemory();
      const { opened, open } = gateOf();
      const make = (hold: Promise<void>): DotFlow => branches({ storage }, notes, mode, hold);
      const ended = make(opened).start({ mode });
      await expect.poll(async () => (await make(opened).checkpoints.snapshots()).length).toBe(1);
      const [snapshot] = await make(opened).checkpoints.snapshots();
      open();
      const first = await ended;
      expect(first.status).toBe("completed");
      notes.called();
      await make(opened).checkpoints.restore("left is done");
      const result = await make(opened).start({ mode, resume: true });
      expect(result.status).toBe("completed");
      const completed = [...(snapshot?.completed ?? [])];
      expect(completed).toContain("left");
      expect(completed).not.toContain("right");
      const others = ["left", "right", "join"].filter((id) => !completed.includes(id));
      expect(notes.called().toSorted()).toEqual(others.toSorted());
      expect(await result.output()).toEqual(await first.output());
    });
  });

  describe("several", () => {
    it("in one step, in one run: each stands where it was asked for", async () => {
      const notes = new Notebook();
      const storage = new StorageMemory();
      const workflow = new DotFlow({ workflowId: "job", storage });
      for (const name of ["a", "b", "c"])
        workflow.task.add(
          notes.step(name, (_, step) => {
            step.checkpoint({ id: `${name} 1` });
            step.checkpoint({ id: `${name} 2`, metadata: [name] });
          }),
        );
      await workflow.start();
      const snapshots = await workflow.checkpoints.snapshots();
      expect(snapshots.map(({ id }) => id)).toEqual(["c 2", "c 1", "b 2", "b 1", "a 2", "a 1"]);
      expect(snapshots.map(({ completed }) => completed.length)).toEqual([3, 3, 2, 2, 1, 1]);
      for (const [id, rest] of [
        ["a 2", ["b", "c"]],
        ["c 1", []],
        ["b 1", ["c"]],
        ["a 1", ["b", "c"]],
      ] as const) {
        notes.called();
        await workflow.checkpoints.restore(id);
        expect((await workflow.start({ resume: true })).status).toBe("completed");
        expect(notes.called()).toEqual(rest);
      }
    });

    it("of equal ids the newest counts, also within a moment", async () => {
      const clock = manualClock();
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", clock, storage: listingSorted() });
      const names = Array.from({ length: 8 }, (_, index) => `step${index}`);
      for (const name of names) workflow.task.add(notes.step(name, (_, step) => step.checkpoint({ id: "latest" })));
      await workflow.start();
      expect((await workflow.checkpoints.snapshots()).map(({ completed }) => completed.length)).toEqual([
        8, 7, 6, 5, 4, 3, 2, 1,
      ]);
      await workflow.checkpoints.restore("latest");
      expect(await workflow.start({ resume: true })).toMatchObject({ restored: 8 });
      for (let number = 0; number < 8; number++)
        await workflow.checkpoints.snapshot({ id: "by hand", metadata: number });
      const byHand = (await workflow.checkpoints.snapshots()).filter(({ id }) => id === "by hand");
      expect(byHand.map(({ metadata }) => metadata)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    });

    it("one taken after a resume is newer than those before it, also where the clock was set back", async () => {
      const clock = manualClock();
      let broken = true;
      const workflow = new DotFlow({ workflowId: "job", clock, storage: listingSorted() });
      workflow.task.add(plain("one", async (step) => step.checkpoint({ id: "latest" })));
      workflow.task.add(
        plain("two", async (step) => {
          if (broken) throw new Error("no");
          step.checkpoint({ id: "latest" });
        }),
      );
      await workflow.start();
      clock.jump(-3_600_000);
      broken = false;
      await workflow.start({ resume: true });
      const [newest] = await workflow.checkpoints.snapshots();
      expect(newest?.completed).toEqual(["one", "two"]);
    });

    it("in a loop: a run begins after the iteration that asked for it, as often as one likes", async () => {
      const iterations: number[] = [];
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(
        action({ name: "count" }, async (previous: Context<number | null>, step: StepContext) => {
          iterations.push(step.iteration);
          const sum = (previous.storage ?? 0) + step.iteration;
          step.checkpoint({ id: `iteration ${step.iteration}`, metadata: sum });
          return step.iteration < 5 ? step.again(sum) : sum;
        }),
      );
      expect(await (await workflow.start()).output()).toBe(15);
      for (const from of [2, 4, 2, 5]) {
        iterations.splice(0);
        await workflow.checkpoints.restore(`iteration ${from}`);
        expect(await (await workflow.start({ resume: true })).output()).toBe(15);
        expect(iterations).toEqual([1, 2, 3, 4, 5].slice(from));
      }
    });
  });

  describe("what is under way", () => {
    it("a loop in another branch goes on after the iteration it had come to", async () => {
      const calls: string[] = [];
      let snapshotted = gateOf();
      const storage = new StorageMemory();
      const workflow = loopBeside(storage, calls, () => snapshotted);
      const ended = workflow.start();
      await expect.poll(async () => (await workflow.checkpoints.snapshots()).length).toBe(1);
      snapshotted.open();
      expect((await ended).status).toBe("completed");
      calls.splice(0);
      snapshotted = gateOf();
      snapshotted.open();
      await workflow.checkpoints.restore("beside");
      const result = await loopBeside(storage, calls, () => snapshotted).start({ resume: true });
      expect(calls).toEqual(["loop 4", "loop 5", "loop 6"]);
      expect((await result.context("loop")).storage).toBe(6);
    });

    it("a snapshot of a run that was restored itself knows the iterations of the one before", async () => {
      const calls: string[] = [];
      const storage = new StorageMemory();
      let gate = gateOf();
      const workflow = loopBeside(storage, calls, () => gate);
      const ended = workflow.start();
      await expect.poll(async () => (await workflow.checkpoints.snapshots()).length).toBe(1);
      gate.open();
      await ended;
      // `beside` runs again in the new run, while the loop is held in its first iteration there.
      gate = gateOf();
      await workflow.checkpoints.restore("beside");
      await workflow.checkpoints.snapshot({ id: "again" });
      const second = loopBeside(storage, calls, () => gate, ["beside", "late"]).start({ resume: true });
      await expect
        .poll(async () => (await workflow.checkpoints.snapshots()).filter(({ id }) => id === "late").length)
        .toBe(1);
      gate.open();
      await second;
      for (const id of ["again", "late"]) {
        calls.splice(0);
        await workflow.checkpoints.restore(id);
        await loopBeside(storage, calls, () => gate, ["beside", "late"]).start({ resume: true });
        expect(calls.filter((call) => call.startsWith("loop"))).toEqual(["loop 4", "loop 5", "loop 6"]);
      }
    });

    it.each(["loop", "map"] as const)("a %s that was interrupted and has not begun again yet", async (kind) => {
      const calls: string[] = [];
      let broken = true;
      const storage = new StorageMemory();
      const make = (): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage });
        workflow.task.add(
          plain("first", async (step) => {
            if (broken) throw new Error("not yet");
            step.checkpoint({ id: "first" });
          }),
        );
        if (kind === "loop")
          workflow.task.add(
            action({ name: "work" }, async (previous: Context<number | null>, step: StepContext) => {
              calls.push(`${step.iteration}`);
              if (step.iteration === 3 && broken) throw new Error("not yet");
              return step.iteration < 4 ? step.again(step.iteration) : previous.storage;
            }),
          );
        else
          workflow.task.map(
            action({ name: "work" }, async (item: Context<number>) => {
              calls.push(`${item.storage}`);
              if (item.storage === 3 && broken) throw new Error("not yet");
              return item.storage;
            }),
            { over: () => [1, 2, 3, 4] },
          );
        return workflow;
      };
      const options = { mode: "parallel", concurrency: 1 } as const;
      expect((await make().start(options)).status).toBe("failed");
      broken = false;
      expect((await make().start({ ...options, resume: true })).status).toBe("completed");
      await make().checkpoints.restore("first");
      calls.splice(0);
      expect((await make().start({ ...options, resume: true })).status).toBe("completed");
      // Of the map the items after the snapshot are there as well: they were made from the same items.
      expect(calls).toEqual(kind === "loop" ? ["3", "4"] : []);
    });

    it("a map in another branch keeps the items that it had, and a waiting one too", async () => {
      const storage = new StorageMemory();
      const calls: string[] = [];
      const make = (): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage });
        workflow.task.map(
          action({ name: "ask" }, async (item: Context<string>, step: StepContext) => {
            calls.push(item.storage);
            return item.storage === "c" ? step.waitFor("c") : item.storage;
          }),
          { over: () => ["a", "b", "c"] },
        );
        workflow.task.add(
          plain("late", async (step) => {
            await new Promise((resolve) => setTimeout(resolve, 50));
            step.checkpoint({ id: "late" });
          }),
        );
        return workflow;
      };
      expect(await make().start({ mode: "parallel" })).toMatchObject({ status: "suspended" });
      expect(calls.splice(0)).toEqual(["a", "b", "c"]);
      await make().checkpoints.restore("late");
      await make().checkpoints.signal("c", "came");
      const result = await make().start({ mode: "parallel", resume: true });
      expect((await result.context("ask")).storage).toEqual(["a", "b", "came"]);
      expect(calls).toEqual(["c"]);
    });

    it("what a step did once is its own: a step that the snapshot does not have begins anew", async () => {
      let calls = 0;
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(plain("one", async (step) => step.checkpoint({ id: "one" })));
      workflow.task.add(plain("two", async (step) => step.once("call", () => ++calls)));
      await workflow.start();
      await workflow.checkpoints.restore("one");
      expect(await (await workflow.start({ resume: true })).output()).toBe(2);
    });

    it("the shared state is that of the snapshot", async () => {
      const storage = new StorageMemory();
      const make = (last: number): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage });
        for (const number of [1, 2, 3])
          workflow.task.add(
            plain(`add ${number}`, async (step) => {
              step.state.set("sum", (step.state.get<number>("sum") ?? 0) + (number === 3 ? last : number));
              step.checkpoint({ id: `after ${number}` });
              return step.state.get("sum");
            }),
          );
        return workflow;
      };
      expect(await (await make(3).start()).output()).toBe(6);
      await make(3).checkpoints.restore("after 2");
      expect(await (await make(30).start({ resume: true })).output()).toBe(33);
      await make(3).checkpoints.restore("after 1");
      expect(await (await make(300).start({ resume: true })).output()).toBe(303);
    });

    it("what a condition has skipped stays so", async () => {
      let wanted = false;
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(
        notes.step("maybe", () => 1),
        { when: () => wanted },
      );
      workflow.task.add(plain("mark", async (step) => step.checkpoint({ id: "mark" })));
      workflow.task.add(notes.step("last", () => "last"));
      await workflow.start({ mode: "parallel", concurrency: 1 });
      expect(notes.called()).toEqual(["last"]);
      wanted = true;
      await workflow.checkpoints.restore("mark");
      const result = await workflow.start({ mode: "parallel", resume: true });
      expect(result.tasks.map(({ status }) => status)).toEqual(["skipped", "restored", "completed"]);
    });
  });

  describe("a failure", () => {
    it("of the step that asked for it leaves none, and so does the attempt that failed", async () => {
      let attempts = 0;
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(
        action({ name: "flaky", retry: 2, retryDelay: 0 }, async (_: Context, step: StepContext) => {
          step.checkpoint({ id: `attempt ${++attempts}` });
          if (attempts === 1) throw new Error("no");
        }),
      );
      workflow.task.add(
        plain("broken", async (step) => {
          step.checkpoint({ id: "never" });
          throw new Error("no");
        }),
      );
      await workflow.start();
      expect((await workflow.checkpoints.snapshots()).map(({ id }) => id)).toEqual(["attempt 2"]);
    });

    it("behind it, under keepGoing, none is made", async () => {
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(plain("broken", async () => Promise.reject(new Error("no"))));
      workflow.task.add(plain("after", async (step) => step.checkpoint({ id: "after" })));
      await workflow.start({ keepGoing: true });
      expect(await workflow.checkpoints.snapshots()).toEqual([]);
    });

    it("of the storage ends the run; the step runs again, and asks again", async () => {
      const memory = new StorageMemory();
      const notes = new Notebook();
      const faults = [{ key: /\/snapshots\//, operation: "create" as const, kind: "fail" as const }];
      await expect(chain({ storage: faultyStorage(memory, { faults }) }, notes).start()).rejects.toMatchObject({
        code: "STORAGE",
      });
      expect(notes.called()).toEqual(["one", "two"]);
      const { checkpoints } = chain({ storage: memory }, notes);
      expect(await checkpoints.snapshots()).toEqual([]);
      expect((await chain({ storage: memory }, notes).start({ resume: true })).status).toBe("completed");
      expect(notes.called()).toEqual(["two", "three"]);
      expect(await checkpoints.snapshots()).toHaveLength(1);
    });

    it("anywhere leaves only snapshots that can be restored", async () => {
      const report = await crashTest(
        async (storage, start) => {
          const notes = new Notebook();
          const workflow = chain({ storage }, notes);
          if (start === 1) return workflow;
          for (const { id } of await workflow.checkpoints.snapshots()) {
            // What is named is there: its values can be read.
            const [snapshot] = await workflow.checkpoints.snapshots();
            for (const taskId of snapshot?.completed ?? [])
              expect((await workflow.checkpoints.read(taskId, { runId: snapshot?.runId ?? "" })).storage).toBeDefined();
            expect(id).toBe("after two");
          }
          return workflow;
        },
        { twice: false },
      );
      expect(report.problems).toEqual([]);
    });
  });

  describe("what is refused", () => {
    it("ids and options that make no sense, ids that are not there, and what is live", async () => {
      const workflow = new DotFlow({ workflowId: "job" });
      const { opened, open } = gateOf();
      let kept: StepContext | undefined;
      workflow.task.add(
        plain("one", async (step) => {
          kept = step;
          for (const wrong of [{ id: "" }, { id: 1 }, {}, { id: "x", meta: 1 }])
            expect(() => step.checkpoint(wrong as { id: string })).toThrow(
              expect.objectContaining({ code: "INVALID_WORKFLOW" }),
            );
          expect(() => step.checkpoint({ id: "x", metadata: () => 1 })).toThrow(
            expect.objectContaining({ code: "SERIALIZATION" }),
          );
          await opened;
        }),
      );
      const { checkpoints } = workflow;
      await expect(checkpoints.snapshot({ id: "x" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
      const ended = workflow.start();
      await expect.poll(() => kept).toBeDefined();
      await checkpoints.snapshot({ id: "live" });
      await expect(checkpoints.restore("live")).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
      open();
      await ended;
      await expect(checkpoints.restore("nowhere")).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
      await expect(checkpoints.snapshot({ id: "" })).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
      await expect(checkpoints.snapshot({ id: "x", metadata: Symbol("x") })).rejects.toMatchObject({
        code: "SERIALIZATION",
      });
      expect(() => kept?.checkpoint({ id: "late" })).toThrow(expect.objectContaining({ code: "INVALID_WORKFLOW" }));
      expect((await checkpoints.snapshots()).map(({ id }) => id)).toEqual(["live"]);
      await checkpoints.restore("live");
      expect(await workflow.start({ resume: true })).toMatchObject({ restored: 0, succeeded: 1 });
    });

    it("a changed workflow is found after a restore as after any other run", async () => {
      const storage = new StorageMemory();
      const notes = new Notebook();
      await chain({ storage }, notes).start();
      await chain({ storage }, notes).checkpoints.restore("after two");
      const changed = (): DotFlow => chain({ storage }, notes, { version: 2 });
      await expect(changed().start({ resume: true })).rejects.toMatchObject({ code: "WORKFLOW_CHANGED" });
      notes.called();
      expect((await changed().start({ resume: true, onChange: "rerun" })).status).toBe("completed");
      expect(notes.called()).toEqual(["two", "three"]);
    });

    it("names of any kind stay apart", async () => {
      const names = ["a/b", "a_b", "A", "a", "..", "é", "x".repeat(300), `${"x".repeat(299)}y`];
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(plain("one", async (step) => names.forEach((id) => step.checkpoint({ id, metadata: id }))));
      await workflow.start();
      const snapshots = await workflow.checkpoints.snapshots();
      expect(snapshots.map(({ id }) => id).toSorted()).toEqual(names.toSorted());
      for (const { id, metadata } of snapshots) expect(metadata).toBe(id);
      for (const id of names) await workflow.checkpoints.restore(id);
    });
  });

  describe("removal", () => {
    it("clear, and prune of its run, take a snapshot with them; a restored run keeps what it rests on", async () => {
      const storage = new StorageMemory();
      const notes = new Notebook();
      const make = (): DotFlow => chain({ storage }, notes);
      await make().start();
      const { checkpoints } = make();
      await checkpoints.restore("after two");
      expect(await checkpoints.prune({ keep: 1 })).toBe(0);
      expect(await (await make().start({ resume: true })).output()).toBe("one two three");
      expect(await checkpoints.prune({ keep: 1 })).toBe(0);
      await make().start();
      await make().start();
      expect(await checkpoints.prune({ keep: 1 })).toBe(3);
      expect(await checkpoints.snapshots()).toHaveLength(1);
      await checkpoints.restore("after two");
      expect(await make().start({ resume: true })).toMatchObject({ restored: 2 });
      expect(await checkpoints.verify()).toEqual([]);
      await checkpoints.clear();
      expect(await checkpoints.snapshots()).toEqual([]);
      expect(await keysOf(storage)).toEqual([]);
    });

    it("retention removes the snapshots of the runs that it removes, and leaves others", async () => {
      const storage = new StorageMemory();
      const notes = new Notebook();
      const make = (): DotFlow => chain({ storage, retention: { maxRuns: 2 } }, notes);
      for (let run = 0; run < 4; run++) await make().start();
      const { checkpoints } = make();
      const runs = (await checkpoints.runs()).map(({ runId }) => runId);
      expect((await checkpoints.snapshots()).map(({ runId }) => runId)).toEqual(runs);
      await checkpoints.restore("after two");
      expect(await (await make().start({ resume: true })).output()).toBe("one two three");
      expect(await checkpoints.verify()).toEqual([]);
    });

    it("a run that is removed when it succeeds takes its snapshots with it", async () => {
      const storage = new StorageMemory();
      const workflow = chain({ storage, retention: { onSuccess: "delete" } }, new Notebook());
      await workflow.start();
      expect(await workflow.checkpoints.snapshots()).toEqual([]);
    });
  });
});

/** A storage that lists keys in the order of their names, as most do, and not in that of their writing. */
function listingSorted(): Storage {
  const memory = new StorageMemory();
  return {
    durable: false,
    get: (key) => memory.get(key),
    put: (key, value) => memory.put(key, value),
    create: (key, value) => memory.create(key, value),
    delete: (key) => memory.delete(key),
    async *list(prefix) {
      yield* await keysOf(memory, prefix);
    },
  };
}

function plain(name: string, body: (step: StepContext) => Promise<unknown>) {
  return action({ name }, (_previous: Context, step: StepContext) => body(step));
}

/** Three steps in a row; the second one asks for a snapshot. */
function chain(options: DotFlowOptions, notes: Notebook, two: { version?: number } = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  workflow.task.add(notes.step("one", () => "one"));
  const snapshot = notes.step(
    "two",
    (previous, step) => {
      step.checkpoint({ id: "after two", metadata: { rows: 7n } });
      return `${String(previous)} two`;
    },
    two,
  );
  workflow.task.add(snapshot);
  workflow.task.add(notes.step("three", (previous) => `${String(previous)} three`));
  return workflow;
}

/** Two branches, the second of which is held until told otherwise, and a join where the mode has one. */
function branches(options: DotFlowOptions, notes: Notebook, mode: Mode, hold: Promise<void>): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  const left = workflow.task.add(
    notes.step("left", (_, step) => (step.checkpoint({ id: "left is done" }), "left")),
    { id: "left", groupName: "left" },
  );
  const right = workflow.task.add(
    notes.step("right", async () => (await hold, "right")),
    { id: "right", groupName: "right" },
  );
  const join = notes.step("join", (previous) => previous);
  if (mode === "graph") workflow.task.add(join, { id: "join", after: [left, right] });
  else workflow.task.add(join, { id: "join", groupName: "right" });
  return workflow;
}

/** A loop of six that is held in its fourth iteration, and steps beside it, each of which asks for a snapshot of its name. */
function loopBeside(
  storage: StorageMemory,
  calls: string[],
  gate: () => { opened: Promise<void> },
  names: readonly string[] = ["beside"],
): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const reached = gateOf();
  workflow.task.add(
    action({ name: "loop" }, async (previous: Context<number | null>, step: StepContext) => {
      calls.push(`loop ${step.iteration}`);
      if (step.iteration === 4) {
        reached.open();
        await gate().opened;
      }
      const next = (previous.storage ?? 0) + 1;
      return next < 6 ? step.again(next) : next;
    }),
    { id: "loop", groupName: "loop" },
  );
  for (const name of names)
    workflow.task.add(
      plain(name, async (step) => {
        await reached.opened;
        step.checkpoint({ id: name });
      }),
      { id: name, groupName: "beside" },
    );
  return workflow;
}
