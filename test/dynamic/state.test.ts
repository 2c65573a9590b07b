// `step.state`: shared by the steps of a run, committed with their records, and never applied twice.
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
} from "dotflow";
import { crashTest, faultyStorage } from "dotflow/testing";
import { eachStorage } from "../storages.ts";

const modes = ["sequential", "sequential_group", "graph"] as const;
type Step = (step: StepContext, previous: unknown) => unknown;

/** A workflow of the steps that are given, in their order. */
function flow(storage: Storage, steps: Readonly<Record<string, Step>>, options: { retry?: number } = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  for (const [name, work] of Object.entries(steps)) {
    const call = (previous: Context, step: StepContext): unknown => work(step, previous.storage);
    workflow.task.add(action({ name, retryDelay: 0, ...options }, call));
  }
  return workflow;
}

const start = (workflow: DotFlow, options: StartOptions = {}): Promise<RunResult> =>
  workflow.start({ resume: true, ...options }) as Promise<RunResult>;
/** Adds one to a number of the state. */
const add =
  (key: string) =>
  (step: StepContext): void =>
    step.state.set(key, (step.state.get<number>(key) ?? 0) + 1);
const get =
  (key: string) =>
  (step: StepContext): unknown =>
    step.state.get(key);
const stop = (): never => {
  throw new Error("stop");
};

