// `step.once`: a step within the step, whose value is saved and given again.
import { describe, expect, it } from "vitest";
import {
  action,
  type ActionOptions,
  type Context,
  DotFlow,
  InvalidWorkflowError,
  type RunResult,
  type StartOptions,
  type StepContext,
  type StepInDoubtError,
  type Storage,
  StorageMemory,
} from "dotflow";
import { crashTest, faultyStorage } from "dotflow/testing";
import { eachStorage } from "../storages.ts";
import { Ledger } from "./ledger.ts";

type Step = (step: StepContext, previous: unknown) => unknown;

/** One task, `work`, started as by a new process each time. */
function starts(storage: Storage, work: Step, options: ActionOptions = {}) {
  return (start: StartOptions = {}): Promise<RunResult> => {
    const workflow = new DotFlow({ workflowId: "job", storage });
    const call = (previous: Context, step: StepContext): unknown => work(step, previous.storage);
    workflow.task.add(action({ name: "work", retryDelay: 0, ...options }, call));
    return workflow.start({ resume: true, ...start }) as Promise<RunResult>;
  };
}

/** Notes its calls, and gives how many there were. */
function counter(): { calls: number; count: () => number } {
  const counted = { calls: 0, count: () => ++counted.calls };
  return counted;
}

const errorOf = ({ tasks }: RunResult): Error | undefined => tasks[0]?.errors.at(-1);

