// `task.map`: each item has its record, fails alone, and is not executed again.
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type ItemsFailedError,
  type RunResult,
  type StartOptions,
  type StepContext,
  type Storage,
  StorageMemory,
} from "dotflow";
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { bundleOf } from "../bundle.ts";
import type { ManyItemsReport } from "../children/dynamic-many-items.ts";
import { type PlaceKind, placeKinds } from "../places.ts";
import { eachStorage, keysOf } from "../storages.ts";

const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

/** Items that were executed, and steps that give ten times their item. */
class Items {
  #called: unknown[] = [];
  readonly failing = new Set<unknown>();

  readonly step = action({ name: "times" }, async ({ storage: item }: Context<number>, _step: StepContext) => {
    this.#called.push(item);
    await Promise.resolve();
    if (this.failing.has(item)) throw new Error(`${item} fails`);
    return item * 10;
  });

  /** The items that were executed since the last time, sorted. */
  called(): unknown[] {
    return this.#called.splice(0).sort((a, b) => (String(a) < String(b) ? -1 : 1));
  }
}

const total = action({ name: "total" }, (previous: Context<(number | null)[]>) => previous.storage);
const counts = ({ tasks }: RunResult): unknown => tasks[0]?.items;
const flowOver = (storage: Storage): DotFlow => new DotFlow({ workflowId: "job", storage });

