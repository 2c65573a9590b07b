// Methods as tasks: each with its own attempts, time limit and record, in every mode.
import { expect, it } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type RunResult,
  StepTimeoutError,
  StorageMemory,
  type TaskResult,
} from "dotflow";
import { manualClock } from "dotflow/testing";

/** What the methods below were called with, in order. */
type Calls = unknown[][];

class Etl {
  readonly calls: Calls;
  broken: boolean;

  constructor(calls: Calls, broken = false) {
    this.calls = calls;
    this.broken = broken;
  }

  @action
  extract(previous: Context): number {
    this.calls.push(["extract", previous.storage]);
    return 1;
  }

  @action({ retry: 3, retryDelay: "1m" })
  transform(previous: Context<number>): number {
    this.calls.push(["transform", previous.storage]);
    if (this.broken) throw new Error("broken");
    return 2;
  }

  @action({ version: 1 })
  load(previous: Context<number>): number {
    this.calls.push(["load", previous.storage]);
    return 3;
  }
}

const statuses = ({ tasks }: RunResult): TaskResult["status"][] => tasks.map(({ status }) => status);

it.each(["sequential", "sequential_group", "graph", undefined] as const)(
  "chains the methods in the mode %s",
  async (mode) => {
    const calls: Calls = [];
    const workflow = new DotFlow({ workflowId: "modes" });
    workflow.task.add(new Etl(calls), { groupName: "a" });
    workflow.task.add(new Etl(calls), { groupName: "b" });
    await workflow.start(mode && { mode });
    const previousOf = (method: string): unknown[] =>
      calls.filter(([name]) => name === method).map(([, previous]) => previous);
    expect([previousOf("transform"), previousOf("load")]).toEqual([
      [1, 1],
      [2, 2],
    ]);
  },
);

it("does not chain the methods in the mode parallel", async () => {
  const calls: Calls = [];
  const workflow = new DotFlow({ workflowId: "parallel" });
  workflow.task.add(new Etl(calls));
  await workflow.start({ mode: "parallel" });
  expect(calls).toEqual([
    ["extract", null],
    ["transform", null],
    ["load", null],
  ]);
});

it("resumes in the middle of a class, each method from its own record", async () => {
  const clock = manualClock();
  const storage = new StorageMemory();
  const calls: Calls = [];
  const start = async (broken: boolean, mode?: "parallel"): Promise<RunResult> => {
    const workflow = new DotFlow({ workflowId: "resume", storage, clock });
    workflow.task.add(new Etl(calls, broken));
    const running = workflow.start({ resume: true, ...(mode && { mode }) });
    if (broken) {
      await clock.untilWaiting(1, "1m");
      await clock.advance("2m");
    }
    return running;
  };

  const failed = await start(true);
  expect(statuses(failed)).toEqual(["completed", "failed", "skipped"]);
  expect(failed.tasks.map(({ attempts }) => attempts)).toEqual([1, 3, 0]);

  calls.length = 0;
  const completed = await start(false);
  expect(statuses(completed)).toEqual(["restored", "completed", "completed"]);
  expect(calls).toEqual([
    ["transform", 1],
    ["load", 2],
  ]);
  expect(statuses(await start(false))).toEqual(["restored", "restored", "restored"]);
});

it("keeps what succeeded beside a failure in the mode parallel", async () => {
  const storage = new StorageMemory();
  const calls: Calls = [];
  const start = (broken: boolean): Promise<RunResult> => {
    const workflow = new DotFlow({ workflowId: "beside", storage });
    workflow.task.add(new Beside(calls, broken));
    return workflow.start({ mode: "parallel", resume: true });
  };
  expect(statuses(await start(true))).toEqual(["completed", "failed", "completed"]);
  calls.length = 0;
  expect(statuses(await start(false))).toEqual(["restored", "completed", "restored"]);
  expect(calls).toEqual([["transform", null]]);
});

/** Fails at once. */
class Beside extends Etl {
  @action
  override transform(previous: Context<number>): number {
    return super.transform(previous);
  }
}

it("gives each method a time limit of its own", async () => {
  class Slow {
    @action
    extract(): number {
      return 1;
    }

    @action({ timeout: "1m" })
    async transform(): Promise<never> {
      return new Promise(() => {});
    }
  }
  const clock = manualClock();
  const workflow = new DotFlow({ workflowId: "slow", clock });
  workflow.task.add(new Slow());
  const running = workflow.start();
  await clock.untilWaiting(1, "1m");
  await clock.advance("1m");
  const result = await running;
  expect(statuses(result)).toEqual(["completed", "failed"]);
  expect(result.tasks[1]?.errors[0]).toBeInstanceOf(StepTimeoutError);
});

it("runs only what follows from a method whose version changed", async () => {
  class Newer extends Etl {
    @action({ version: 2 })
    override load(previous: Context<number>): number {
      return super.load(previous) + 10;
    }
  }
  const storage = new StorageMemory();
  const calls: Calls = [];
  const start = (etl: Etl): Promise<RunResult> => {
    const workflow = new DotFlow({ workflowId: "version", storage });
    workflow.task.add(etl, { id: "etl" });
    return workflow.start({ resume: true, onChange: "rerun" });
  };
  await start(new Etl(calls));
  calls.length = 0;
  const result = await start(new Newer(calls));
  expect(result.tasks.map(({ reason }) => reason).at(-1)).toBe("version 1 → 2");
  expect(calls).toEqual([["load", 2]]);
  expect(await result.output()).toBe(13);
});