describe("step.state", () => {
  eachStorage((_name, open) => {
    it("is what the completed steps made of it, live and resumed, and each change is applied once", async () => {
      let stops = true;
      const make = (): DotFlow =>
        flow(open(), {
          a: (step) => {
            add("count")(step);
            step.state.set("gone", 1);
            step.state.set("when", new Date(0));
          },
          b: (step) => {
            add("count")(step);
            step.state.delete("gone");
          },
          c: (step) => {
            add("count")(step);
            if (stops) stop();
          },
          d: (step) => ["count", "gone", "when", "never"].map((key) => step.state.get(key)),
        });
      for (let times = 0; times < 3; times++) expect((await start(make())).status).toBe("failed");
      stops = false;
      expect(await (await start(make())).output()).toEqual([3, undefined, new Date(0), undefined]);
    });
  });

  it.each(modes)("is the same after every crash, in the mode %s", async (mode) => {
    const make = (storage: Storage): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const count = action({ name: "count" }, (_: Context, step: StepContext) => add("count")(step));
      const loop = action({ name: "loop" }, (_: Context, step: StepContext) => {
        add("count")(step);
        return step.iteration < 2 ? step.again(null) : ["x", "y"];
      });
      const item = action({ name: "item" }, ({ storage: key }: Context, step: StepContext) => add(String(key))(step));
      const last = action({ name: "last" }, (_: Context, step: StepContext) =>
        ["count", "x", "y"].map((key) => step.state.get(key)),
      );
      const counted = workflow.task.add(count, { groupName: "x" });
      const looped = workflow.task.add(loop, { groupName: "x", ...(mode === "graph" && { after: counted }) });
      const mapped = workflow.task.map(item, {
        groupName: "x",
        over: () => ["x", "y"],
        ...(mode === "graph" && { after: looped }),
      });
      workflow.task.add(last, { groupName: "x", ...(mode === "graph" && { after: mapped }) });
      return workflow;
    };
    const report = await crashTest(make, { start: { mode }, twice: false });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(40);
    const result = await start(make(new StorageMemory()), { mode });
    expect(await result.output()).toEqual([3, 1, 1]);
  });

  it("loses the changes of an attempt that failed, or was cut off by its time", async () => {
    const workflow = new DotFlow({ workflowId: "job" });
    const work = action(
      { name: "work", retry: 3, retryDelay: 0, timeout: 20 },
      async (_: Context, step: StepContext) => {
        add("count")(step);
        if (step.attempt === 1) throw new Error("fails");
        if (step.attempt === 2) await new Promise(() => {});
        return step.state.get("count");
      },
    );
    workflow.task.add(work).add(action({ name: "look" }, (_: Context, step: StepContext) => step.state.get("count")));
    const result = await workflow.start();
    expect((await result.context("work")).storage).toBe(1);
    expect(await result.output()).toBe(1);
  });

  it("shows the changes of a task that failed to nobody, also under keepGoing", async () => {
    const workflow = flow(new StorageMemory(), {
      broken: (step) => {
        step.state.set("by", "broken");
        stop();
      },
      // What follows from a failure is not recorded, so nor are its changes.
      behind: (step) => {
        const seen = step.state.get("by");
        step.state.set("by", "behind");
        return seen;
      },
      last: get("by"),
    });
    const result = await start(workflow, { keepGoing: true });
    expect((await result.context("behind")).storage).toBeUndefined();
    expect((await result.context("last")).storage).toBeUndefined();
  });

  it("shows a loop its own changes, also where nothing of it is recorded", async () => {
    const loop: Step = (step) => {
      add("count")(step);
      return step.iteration < 3 ? step.again(null) : step.state.get("count");
    };
    const sound = await start(flow(new StorageMemory(), { loop, look: get("count") }));
    expect(await sound.output()).toBe(3);
    const behind = await start(flow(new StorageMemory(), { broken: stop, loop, look: get("count") }), {
      keepGoing: true,
    });
    expect((await behind.context("loop")).storage).toBe(3);
    expect((await behind.context("look")).storage).toBeUndefined();
  });

  it("keeps what the iterations changed that are saved, and loses that of the one that failed", async () => {
    const storage = new StorageMemory();
    let stage = 0;
    const make = (): DotFlow =>
      flow(storage, {
        loop: (step) => {
          add("count")(step);
          step.state.set(`iteration ${step.iteration}`, true);
          if (stage === 0 && step.iteration === 3) stop();
          return step.iteration < 4 ? step.again(null) : null;
        },
        look: (step) => {
          if (stage === 1) stop();
          return ["count", "iteration 1", "iteration 3", "iteration 4"].map((key) => step.state.get(key));
        },
      });
    // In the third start only the record of the whole loop is read.
    for (; stage < 2; stage++) expect((await start(make())).status).toBe("failed");
    expect(await (await start(make())).output()).toEqual([4, true, true, true]);
  });

  it("shows what an iteration has committed to the tasks beside the loop, live and resumed", async () => {
    const storage = new StorageMemory();
    const seen: unknown[] = [];
    const make = (): DotFlow => {
      let begin = (): void => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      return flow(storage, {
        beside: async (step) => {
          // Added first, so that it begins before the loop does.
          seen.push(step.state.get("x"));
          await begun;
          seen.push(step.state.get("x"));
          stop();
        },
        loop: (step) => {
          if (step.iteration === 1) step.state.set("x", "of iteration 1");
          if (step.iteration === 1) return step.again(null);
          begin();
          return stop();
        },
      });
    };
    await start(make(), { mode: "parallel" });
    expect(seen.splice(0)).toEqual([undefined, "of iteration 1"]);
    await start(make(), { mode: "parallel" });
    expect(seen).toEqual(["of iteration 1", "of iteration 1"]);
  });

  it("keeps what the items changed that are saved, though the map failed", async () => {
    const storage = new StorageMemory();
    let fails = true;
    const make = (): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const item = action({ name: "item" }, ({ storage: key }: Context<string>, step: StepContext) => {
        step.state.set(key, step.state.get("a") === undefined ? "first" : "later");
        if (fails && key === "b") stop();
      });
      workflow.task.map(item, { over: () => ["a", "b"], concurrency: 1 });
      const look = action({ name: "look" }, (_: Context, step: StepContext) => [
        step.state.get("a"),
        step.state.get("b"),
      ]);
      workflow.task.add(look);
      return workflow;
    };
    await start(make());
    fails = false;
    expect(await (await start(make())).output()).toEqual(["first", "later"]);
    // The record of the whole has the changes of all items: what follows finds them also when it runs alone.
    expect(await (await start(make(), { from: "look" })).output()).toEqual(["first", "later"]);
  });

  it("gives what the step that completed last has set, live and resumed, whichever record is read first", async () => {
    const storage = new StorageMemory();
    let release = (): void => {};
    let stops = true;
    const make = (): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const quickDone = new Promise<void>((resolve) => (release = resolve));
      const slow = action({ name: "a-slow" }, async (_: Context, step: StepContext) => {
        const before = step.state.get("by");
        await quickDone;
        // One that began earlier sees what was committed since.
        step.state.set("seen", [before, step.state.get("by")]);
        step.state.set("by", "slow");
      });
      const quick = action({ name: "b-quick" }, (_: Context, step: StepContext) => step.state.set("by", "quick"));
      const callback = (): void => release();
      const after = [workflow.task.add(slow), workflow.task.add(quick, { callback })];
      const last = action({ name: "last" }, (_: Context, step: StepContext) => {
        if (stops) stop();
        return [step.state.get("by"), step.state.get("seen")];
      });
      workflow.task.add(last, { after });
      return workflow;
    };
    expect((await start(make())).status).toBe("failed");
    stops = false;
    expect(await (await start(make())).output()).toEqual(["slow", [undefined, "quick"]]);
  });

  it("commits nothing before the record is written", async () => {
    const inside = new StorageMemory();
    const storage = faultyStorage(inside);
    storage.inject({ operation: "create", key: /steps\/a$/, kind: "hang" });
    const workflow = new DotFlow({ workflowId: "job", storage });
    const set = action({ name: "a" }, (_: Context, step: StepContext) => step.state.set("by", "a"));
    const look = action({ name: "b" }, async (_: Context, step: StepContext) => {
      await storage.untilHanging();
      const before = step.state.get("by");
      storage.release();
      return before;
    });
    workflow.task.add(set);
    workflow.task.add(look);
    const result = await workflow.start({ mode: "parallel" });
    expect((await result.context("b")).storage).toBeUndefined();
  });

  it("is that of the kept steps after from, and of the changed ones after rerun", async () => {
    const storage = new StorageMemory();
    const make = (version = 1): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const note = (name: string, options = {}) =>
        action({ name, ...options }, (_: Context, step: StepContext) => {
          const trace = [...(step.state.get<string[]>("trace") ?? []), `${name}${version > 1 ? version : ""}`];
          step.state.set("trace", trace);
          return trace;
        });
      workflow.task.add(note("a")).add(note("b", { version })).add(note("c"));
      return workflow;
    };
    expect(await (await start(make())).output()).toEqual(["a", "b", "c"]);
    expect(await (await start(make(), { from: "b" })).output()).toEqual(["a", "b", "c"]);
    expect(await (await start(make(2), { onChange: "rerun" })).output()).toEqual(["a", "b2", "c2"]);
    expect(await (await start(make(2), { from: "c" })).output()).toEqual(["a", "b2", "c2"]);
    expect(await (await start(make(2), { resume: false })).output()).toEqual(["a2", "b2", "c2"]);
  });

  it("is kept apart by workflow and by run", async () => {
    const storage = new StorageMemory();
    await start(flow(storage, { a: (step) => step.state.set("x", 1) }));
    const other = new DotFlow({ workflowId: "job-b", storage });
    other.task.add(action({ name: "a" }, (_: Context, step: StepContext) => step.state.get("x")));
    expect(await (await start(other)).output()).toBeUndefined();
    expect(await (await start(flow(storage, { a: get("x") }), { resume: false })).output()).toBeUndefined();
  });

  it("gives and takes copies", async () => {
    const workflow = flow(new StorageMemory(), {
      a: (step) => {
        const list = [1];
        step.state.set("list", list);
        list.push(2);
        step.state.get<number[]>("list")?.push(3);
        return step.state.get("list");
      },
      b: (step) => {
        step.state.get<number[]>("list")?.push(4);
        return step.state.get("list");
      },
    });
    const result = await start(workflow);
    expect((await result.context("a")).storage).toEqual([1]);
    expect(await result.output()).toEqual([1]);
  });

  it("tells a value from nothing, and takes any key", async () => {
    const keys = ["", "__proto__", "constructor", "ü", "k".repeat(1_000)];
    const storage = new StorageMemory();
    let stops = true;
    const make = (): DotFlow =>
      flow(storage, {
        a: (step) => {
          for (const key of keys) step.state.set(key, null);
          step.state.set("undefined", undefined);
        },
        b: (step) => {
          if (stops) stop();
          return [...keys, "undefined", "never"].map((key) => step.state.get(key));
        },
      });
    await start(make());
    stops = false;
    const { output } = { output: await (await start(make())).output() };
    expect(output).toEqual([...keys.map(() => null), undefined, undefined]);
  });

  it.each<[string, Step, string]>([
    ["a key that is no text", (step) => step.state.set(1 as never, 1), "the key 1"],
    ["a key that is no text, to read", (step) => step.state.get(undefined as never), "the key undefined"],
  ])("refuses %s", async (_, work, text) => {
    const result = await start(flow(new StorageMemory(), { work }));
    expect(result.tasks[0]?.errors[0]).toMatchObject({ code: "INVALID_WORKFLOW" });
    expect(result.tasks[0]?.errors[0]?.message).toContain(text);
  });

  it("fails a step at once that sets what can't be saved", async () => {
    const workflow = flow(new StorageMemory(), { work: (step) => step.state.set("x", () => {}) }, { retry: 3 });
    const result = await start(workflow);
    expect(result.tasks[0]).toMatchObject({ status: "failed", attempts: 1 });
    expect(result.tasks[0]?.errors[0]?.message).toContain('The value of "x" in step.state of "work"');
  });

  it("refuses changes when the attempt has ended", async () => {
    let kept: StepContext | undefined;
    const workflow = flow(new StorageMemory(), {
      work: (step) => {
        kept = step;
      },
    });
    await start(workflow);
    expect(() => kept?.state.set("x", 1)).toThrow("has ended");
    expect(() => kept?.state.delete("x")).toThrow("has ended");
  });

  it("costs runs that do not use it nothing", async () => {
    const storage = faultyStorage(new StorageMemory());
    let stops = true;
    const make = (work: Step): DotFlow => flow(storage, { a: work, b: () => 2, c: () => (stops ? stop() : 3) });
    await start(make(() => 1));
    stops = false;
    const before = storage.log.length;
    await start(make(() => 1));
    const read = storage.log
      .slice(before)
      .filter(({ operation, key }) => operation === "get" && key.includes("/steps/"));
    // The value that `c` takes, and nothing else.
    expect(read.map(({ key }) => key.split("/").at(-1))).toEqual(["b"]);
  });
});