describe("task.map", () => {
  eachStorage((_name, open) => {
    it("executes only what failed when it is resumed, and hands on the outputs in the order of the items", async () => {
      const items = new Items();
      items.failing.add(2).add(4);
      const start = (): Promise<RunResult> => {
        const workflow = flowOver(open());
        workflow.task.map(items.step, { over: () => [5, 2, 3, 4, 1], concurrency: 2 });
        workflow.task.add(total);
        return workflow.start({ resume: true });
      };
      const first = await start();
      expect(first).toMatchObject({ status: "failed", failed: 1, skipped: 1 });
      expect(counts(first)).toEqual({ total: 5, completed: 3, restored: 0, failed: 2 });
      expect(items.called()).toEqual([1, 2, 3, 4, 5]);
      items.failing.delete(2);
      const second = await start();
      expect(counts(second)).toEqual({ total: 5, completed: 1, restored: 3, failed: 1 });
      expect(items.called()).toEqual([2, 4]);
      items.failing.clear();
      const third = await start();
      expect(items.called()).toEqual([4]);
      expect(await third.output()).toEqual([50, 20, 30, 40, 10]);
      const fourth = await start();
      expect(fourth).toMatchObject({ status: "completed", restored: 2 });
      expect(counts(fourth)).toBeUndefined();
      expect(await fourth.output()).toEqual([50, 20, 30, 40, 10]);
      expect((await fourth.context("times")).storage).toEqual([50, 20, 30, 40, 10]);
      expect(items.called()).toEqual([]);
    });

    it("takes over the items that are as they were when something before it changed", async () => {
      const items = new Items();
      const start = (version: number, list: readonly number[], options: StartOptions = {}): Promise<RunResult> => {
        const workflow = flowOver(open());
        workflow.task.add(action({ name: "list", version }, () => list));
        workflow.task.map(items.step, { key: (item) => `number ${item}` });
        return workflow.start({ resume: true, mode: "sequential", ...options }) as Promise<RunResult>;
      };
      expect(await (await start(1, [1, 2, 3])).output()).toEqual([10, 20, 30]);
      expect(items.called()).toEqual([1, 2, 3]);
      const second = await start(2, [3, 4, 1], { onChange: "rerun" });
      expect(items.called()).toEqual([4]);
      expect(second.tasks[1]?.items).toEqual({ total: 3, completed: 1, restored: 2, failed: 0 });
      expect(await second.output()).toEqual([30, 40, 10]);
      // Over two runs back, and read by a workflow that was made anew.
      expect(await (await start(3, [4, 2, 1], { onChange: "rerun" })).output()).toEqual([40, 20, 10]);
      expect(items.called()).toEqual([]);
      expect((await flowOver(open()).checkpoints.read("times")).storage).toEqual([40, 20, 10]);
    });
  });

  it.each(modes)("loses at most what was in flight in every crash, in the mode %s", async (mode) => {
    const make = (storage: Storage): DotFlow => {
      const workflow = flowOver(storage);
      const list = workflow.task.add(
        action({ name: "list" }, () => ["a", "b", "c"]),
        { groupName: "x" },
      );
      const upper = action({ name: "upper" }, ({ storage: item }: Context<string>, { state }: StepContext) => {
        state.set(`seen ${item}`, true);
        return item.toUpperCase();
      });
      const mapped = workflow.task.map(upper, {
        groupName: "x",
        id: "upper",
        concurrency: 2,
        over: (previous: Context<string[] | null>) => previous.storage ?? ["a", "b", "c"],
        ...(mode === "graph" ? { after: list } : {}),
      });
      const last = action({ name: "last" }, (previous: Context, step: StepContext) => [
        previous.storage,
        ...["a", "b", "c"].map((item) => (mode === "parallel" ? null : step.state.get(`seen ${item}`))),
      ]);
      workflow.task.add(last, { groupName: "x", ...(mode === "graph" ? { after: mapped } : {}) });
      return workflow;
    };
    const report = await crashTest(make, { start: { mode }, twice: false });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(30);
  });

  it("executes an item in flight again and no other one when the process dies", async () => {
    const inside = new StorageMemory();
    const items = new Items();
    const start = (storage: Storage): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(items.step, { over: () => [1, 2, 3, 4, 5], concurrency: 1 });
      return workflow.start({ resume: true, lock: "wait" });
    };
    const dead = faultyStorage(inside, { faults: [{ operation: "create", key: /items\//, at: 3, kind: "fail" }] });
    await expect(start(dead)).rejects.toMatchObject({ code: "STORAGE" });
    expect(items.called()).toEqual([1, 2, 3]);
    expect(await (await start(inside)).output()).toEqual([10, 20, 30, 40, 50]);
    expect(items.called()).toEqual([3, 4, 5]);
  });

  it("does not take the record of another item for its own when the list changed between two starts", async () => {
    const storage = new StorageMemory();
    const items = new Items();
    items.failing.add(3);
    const start = (list: readonly number[]): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(items.step, { over: () => list });
      return workflow.start({ resume: true });
    };
    await start([1, 2, 3]);
    items.called();
    items.failing.clear();
    // Without keys an item is known by its position, and by what it is.
    expect(await (await start([9, 2, 1, 3])).output()).toEqual([90, 20, 10, 30]);
    expect(items.called()).toEqual([1, 3, 9]);
  });

  it("does not hand what an item saved on its way to another one at its place", async () => {
    const storage = new StorageMemory();
    let fails = true;
    const step = action({ name: "step" }, async ({ storage: item }: Context<string>, own: StepContext) => {
      const made = await own.once("make", () => `made of ${item}`);
      if (fails) throw new Error("fails");
      return made;
    });
    const start = (list: readonly string[]): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(step, { over: () => list });
      return workflow.start({ resume: true });
    };
    await start(["a", "b"]);
    fails = false;
    expect(await (await start(["c", "b"])).output()).toEqual(["made of c", "made of b"]);
  });

  it("runs items again when the version of the step or the initial context differs", async () => {
    const storage = new StorageMemory();
    let calls = 0;
    const start = (version: number, initialContext: number): Promise<RunResult> => {
      const workflow = flowOver(storage);
      const step = action({ name: "step", version }, ({ storage: item }: Context<number>, own: StepContext<number>) => {
        calls++;
        return item * own.initial.storage;
      });
      workflow.task.map(step, { over: () => [1, 2], key: (item) => item });
      return workflow.start({ resume: true, onChange: "rerun", initialContext });
    };
    expect(await (await start(1, 10)).output()).toEqual([10, 20]);
    expect(await (await start(1, 100)).output()).toEqual([100, 200]);
    expect(await (await start(2, 100)).output()).toEqual([100, 200]);
    expect(calls).toBe(6);
    expect(await (await start(2, 100)).output()).toEqual([100, 200]);
    expect(calls).toBe(6);
  });

  it("runs every item again after from, and none after the record of the whole", async () => {
    const storage = new StorageMemory();
    const items = new Items();
    const start = (options: StartOptions): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(items.step, { over: () => [1, 2] });
      return workflow.start({ resume: true, ...options }) as Promise<RunResult>;
    };
    await start({});
    items.called();
    await start({});
    expect(items.called()).toEqual([]);
    expect(await (await start({ from: "times" })).output()).toEqual([10, 20]);
    expect(items.called()).toEqual([1, 2]);
  });

  describe("goes over", () => {
    const outputs = async (over: () => unknown, concurrency = 2): Promise<unknown> => {
      const workflow = flowOver(new StorageMemory());
      const same = action({ name: "same" }, (previous: Context) => previous.storage);
      // A list that no type describes is what a user without types may give.
      workflow.task.map(same, { over: over as () => unknown[], concurrency });
      return (await workflow.start()).output();
    };

    it.each<[string, () => unknown, unknown[]]>([
      ["an empty list", () => [], []],
      ["a Set", () => new Set([1, 2]), [1, 2]],
      ["a Map", () => new Map([["a", 1]]), [["a", 1]]],
      [
        "a generator",
        function* () {
          yield 1;
          yield 2;
        },
        [1, 2],
      ],
      [
        "an async generator",
        async function* () {
          yield 1;
          yield Promise.resolve(2);
        },
        [1, 2],
      ],
      ["a promise of a list", async () => [1, 2], [1, 2]],
      ["promises", () => [Promise.resolve(1), 2], [1, 2]],
      [
        "values that JSON has no form for",
        () => [undefined, null, new Date(0), 1n, 0],
        [undefined, null, new Date(0), 1n, 0],
      ],
      ["equal items", () => ["x", "x", "x"], ["x", "x", "x"]],
    ])("%s", async (_, over, expected) => {
      expect(await outputs(over)).toEqual(expected);
    });

    it.each([
      ["a number", () => 1, "its over gave 1"],
      ["a text", () => "abc", 'its over gave "abc"'],
      ["nothing", () => undefined, "its over gave undefined"],
    ])("no %s", async (_, over, text) => {
      await expect(outputs(over)).rejects.toThrow(text);
    });
  });

  it("goes over the previous value by default, and refuses one that is no list", async () => {
    const workflow = flowOver(new StorageMemory());
    workflow.task.add(
      action(function one() {
        return 1;
      }),
    );
    workflow.task.map(new Items().step);
    const result = await workflow.start();
    expect(result.tasks[1]).toMatchObject({ status: "failed", attempts: 0 });
    expect(result.tasks[1]?.errors[0]).toMatchObject({ code: "INVALID_WORKFLOW" });
    expect(result.tasks[1]?.errors[0]?.message).toContain("the previous value is 1");
  });

  it("keeps what was done when its source throws in the middle, and goes on from there", async () => {
    const storage = new StorageMemory();
    const items = new Items();
    let broken = true;
    let closed = 0;
    const start = (): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(items.step, {
        async *over() {
          try {
            yield* [1, 2, 3];
            if (broken) throw new Error("the listing broke off");
            yield 4;
          } finally {
            closed++;
          }
        },
        concurrency: 1,
      });
      return workflow.start({ resume: true });
    };
    const first = await start();
    expect(first.status).toBe("failed");
    expect(first.tasks[0]?.errors.at(-1)?.message).toBe("the listing broke off");
    expect(counts(first)).toEqual({ total: 3, completed: 3, restored: 0, failed: 0 });
    items.called();
    broken = false;
    expect(await (await start()).output()).toEqual([10, 20, 30, 40]);
    expect(items.called()).toEqual([4]);
    expect(closed).toBe(2);
  });

  describe("keys", () => {
    const failure = async (key: (item: number, index: number) => unknown): Promise<Error | undefined> => {
      const workflow = flowOver(new StorageMemory());
      workflow.task.map(new Items().step, { over: () => [1, 2, 3], key: key as () => string, concurrency: 1 });
      const result = await workflow.start();
      expect(result.status).toBe("failed");
      return result.tasks[0]?.errors.at(-1);
    };

    it.each([
      ["the same twice", () => "same", 'Two items of "times" have the key "same"'],
      ["1 and the text 1", (_: number, index: number) => [1, "1", 2][index], 'have the key "1"'],
      ["an empty text", () => "", 'The key of item 0 of "times" is ""'],
      ["no text", () => ({}), "is an object of Object"],
      ["no well-formed text", (item: number) => String.fromCharCode(0xd800 + item), "well-formed"],
    ])("refuses %s", async (_, key, text) => {
      const error = await failure(key);
      expect(error).toMatchObject({ code: "INVALID_WORKFLOW" });
      expect(error?.message).toContain(text);
    });

    it("fails with what the function throws", async () => {
      const error = await failure(() => {
        throw new Error("no key");
      });
      expect(error?.message).toBe("no key");
    });

    it("keeps apart what looks alike as the name of a file", async () => {
      const storage = new StorageMemory();
      const keys = ["a", "A", "x/y", "x_y", "..", ".", "con", "ü", "\u{1f389}", "k".repeat(500), `${"k".repeat(499)}l`];
      const start = (): Promise<RunResult> => {
        const workflow = flowOver(storage);
        const step = action({ name: "step" }, ({ storage: item }: Context<{ key: string }>) => item.key);
        workflow.task.map(step, { over: () => keys.map((key) => ({ key })), key: (item) => item.key });
        workflow.task.add(action({ name: "stop" }, () => Promise.reject(new Error("stop"))));
        return workflow.start({ resume: true });
      };
      await start();
      const result = await start();
      expect((await result.context("step")).storage).toEqual(keys);
      const saved = await keysOf(storage, `job/runs/${result.runId}/parts/step/items/`);
      expect(new Set(saved.map((key) => key.toLowerCase())).size).toBe(keys.length);
    });
  });

  it("fails only the item that can't be saved, and only the one whose output can't", async () => {
    const workflow = flowOver(new StorageMemory());
    const step = action({ name: "step", retry: 3 }, ({ storage: item }: Context) =>
      item === 2 ? (): void => {} : item,
    );
    workflow.task.map(step, { over: () => [1, Symbol("s"), 2, 3] });
    const result = await workflow.start();
    expect(counts(result)).toEqual({ total: 4, completed: 2, restored: 0, failed: 2 });
    const [first, second, whole] = result.tasks[0]?.errors ?? [];
    expect(first).toMatchObject({ code: "SERIALIZATION" });
    expect(first?.message).toContain('Item "1" of "step"');
    expect(second).toMatchObject({ code: "SERIALIZATION" });
    expect(whole).toMatchObject({ code: "ITEMS_FAILED", failed: 2, taskId: "step" });
  });

  it("keeps a bounded number of errors, and says how many items failed and which was the first", async () => {
    const workflow = flowOver(new StorageMemory());
    const items = new Items();
    const list = Array.from({ length: 500 }, (_, index) => index);
    for (const item of list) if (item > 0) items.failing.add(item);
    workflow.task.map(items.step, { over: () => list });
    const { tasks } = await workflow.start();
    expect(tasks[0]?.errors).toHaveLength(101);
    const error = tasks[0]?.errors.at(-1) as ItemsFailedError;
    expect(error.failed).toBe(499);
    expect(error.message).toContain('499 of 500 items of "times" failed; the first, "1", with Error: 1 fails');
  });

  it("gives dependents a list with null for failed items under keepGoing, and records nothing of that", async () => {
    const storage = new StorageMemory();
    const items = new Items();
    items.failing.add(2);
    const start = (options: StartOptions): Promise<RunResult> => {
      const workflow = flowOver(storage);
      workflow.task.map(items.step, { over: () => [1, 2, 3] });
      const halve = action({ name: "halve" }, (previous: Context<number | null>) => (previous.storage ?? -2) / 2);
      workflow.task.map(halve).add(total);
      return workflow.start({ resume: true, ...options }) as Promise<RunResult>;
    };
    const first = await start({ keepGoing: true });
    expect(first.status).toBe("failed");
    expect((await first.context("total")).storage).toEqual([5, -1, 15]);
    expect(first.tasks[1]?.items).toEqual({ total: 3, completed: 3, restored: 0, failed: 0 });
    items.failing.clear();
    items.called();
    const second = await start({});
    expect(await second.output()).toEqual([5, 10, 15]);
    expect(second).toMatchObject({ succeeded: 3, restored: 0 });
    expect(items.called()).toEqual([2]);
  });

  it("fails a map that runs behind a failure under keepGoing as any other, with null for what failed", async () => {
    const workflow = flowOver(new StorageMemory());
    workflow.task.add(action({ name: "broken" }, () => Promise.reject(new Error("broken"))));
    const items = new Items();
    items.failing.add(2);
    workflow.task.map(items.step, { over: () => [1, 2, 3] }).add(total);
    const result = await workflow.start({ keepGoing: true });
    expect(result.tasks.map(({ status }) => status)).toEqual(["failed", "failed", "completed"]);
    expect((await result.context("total")).storage).toEqual([10, null, 30]);
  });

  it("runs as many items at a time as concurrency says, a slow one among them", async () => {
    const workflow = flowOver(new StorageMemory());
    let running = 0;
    let most = 0;
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const step = action({ name: "step" }, async ({ storage: item }: Context<number>) => {
      most = Math.max(most, ++running);
      if (item === 0) await slow;
      if (item === 99) release();
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return item;
    });
    workflow.task.map(step, { over: () => Array.from({ length: 100 }, (_, index) => index), concurrency: 3 });
    expect((await workflow.start()).status).toBe("completed");
    expect(most).toBe(3);
  });

  it("retries, times out and repeats each item by itself", async () => {
    const workflow = flowOver(new StorageMemory());
    const keys = new Set<string>();
    const step = action(
      { name: "step", retry: 2, retryDelay: 0, timeout: 20 },
      async ({ storage: item }: Context<number>, own: StepContext) => {
        keys.add(own.idempotencyKey);
        if (item === 1 && own.attempt === 1) throw new Error("once");
        if (item === 2 && own.attempt === 1) await new Promise(() => {});
        return item === 3 && own.iteration < 3 ? own.again(item) : [item, own.attempt, own.iteration];
      },
    );
    workflow.task.map(step, { over: () => [0, 1, 2, 3] });
    const result = await workflow.start();
    expect(await result.output()).toEqual([
      [0, 1, 1],
      [1, 2, 1],
      [2, 2, 1],
      [3, 1, 3],
    ]);
    expect(result.tasks[0]).toMatchObject({ attempts: 8, iterations: 1 });
    expect(keys.size).toBe(6);
  });

  describe("at the deadline", () => {
    it("lets running items end, begins no new one, and goes on with the others", async () => {
      const clock = manualClock();
      const storage = clock.watch(new StorageMemory());
      const called: number[] = [];
      const step = action({ name: "step" }, async ({ storage: item }: Context<number>) => {
        called.push(item);
        if (item === 2) await clock.advance("2s");
        return item;
      });
      const start = (deadline?: string): Promise<RunResult> => {
        const workflow = new DotFlow({ workflowId: "job", storage, clock });
        workflow.task.map(step, { over: () => [1, 2, 3, 4], concurrency: 1 });
        return workflow.start({ resume: true, ...(deadline !== undefined && { deadline: "1s" }) });
      };
      const first = await start("1s");
      expect(first.status).toBe("suspended");
      expect(first.tasks[0]).toMatchObject({ status: "pending", items: { total: 2, completed: 2 } });
      expect(await (await start()).output()).toEqual([1, 2, 3, 4]);
      expect(called).toEqual([1, 2, 3, 4]);
    });

    it("completes when it comes while the last items run", async () => {
      const clock = manualClock();
      const workflow = new DotFlow({ workflowId: "job", clock });
      const step = action({ name: "step" }, async ({ storage: item }: Context<number>) => {
        if (item === 2) await clock.advance("2s");
        return item;
      });
      workflow.task.map(step, { over: () => [1, 2], concurrency: 1 });
      const result = await workflow.start({ deadline: "1s" });
      expect(await result.output()).toEqual([1, 2]);
    });

    it("does not wait for a source that owes the next item", async () => {
      const clock = manualClock();
      const workflow = new DotFlow({ workflowId: "job", clock });
      workflow.task.map(new Items().step, {
        async *over() {
          yield 1;
          void clock.advance("2s");
          await new Promise(() => {});
        },
      });
      const result = await workflow.start({ deadline: "1s" });
      expect(result.status).toBe("suspended");
      expect(counts(result)).toEqual({ total: 1, completed: 1, restored: 0, failed: 0 });
    });

    it("is heard by items that never leave the event loop", async () => {
      const workflow = flowOver(new StorageMemory());
      const step = action({ name: "step" }, ({ storage: item }: Context<number>) => item);
      workflow.task.map(step, {
        *over() {
          for (let item = 0; ; item++) yield item;
        },
      });
      const result = await workflow.start({ deadline: 50 });
      expect(result.status).toBe("suspended");
    });
  });

  it("ends cancelled when the run is told to stop, with what was done saved", async () => {
    const storage = new StorageMemory();
    const controller = new AbortController();
    const called: number[] = [];
    const start = (signal?: AbortSignal): Promise<RunResult> => {
      const workflow = flowOver(storage);
      const step = action({ name: "step" }, ({ storage: item }: Context<number>) => {
        called.push(item);
        if (item === 2) controller.abort();
        return item;
      });
      workflow.task.map(step, { over: () => [1, 2, 3], concurrency: 1 });
      return workflow.start({ resume: true, ...(signal && { signal }) });
    };
    expect((await start(controller.signal)).status).toBe("cancelled");
    expect(await (await start()).output()).toEqual([1, 2, 3]);
    expect(called).toEqual([1, 2, 3]);
  });

  it("waits for whatever its items wait for, and goes on with each whose signal has come", async () => {
    const storage = new StorageMemory();
    const called: string[] = [];
    const make = (): DotFlow => {
      const workflow = flowOver(storage);
      const step = action({ name: "ask" }, async ({ storage: item }: Context<string>, own: StepContext) => {
        called.push(item);
        return item === "c" ? "c" : own.waitFor<string>(`approve ${item}`);
      });
      workflow.task.map(step, { over: () => ["a", "b", "c"] });
      return workflow;
    };
    const first = await make().start({ resume: true });
    expect(first).toMatchObject({ status: "suspended", waiting: ["approve a", "approve b"] });
    expect(counts(first)).toEqual({ total: 3, completed: 1, restored: 0, failed: 0 });
    // Not the one that was waited for first.
    await make().checkpoints.signal("approve b", "B");
    const second = await make().start({ resume: true });
    expect(second).toMatchObject({ status: "suspended", waiting: ["approve a"] });
    const inPlace = make().start({ resume: true, wait: true });
    await make().checkpoints.signal("approve a", "A");
    expect(await (await inPlace).output()).toEqual(["A", "B", "c"]);
    expect(called.filter((item) => item === "c")).toHaveLength(1);
  });

  it("wakes in place for any of the signals that its items wait for", async () => {
    const storage = new StorageMemory();
    const workflow = flowOver(storage);
    const got: string[] = [];
    let asked = 0;
    const step = action({ name: "ask" }, async ({ storage: item }: Context<string>, own: StepContext) => {
      asked++;
      const payload = await own.waitFor<string>(item);
      got.push(payload);
      // What comes next depends on it.
      if (item === "b") await workflow.checkpoints.signal("a", "A");
      return payload;
    });
    workflow.task.map(step, { over: () => ["a", "b"] });
    const running = workflow.start({ wait: true });
    while (asked < 2) await new Promise((resolve) => setImmediate(resolve));
    await workflow.checkpoints.signal("b", "B");
    expect(await (await running).output()).toEqual(["A", "B"]);
    expect(got).toEqual(["B", "A"]);
  });

  it("shows how many items are saved in steps(), done or not", async () => {
    const storage = new StorageMemory();
    const items = new Items();
    items.failing.add(2);
    const workflow = flowOver(storage);
    workflow.task.map(items.step, { over: () => [1, 2, 3] });
    workflow.task.add(total);
    const saved = async (): Promise<unknown> =>
      Object.fromEntries((await workflow.checkpoints.steps()).map((step) => [step.id, step.items]));
    await workflow.start();
    expect(await saved()).toEqual({ times: 2, total: undefined });
    items.failing.clear();
    await workflow.start({ resume: true });
    expect(await saved()).toEqual({ times: 3, total: undefined });
  });

  it("gathers items as the checkpoint policy says, and finds them again", async () => {
    const inside = new StorageMemory();
    const items = new Items();
    items.failing.add(7);
    const storage = faultyStorage(inside);
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 4 } });
      workflow.task.map(items.step, { over: () => [1, 2, 3, 4, 5, 6, 7, 8, 9], concurrency: 1 });
      return workflow.start({ resume: true });
    };
    await start();
    items.called();
    items.failing.clear();
    expect(await (await start()).output()).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(items.called()).toEqual([7]);
    expect(storage.log.filter(({ operation, key }) => operation === "create" && key.includes("/items/"))).toEqual([]);
  });

  it("never stores the list of the outputs a second time", async () => {
    const storage = new StorageMemory();
    const workflow = flowOver(storage);
    const step = action({ name: "step" }, () => "o".repeat(10_000));
    workflow.task.map(step, { over: () => Array.from({ length: 20 }, (_, index) => index) });
    const result = await workflow.start();
    const record = await storage.get(`job/runs/${result.runId}/steps/step`);
    expect(record?.length).toBeLessThan(2_000);
    expect(await result.output<string[]>()).toHaveLength(20);
  });

  it(
    "goes over 100,000 items of 200 MB in all with 96 MB of heap, and over those that are left when resumed",
    {
      timeout: 180_000,
    },
    async () => {
      const kind = placeKinds["sqlite"] as PlaceKind;
      const place = await kind.make();
      onTestFinished(() => kind.remove(place));
      const run = async (broken: string): Promise<ManyItemsReport> => {
        const child = fork(bundleOf("dynamic-many-items"), ["sqlite", place, "100000", broken], {
          execArgv: ["--max-old-space-size=96"],
        });
        onTestFinished(() => void child.kill("SIGKILL"));
        const ended = once(child, "exit").then(([code, signal]) => {
          throw new Error(`It ended without a word: ${code ?? signal}`);
        });
        ended.catch(() => {});
        const [report] = (await Promise.race([once(child, "message"), ended])) as [ManyItemsReport];
        return report;
      };
      const first = await run("70000");
      expect(first).toMatchObject({ status: "failed", items: { total: 100_000, completed: 99_999, failed: 1 } });
      // Where the record lies is kept in mind of each, and nothing else.
      expect(first.grown).toBeLessThan(24 * 1_048_576);
      const second = await run("");
      expect(second).toMatchObject({ status: "completed", items: { completed: 1, restored: 99_999 } });
      expect(second.grown).toBeLessThan(24 * 1_048_576);
    },
  );

  it.each<[string, (index: number, abort: () => void) => string]>([
    ["the run is told to stop", (index, abort) => (index === 1 && abort(), String(index))],
    ["a key is refused", () => "same"],
  ])("closes its source when %s", async (_, key) => {
    let closed = false;
    const controller = new AbortController();
    const workflow = flowOver(new StorageMemory());
    workflow.task.map(new Items().step, {
      *over() {
        try {
          for (let item = 0; ; item++) yield item;
        } finally {
          closed = true;
        }
      },
      key: (_item, index) => key(index, () => controller.abort()),
      concurrency: 1,
    });
    await workflow.start({ signal: controller.signal });
    expect(closed).toBe(true);
  });

  it("refuses options that make no sense", () => {
    const { task } = flowOver(new StorageMemory());
    const { step } = new Items();
    expect(() => task.map(step, { concurrency: 0 })).toThrow("The option concurrency is 0");
    expect(() => task.map(step, { over: [1] as never })).toThrow("The option over");
    expect(() => task.map(step, { key: "id" as never })).toThrow("The option key");
    expect(() => task.map([step, step] as never)).toThrow("task.map takes one step");
    const other = flowOver(new StorageMemory());
    expect(() => task.map(other as never)).toThrow("workflow");
  });
});
