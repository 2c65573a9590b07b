// `step.progress`: what a step has saved on its way, for the next time that it runs.
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
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { eachStorage } from "../storages.ts";

type Step = (step: StepContext) => unknown;

/** One task, `work`, started as by a new process each time. */
function starts(storage: Storage, work: Step, retry = 1) {
  return (start: StartOptions = {}): Promise<RunResult> => {
    const workflow = new DotFlow({ workflowId: "job", storage });
    workflow.task.add(action({ name: "work", retry, retryDelay: 0 }, (_: Context, step: StepContext) => work(step)));
    return workflow.start({ resume: true, ...start }) as Promise<RunResult>;
  };
}

/** Saves rows up to `end`, going on from the progress, and dies before the row that `failing` gives. */
function rows(end: number, done: number[], failing: () => number | undefined): Step {
  return async (step) => {
    for (let row = ((step.progress.value as number | undefined) ?? 0) + 1; row <= end; row++) {
      if (row === failing()) throw new Error(`row ${row} fails`);
      done.push(row);
      await step.progress.save(row);
    }
    return done.length;
  };
}

describe("step.progress", () => {
  eachStorage((_name, open) => {
    it("is found by the next attempt and by the next process", async () => {
      const done: number[] = [];
      const failures = [3, 4, 6];
      const start = (): Promise<RunResult> =>
        starts(
          open(),
          rows(8, done, () => failures[0]),
          2,
        )();
      const next = (): void => void failures.shift();
      // Each failure strikes once.
      const once = async (): Promise<RunResult> => {
        const ended = await start();
        next();
        return ended;
      };
      expect((await once()).status).toBe("failed");
      expect((await once()).status).toBe("failed");
      expect((await once()).status).toBe("failed");
      expect(await (await start()).output()).toBe(8);
      expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it("is durable when its promise resolves, whatever comes after", async () => {
      const storage = open();
      const dying = faultyStorage(storage);
      const start = starts(dying, async (step) => {
        await step.progress.save({ row: 1, at: new Date(0) });
        dying.inject({ kind: "fail", times: Infinity });
        return "never recorded";
      });
      await expect(start()).rejects.toMatchObject({ code: "STORAGE" });
      const found = await starts(storage, (step) => step.progress.value)({ lock: "wait" });
      expect(await found.output()).toEqual({ row: 1, at: new Date(0) });
    });
  });

  it.each(["sequential", "sequential_group", "parallel", "graph"] as const)(
    "is never behind what the step knew to be saved, in every crash, in the mode %s",
    async (mode) => {
      let known = 0;
      const wrong: string[] = [];
      const make = (storage: Storage, start: number): DotFlow => {
        if (start === 1) known = 0;
        const workflow = new DotFlow({ workflowId: "job", storage });
        const work = action({ name: "work" }, async (_: Context, step: StepContext) => {
          const found = (step.progress.value as number | undefined) ?? 0;
          if (found < known) wrong.push(`found ${found}, though ${known} was saved`);
          for (let row = found + 1; row <= 3; row++) {
            await step.progress.save(row);
            known = row;
          }
          return "done";
        });
        workflow.task.add(work, { groupName: "x" });
        workflow.task.add(
          action({ name: "other" }, () => 1),
          { groupName: "y" },
        );
        return workflow;
      };
      const report = await crashTest(make, { start: { mode }, twice: false, points: ["before", "after"] });
      expect(report.problems, String(report)).toEqual([]);
      expect(wrong).toEqual([]);
    },
  );

  it("shows what was saved in this attempt, as a copy", async () => {
    const result = await starts(new StorageMemory(), async (step) => {
      const list = [1];
      const before = step.progress.value;
      await step.progress.save(list);
      list.push(2);
      (step.progress.value as number[]).push(3);
      return [before, step.progress.value];
    })();
    expect(await result.output()).toEqual([undefined, [1]]);
  });

  it("keeps the value that was given last when several are saved without waiting", async () => {
    // The first call takes longer than the others.
    const storage = faultyStorage(new StorageMemory(), {
      faults: [{ operation: "put", key: /progress\//, kind: "hang" }],
    });
    let fails = true;
    const work: Step = async (step) => {
      if (!fails) return step.progress.value;
      const saved = Array.from({ length: 20 }, (_, index) => step.progress.save(index));
      await storage.untilHanging();
      await new Promise((resolve) => setTimeout(resolve, 10));
      storage.release();
      await Promise.all(saved);
      throw new Error("fails");
    };
    await starts(storage, work)();
    fails = false;
    expect(await (await starts(storage, work)()).output()).toBe(19);
  });

  it.each([null, 0, "", false, []])("tells %j from nothing", async (value) => {
    const storage = new StorageMemory();
    let fails = true;
    const work: Step = async (step) => {
      if (!fails) return step.progress.value;
      await step.progress.save(value);
      throw new Error("fails");
    };
    await starts(storage, work)();
    fails = false;
    expect(await (await starts(storage, work)()).output()).toEqual(value);
  });

  it("belongs to one iteration, one item, one task and one run", async () => {
    const storage = new StorageMemory();
    const found: unknown[] = [];
    const make = (): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const look = async (step: StepContext, value: unknown): Promise<void> => {
        found.push(step.progress.value);
        await step.progress.save(value);
      };
      const loop = action({ name: "loop" }, async (_: Context, step: StepContext) => {
        await look(step, step.iteration);
        return step.iteration < 3 ? step.again(null) : [1, 2];
      });
      workflow.task.add(loop);
      workflow.task.map(
        action({ name: "item" }, async ({ storage: item }: Context, step: StepContext) => look(step, item)),
      );
      return workflow;
    };
    await make().start({ mode: "sequential" });
    await make().start({ mode: "sequential" });
    await make().start({ mode: "sequential", resume: true, from: "item" });
    expect(found).toEqual(Array.from({ length: 12 }, () => undefined));
  });

  it("is found by the iteration and by the item that was interrupted, and by no other", async () => {
    const storage = new StorageMemory();
    const found: unknown[] = [];
    let fails = true;
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const step = action({ name: "step" }, async ({ storage: item }: Context<string>, own: StepContext) => {
        found.push([item, own.iteration, own.progress.value]);
        await own.progress.save(`${item} ${own.iteration}`);
        if (fails && item === "b" && own.iteration === 2) throw new Error("fails");
        return own.iteration < 2 ? own.again(item) : item;
      });
      workflow.task.map(step, { over: () => ["a", "b"], concurrency: 1 });
      return workflow.start({ resume: true });
    };
    await start();
    found.splice(0);
    fails = false;
    expect((await start()).status).toBe("completed");
    expect(found).toEqual([["b", 2, "b 2"]]);
  });

  it("is that of the process that drives the run, not of one that slept", async () => {
    const clock = manualClock();
    const inside = new StorageMemory();
    const slow = faultyStorage(clock.watch(inside), { clock });
    slow.inject({ operation: "put", key: /progress\//, at: 2, kind: "hang" });
    const make = (storage: Storage, work: Step): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage, clock, lease: "10s" });
      workflow.task.add(action({ name: "work" }, (_: Context, step: StepContext) => work(step)));
      return workflow;
    };
    const sleeper = make(slow, async (step) => {
      await step.progress.save("first");
      await step.progress.save("late");
      return "late";
    })
      .start()
      .catch((error: unknown) => error);
    await slow.untilHanging();
    slow.inject({ kind: "hang", times: Infinity });
    // The successor takes over, saves more, and fails; then the late write arrives.
    const successor = make(inside, async (step) => {
      const { value } = step.progress;
      await step.progress.save("second");
      throw new Error(`found ${String(value)}`);
    }).start({ resume: true, lock: "wait" });
    for (let second = 0; second < 40; second++) await clock.advance("1s");
    expect((await successor).tasks[0]?.errors[0]?.message).toBe("found first");
    slow.release();
    for (let second = 0; second < 60; second++) {
      await clock.advance("1s");
      slow.release();
    }
    expect(await sleeper).toBeInstanceOf(Error);
    const last = make(inside, (step) => step.progress.value).start({ resume: true, lock: "wait" });
    for (let second = 0; second < 40; second++) await clock.advance("1s");
    expect(await (await last).output()).toBe("second");
  });

  it("refuses a value that can't be saved, and fails the step at once", async () => {
    const result = await starts(new StorageMemory(), (step) => step.progress.save(() => {}), 3)();
    expect(result.tasks[0]).toMatchObject({ status: "failed", attempts: 1 });
    expect(result.tasks[0]?.errors[0]).toMatchObject({ code: "SERIALIZATION", taskId: "work" });
    expect(result.tasks[0]?.errors[0]?.message).toContain('The progress of "work"');
  });

  it("ends the run when it can't be saved, even where the step goes on all the same", async () => {
    const dying = faultyStorage(new StorageMemory(), {
      faults: [{ operation: "put", key: /progress\//, kind: "fail" }],
    });
    const start = starts(dying, async (step) => {
      await step.progress.save(1).catch(() => {});
      return "as if nothing had happened";
    });
    await expect(start()).rejects.toMatchObject({ code: "STORAGE" });
  });

  it("is refused when the attempt has ended, and does not end a process that does not wait for it", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", note);
    let kept: StepContext | undefined;
    const result = await starts(new StorageMemory(), (step) => {
      kept = step;
      return "done";
    })();
    void kept?.progress.save(1);
    await expect(kept?.progress.save(2)).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(result.status).toBe("completed");
    expect(rejections).toEqual([]);
  });
});