describe("step.once", () => {
  eachStorage((_name, open) => {
    it("gives the saved value when the step runs again, in a later attempt and in a later process", async () => {
      const given: unknown[] = [];
      const made = counter();
      let fails = true;
      const start = (): Promise<RunResult> =>
        starts(
          open(),
          async (step) => {
            given.push(await step.once("make", () => ({ made: made.count(), at: new Date(0) })));
            if (fails) throw new Error("fails");
            return given.at(-1);
          },
          { retry: 2 },
        )();
      expect((await start()).status).toBe("failed");
      fails = false;
      expect(await (await start()).output()).toEqual({ made: 1, at: new Date(0) });
      expect(given).toEqual(Array.from({ length: 3 }, () => ({ made: 1, at: new Date(0) })));
    });

    it("does not call again what may have taken effect, with atMostOnce, and says so", async () => {
      const storage = open();
      const paid = counter();
      const work: Step = (step) => step.once("pay", paid.count, { atMostOnce: true });
      const dying = faultyStorage(storage, { faults: [{ operation: "create", key: /once\//, kind: "fail" }] });
      await expect(starts(dying, work, { retry: 3 })()).rejects.toMatchObject({ code: "STORAGE" });
      const result = await starts(storage, work, { retry: 3 })();
      expect(result.tasks[0]).toMatchObject({ status: "failed", attempts: 1 });
      expect(errorOf(result)).toMatchObject({ code: "STEP_IN_DOUBT", once: "pay", taskId: "work", workflowId: "job" });
      expect(paid.calls).toBe(1);
      // It stays so until a person decides.
      expect((await starts(storage, work)()).status).toBe("failed");
      expect(paid.calls).toBe(1);
      expect(await (await starts(storage, work)({ from: "work" })).output()).toBe(2);
    });
  });

  describe("in every crash", () => {
    it.each(["sequential", "sequential_group", "parallel", "graph"] as const)(
      "calls nothing again that was saved, in the mode %s",
      async (mode) => {
        const ledgers: Ledger[] = [];
        const storage = (): Storage => {
          const inside = new StorageMemory();
          ledgers.push(new Ledger(inside));
          return inside;
        };
        const make = (from: Storage): DotFlow => {
          const workflow = new DotFlow({ workflowId: "job", storage: from });
          const work = action({ name: "work" }, async (_: Context, step: StepContext) => {
            const once = (name: string): Promise<string> =>
              step.once(name, async () => {
                await ledgers.at(-1)?.execute(`${step.taskId}/once/00000001/${name}`);
                return `made ${name}`;
              });
            return [...(await Promise.all([once("a"), once("b")])), await once("c")];
          });
          const first = workflow.task.add(work, { groupName: "x", id: "work" });
          workflow.task.add(work, { groupName: "y", id: "other" });
          const last = action({ name: "last" }, (previous: Context) => [previous.storage]);
          workflow.task.add(last, { groupName: "x", ...(mode === "graph" && { after: first }) });
          return workflow;
        };
        const report = await crashTest(make, { storage, start: { mode }, twice: false });
        expect(ledgers.flatMap(({ wrong }) => wrong)).toEqual([]);
        expect(ledgers.some((ledger) => ledger.count("work/once/00000001/a") > 1)).toBe(true);
        expect(report.problems, String(report)).toEqual([]);
        expect(report.crashes).toBeGreaterThan(40);
      },
    );

    it("calls nothing twice with atMostOnce: it is done, or in doubt", async () => {
      const counts: { calls: number; doubts: number }[] = [];
      for (let at = 1; ; at++) {
        const paid = counter();
        const work: Step = (step) => step.once("pay", paid.count, { atMostOnce: true });
        for (const kind of ["fail", "lose-answer", "tear"] as const) {
          paid.calls = 0;
          const storage = new StorageMemory();
          const dying = faultyStorage(storage, { faults: [{ at, kind, times: Infinity }] });
          const died = await starts(dying, work)().catch((error: unknown) => error);
          if (!(died instanceof Error)) {
            expect(counts.length).toBeGreaterThan(15);
            expect(counts.some(({ doubts }) => doubts > 0)).toBe(true);
            return;
          }
          const result = await starts(storage, work)({ lock: "wait" });
          expect(paid.calls).toBeLessThanOrEqual(1);
          const inDoubt = (errorOf(result) as StepInDoubtError | undefined)?.code === "STEP_IN_DOUBT";
          expect(result.status).toBe(inDoubt ? "failed" : "completed");
          if (!inDoubt) expect(paid.calls).toBe(1);
          counts.push({ calls: paid.calls, doubts: Number(inDoubt) });
        }
      }
    });
  });

  it("saves nothing of a function that throws, and can be called again, in the same attempt and in the next", async () => {
    const tried = counter();
    const start = starts(
      new StorageMemory(),
      async (step) => {
        const call = (): Promise<number> =>
          step.once("try", () => {
            if (tried.count() < 4) throw new Error(`try ${tried.calls}`);
            return tried.calls;
          });
        return call().catch(call);
      },
      { retry: 2 },
    );
    const result = await start();
    expect(await result.output()).toBe(4);
    expect(result.tasks[0]?.errors.map(({ message }) => message)).toEqual(["try 2"]);
  });

  it("takes a throwing function at its word with atMostOnce: it had no effect, and is called again", async () => {
    const storage = new StorageMemory();
    const tried = counter();
    const work: Step = (step) =>
      step.once(
        "pay",
        () => {
          if (tried.count() < 3) throw new Error("refused");
          return "paid";
        },
        { atMostOnce: true },
      );
    expect((await starts(storage, work, { retry: 2 })()).status).toBe("failed");
    expect(await (await starts(storage, work)()).output()).toBe("paid");
    expect(tried.calls).toBe(3);
  });

  it.each([false, true])(
    "saves what is done beside a failure before the next attempt (atMostOnce: %s)",
    async (atMostOnce) => {
      const made = counter();
      let begin = (): void => {};
      let release = (): void => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const slow = new Promise<void>((resolve) => (release = resolve));
      const start = starts(
        new StorageMemory(),
        (step) => {
          const failing = step.once("fails", async () => {
            if (step.attempt > 1) return "ok";
            await begun;
            setTimeout(release, 20);
            throw new Error("fails");
          });
          const work = (): Promise<number> => {
            begin();
            return slow.then(made.count);
          };
          const beside = step.once("slow", work, { atMostOnce });
          return Promise.all([failing, beside]);
        },
        { retry: 2 },
      );
      expect(await (await start()).output()).toEqual(["ok", 1]);
      expect(made.calls).toBe(1);
    },
  );

  it("drops what a timed-out attempt does later, and does it in the next one", async () => {
    let release = (): void => {};
    const first = new Promise<string>((resolve) => (release = () => resolve("late")));
    let late: Promise<unknown> | undefined;
    const start = starts(
      new StorageMemory(),
      async (step) => {
        if (step.attempt === 2) {
          release();
          await late?.catch(() => {});
          return step.once("make", () => "in time");
        }
        late = step.once("make", () => first);
        return late;
      },
      { retry: 2, timeout: 20 },
    );
    expect(await (await start()).output()).toBe("in time");
    await expect(late).rejects.toMatchObject({ code: "INVALID_WORKFLOW", cause: { code: "STEP_TIMEOUT" } });
  });

  it("is in doubt with atMostOnce when an attempt timed out in the middle", async () => {
    const called = counter();
    const never = (): Promise<never> => {
      called.count();
      return new Promise(() => {});
    };
    const result = await starts(new StorageMemory(), (step) => step.once("pay", never, { atMostOnce: true }), {
      retry: 3,
      timeout: 20,
    })();
    expect(result.tasks[0]?.errors.map((error) => (error as { code?: string }).code)).toEqual([
      "STEP_TIMEOUT",
      "STEP_IN_DOUBT",
    ]);
    expect(called.calls).toBe(1);
  });

  it("can stand in another one", async () => {
    const storage = new StorageMemory();
    const calls: string[] = [];
    let fails = true;
    const work: Step = (step) =>
      step.once("outer", async () => {
        calls.push("outer");
        const inner = await step.once("inner", () => calls.push("inner"));
        if (fails) throw new Error("fails");
        return { inner };
      });
    expect((await starts(storage, work)()).status).toBe("failed");
    fails = false;
    expect(await (await starts(storage, work)()).output()).toEqual({ inner: 2 });
    expect(calls).toEqual(["outer", "inner", "outer"]);
  });

  it("has its own names in each iteration, each item and each task", async () => {
    const made = counter();
    const workflow = new DotFlow({ workflowId: "job" });
    const loop = action({ name: "loop" }, async (previous: Context<number[] | null>, step: StepContext) => {
      const values = [...(previous.storage ?? []), await step.once("same", made.count)];
      return values.length < 3 ? step.again(values) : values;
    });
    const item = action({ name: "item" }, (_: Context, step: StepContext) => step.once("same", made.count));
    workflow.task.add(loop);
    workflow.task.map(item, { concurrency: 1 });
    const result = await workflow.start({ mode: "sequential" });
    expect((await result.context("loop")).storage).toEqual([1, 2, 3]);
    expect((await result.context("item")).storage).toEqual([4, 5, 6]);
  });

  it("is kept within the iteration and the item that was interrupted", async () => {
    const storage = new StorageMemory();
    const called: string[] = [];
    let fails = true;
    const start = async (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const step = action({ name: "step" }, async ({ storage: item }: Context, own: StepContext) => {
        const value = await own.once("call", () => called.push(`${JSON.stringify(item)} ${own.iteration}`));
        if (fails && own.iteration === 2) throw new Error("fails");
        return own.iteration < 2 ? own.again(item) : value;
      });
      workflow.task.map(step, { over: () => ["a", "b"], concurrency: 1 });
      return workflow.start({ resume: true });
    };
    await start();
    expect(called).toEqual(['"a" 1', '"a" 2', '"b" 1', '"b" 2']);
    fails = false;
    expect(await (await start()).output()).toEqual([2, 4]);
    expect(called).toHaveLength(4);
  });

  it("refuses the same name twice in one attempt, also side by side", async () => {
    const behind = await starts(new StorageMemory(), async (step) => {
      await step.once("x", () => 1);
      return step.once("x", () => 2);
    })();
    const beside = await starts(new StorageMemory(), (step) =>
      Promise.all([step.once("x", () => 1), step.once("x", () => 2)]),
    )();
    for (const result of [behind, beside]) {
      expect(errorOf(result)).toBeInstanceOf(InvalidWorkflowError);
      expect(errorOf(result)?.message).toContain('called twice with the name "x"');
    }
  });

  it.each<[string, unknown[], string]>([
    ["an empty name", ["", () => 1], 'the name ""'],
    ["a name that is no text", [1, () => 1], "the name 1"],
    ["a name that is not well-formed", ["\ud800", () => 1], "well-formed"],
    ["no function", ["x", 1], '"x", was given 1'],
    ["an unknown option", ["x", (): number => 1, { once: true }], 'no option "once"'],
    ["an option of another kind", ["x", (): number => 1, { atMostOnce: "yes" }], 'atMostOnce is "yes"'],
  ])("refuses %s", async (_, args, text) => {
    const result = await starts(new StorageMemory(), (step) => step.once(...(args as Parameters<typeof step.once>)))();
    expect(errorOf(result)).toMatchObject({ code: "INVALID_WORKFLOW" });
    expect(errorOf(result)?.message).toContain(text);
  });

  it("saves under names that look alike as the name of a file", async () => {
    const names = ["a", "A", "x/y", "x_y", "..", "con", "\u{1f389}", "n".repeat(400), `${"n".repeat(399)}m`];
    const storage = new StorageMemory();
    let fails = true;
    const work: Step = async (step) => {
      const values = [];
      for (const name of names) values.push(await step.once(name, () => (fails ? `first ${name}` : "again")));
      if (fails) throw new Error("fails");
      return values;
    };
    await starts(storage, work)();
    fails = false;
    expect(await (await starts(storage, work)()).output()).toEqual(names.map((name) => `first ${name}`));
  });

  it.each([undefined, null, 0, "", false, [], Number.NaN])("gives %j back, and calls nothing again", async (value) => {
    const storage = new StorageMemory();
    const made = counter();
    let fails = true;
    const work: Step = async (step) => {
      const given = await step.once("make", () => {
        made.count();
        return value;
      });
      if (fails) throw new Error("fails");
      return given;
    };
    await starts(storage, work)();
    fails = false;
    expect(await (await starts(storage, work)()).output()).toEqual(value);
    expect(made.calls).toBe(1);
  });

  it("gives a copy, live as resumed", async () => {
    const list = [1];
    const start = starts(new StorageMemory(), async (step) => {
      const given = await step.once("list", () => list);
      given.push(2);
      return [list, given];
    });
    expect(await (await start()).output()).toEqual([[1], [1, 2]]);
  });

  it("fails a step at once whose value can't be saved, so that its effect is not repeated", async () => {
    const made = counter();
    const result = await starts(
      new StorageMemory(),
      (step) =>
        step.once("make", () => {
          made.count();
          return (): void => {};
        }),
      { retry: 3 },
    )();
    expect(errorOf(result)).toMatchObject({ code: "SERIALIZATION", taskId: "work" });
    expect(errorOf(result)?.message).toContain('The value of "make"');
    expect(made.calls).toBe(1);
  });

  it("saves at once, whatever the checkpoint policy says", async () => {
    const storage = new StorageMemory();
    const made = counter();
    const make = (from: Storage): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage: from, checkpoint: { everySteps: 100 } });
      workflow.task.add(
        action({ name: "work" }, async (_: Context, step: StepContext) => {
          await step.once("make", made.count);
          return step.once("second", () => 2);
        }),
      );
      return workflow;
    };
    const dying = faultyStorage(storage, {
      faults: [{ operation: "create", key: /once\//, at: 2, kind: "fail", times: Infinity }],
    });
    await expect(make(dying).start()).rejects.toMatchObject({ code: "STORAGE" });
    expect((await make(storage).start({ resume: true, lock: "wait" })).status).toBe("completed");
    expect(made.calls).toBe(1);
  });

  it("ends the run when its value can't be saved, even where the step goes on all the same", async () => {
    const dying = faultyStorage(new StorageMemory(), {
      faults: [{ operation: "create", key: /once\//, kind: "fail" }],
    });
    const start = starts(dying, async (step) => {
      await step.once("make", () => 1).catch(() => {});
      return "as if nothing had happened";
    });
    await expect(start()).rejects.toMatchObject({ code: "STORAGE" });
  });

  it("is a step of another run after from", async () => {
    const storage = new StorageMemory();
    const made = counter();
    const start = starts(storage, (step) => step.once("make", made.count));
    await start();
    expect(await (await start({ from: "work" })).output()).toBe(2);
  });

  it("neither saves nor ends the process when a step does not wait for it", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", note);
    let release = (): void => {};
    const later = new Promise<void>((resolve) => (release = resolve));
    const result = await starts(new StorageMemory(), (step) => {
      void step.once("floating", () => later);
      return "done";
    })();
    release();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(await result.output()).toBe("done");
    expect(rejections).toEqual([]);
  });

  it("does not grow with the iterations of a loop", async () => {
    const storage = faultyStorage(new StorageMemory());
    const workflow = new DotFlow({ workflowId: "job", storage });
    const loop = action({ name: "loop" }, async (_: Context, step: StepContext) => {
      await step.once("call", () => step.iteration);
      return step.iteration < 50 ? step.again(null) : step.iteration;
    });
    workflow.task.add(loop);
    expect(await (await workflow.start()).output()).toBe(50);
    // One write for each call and each iteration, and no reading.
    const part = storage.log.filter(({ key }) => key.includes("/parts/"));
    expect(part.filter(({ operation }) => operation === "create")).toHaveLength(99);
    expect(part).toHaveLength(99);
  });
});
