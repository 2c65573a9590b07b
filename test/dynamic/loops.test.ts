// Loops: `step.again` saves each iteration, and a resume goes on with the one after the last that was saved.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type RunResult, type StepContext, type Storage, StorageMemory } from "dotflow";
import { crashTest, faultyStorage } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { eachStorage } from "../storages.ts";

const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;

/** Counts up to `end`; `calls` notes each call as `iteration:value`. */
function counter(end: number, calls: string[] = [], failing: () => number | undefined = () => undefined) {
  return action({ name: "count" }, (previous: Context<number | null>, step: StepContext) => {
    const value = previous.storage ?? 0;
    calls.push(`${step.iteration}:${value}`);
    if (failing() === step.iteration) throw new Error(`iteration ${step.iteration} fails`);
    return step.iteration < end ? step.again(value + 1) : value + 1;
  });
}

describe("a loop", () => {
  eachStorage((_name, open) => {
    it("goes on with the iteration after the last one that was saved, and counts as without a resume", async () => {
      const calls: string[] = [];
      let failing: number | undefined = 3;
      const start = (): Promise<RunResult> => {
        const workflow = new DotFlow({ workflowId: "job", storage: open() });
        const notes = new Notebook();
        workflow.task.add(counter(5, calls, () => failing)).add(notes.step("after", (previous) => previous));
        return workflow.start({ resume: true });
      };
      expect((await start()).tasks[0]).toMatchObject({ status: "failed", iterations: 2, attempts: 3 });
      expect(calls.splice(0)).toEqual(["1:0", "2:1", "3:2"]);
      failing = undefined;
      const result = await start();
      expect(calls.splice(0)).toEqual(["3:2", "4:3", "5:4"]);
      expect(result.tasks[0]).toMatchObject({ status: "completed", iterations: 5, attempts: 3 });
      expect(await result.output()).toBe(5);
      expect((await start()).restored).toBe(2);
      expect(calls).toEqual([]);
    });
  });

  it.each(modes)("is repeated in every crash from its last iteration on, in the mode %s", async (mode) => {
    const calls: string[] = [];
    const make = (storage: Storage): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const last = action({ name: "last" }, (previous: Context) => ({ previous: previous.storage }));
      const looped = workflow.task.add(counter(3, calls), { groupName: "x", id: "count" });
      workflow.task.add(counter(2), { groupName: "y", id: "other", ...(mode === "parallel" && { after: looped }) });
      workflow.task.add(last, { groupName: "x", after: looped });
      return workflow;
    };
    const report = await crashTest(make, { start: { mode }, twice: false });
    expect(report.problems, String(report)).toEqual([]);
    expect(report.crashes).toBeGreaterThan(30);
    // Iteration and value always go together: an iteration never gets the value of another one.
    expect(new Set(calls)).toEqual(new Set(["1:0", "2:1", "3:2"]));
  });

  it.each(["fail", "tear"] as const)("repeats just the iteration whose write met the fault %s", async (kind) => {
    for (const saved of [0, 1, 2, 3]) {
      const storage = faultyStorage(new StorageMemory(), {
        faults: [{ operation: "create", key: new RegExp(`/iterations/0*${saved + 1}$`), kind }],
      });
      const calls: string[] = [];
      const start = (): Promise<RunResult> => {
        const workflow = new DotFlow({ workflowId: "job", storage });
        workflow.task.add(counter(5, calls));
        return workflow.start({ resume: true });
      };
      await expect(start()).rejects.toMatchObject({ code: "STORAGE" });
      expect(calls.splice(0)).toHaveLength(saved + 1);
      expect(await (await start()).output()).toBe(5);
      expect(calls[0]).toBe(`${saved + 1}:${saved}`);
      expect(calls).toHaveLength(5 - saved);
    }
  });

  it("hands every iteration a copy, and keeps each attempt apart from the one before", async () => {
    const seen: unknown[] = [];
    const keys: string[] = [];
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    const pushes = action(
      { name: "a", retry: 2, retryDelay: 0 },
      (previous: Context<number[] | null>, step: StepContext) => {
        seen.push([step.iteration, step.attempt, [...(previous.storage ?? [])]]);
        keys.push(`${step.iteration}:${step.idempotencyKey}`);
        const list = previous.storage ?? [];
        list.push(step.iteration);
        if (step.attempt === 1) throw new Error(`${step.iteration}`);
        return step.iteration < 3 ? step.again(list) : list;
      },
    );
    workflow.task.add(pushes);
    const result = await workflow.start();
    expect(seen).toEqual([
      [1, 1, []],
      [1, 2, []],
      [2, 1, [1]],
      [2, 2, [1]],
      [3, 1, [1, 2]],
      [3, 2, [1, 2]],
    ]);
    // Attempts share the key of their iteration; iterations have keys of their own.
    expect(new Set(keys).size).toBe(3);
    expect(new Set(keys.map((key) => key.slice(2))).size).toBe(3);
    expect(result.tasks[0]).toMatchObject({ attempts: 6, iterations: 3 });
    expect(result.tasks[0]?.errors.map(({ message }) => message)).toEqual(["1", "2", "3"]);
    expect(await result.output()).toEqual([1, 2, 3]);
  });

  it("keeps values of any form that can be saved, and nothing at all", async () => {
    const seen: unknown[] = [];
    const values = [new Map([["a", new Date(0)]]), undefined, null, new Uint8Array([1]), 10n];
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    workflow.task.add(
      action({ name: "a" }, (previous, step) => {
        seen.push(previous.storage);
        return step.iteration <= values.length ? step.again(values[step.iteration - 1]) : "end";
      }),
    );
    expect(await (await workflow.start()).output()).toBe("end");
    expect(seen).toEqual([null, ...values]);
  });

  it("checks the value of every iteration by the input schema, and the last one by the output schema", async () => {
    const numbers = schemaOf((value) => typeof value === "number" || value === null);
    const texts = schemaOf((value) => typeof value === "string");
    const run = (given: unknown, last: unknown): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
      const options = { name: "a", input: numbers, output: texts };
      workflow.task.add(action(options, (_previous, step) => (step.iteration === 1 ? step.again(given) : last)));
      return workflow.start();
    };
    expect(await (await run(1, "end")).output()).toBe("end");
    expect((await run("one", "end")).tasks[0]).toMatchObject({ status: "failed", iterations: 1 });
    expect((await run(1, 2)).tasks[0]).toMatchObject({ status: "failed", iterations: 1 });
  });

  it("commits shared state with its iteration, and not that of a failed one", async () => {
    const storage = new StorageMemory();
    let isSound = false;
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task.add(
        action({ name: "a" }, (_previous, step) => {
          step.state.set("sum", (step.state.get<number>("sum") ?? 0) + step.iteration);
          if (step.iteration === 3 && !isSound) throw new Error("not yet");
          return step.iteration < 4 ? step.again(null) : step.state.get("sum");
        }),
      );
      return workflow.start({ resume: true });
    };
    await start();
    await start();
    isSound = true;
    expect(await (await start()).output()).toBe(1 + 2 + 3 + 4);
  });

  it("ends cancelled between two iterations, and goes on there", async () => {
    const storage = new StorageMemory();
    const calls: string[] = [];
    const stop = new AbortController();
    const start = (signal?: AbortSignal): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const note = (): undefined => {
        if (calls.length === 2) stop.abort();
      };
      workflow.task.add(counter(4, calls, note));
      return workflow.start({ resume: true, signal });
    };
    const result = await start(stop.signal);
    expect(result).toMatchObject({ status: "cancelled", tasks: [{ status: "cancelled", iterations: 2 }] });
    const resumed = await start();
    expect(calls).toEqual(["1:0", "2:1", "3:2", "4:3"]);
    expect(await resumed.output()).toBe(4);
  });

  it("begins anew in a new run, and where from names its task", async () => {
    const calls: string[] = [];
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    let failing: number | undefined = 3;
    workflow.task.add(counter(3, calls, () => failing));
    await workflow.start();
    failing = undefined;
    await workflow.start({ resume: true, from: "count" });
    await workflow.start();
    expect(calls).toEqual(["1:0", "2:1", "3:2", "1:0", "2:1", "3:2", "1:0", "2:1", "3:2"]);
  });

  it("is not saved behind a failure, under keepGoing, and still comes to its end", async () => {
    const storage = new StorageMemory();
    const calls: string[] = [];
    let isSound = false;
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const first = action({ name: "first" }, () => {
        if (!isSound) throw new Error("not yet");
        return 10;
      });
      workflow.task.add(first).add(counter(3, calls));
      return workflow.start({ resume: true, keepGoing: true });
    };
    const result = await start();
    expect((await result.context("count")).storage).toBe(3);
    expect(calls.splice(0)).toEqual(["1:0", "2:1", "3:2"]);
    isSound = true;
    expect(await (await start()).output()).toBe(13);
    expect(calls).toEqual(["1:10", "2:11", "3:12"]);
  });

  it("shows its iterations in the checkpoints", async () => {
    const storage = new StorageMemory();
    let failing: number | undefined = 3;
    const workflow = new DotFlow({ workflowId: "job", storage });
    workflow.task.add(counter(4, [], () => failing)).add(action({ name: "once" }, () => 1));
    await workflow.start();
    expect(await workflow.checkpoints.steps()).toMatchObject([
      { id: "count", status: "failed", iterations: 2 },
      { id: "once", status: "skipped", iterations: undefined },
    ]);
    failing = undefined;
    await workflow.start({ resume: true });
    const steps = await workflow.checkpoints.steps();
    expect(Object.fromEntries(steps.map(({ id, iterations }) => [id, iterations]))).toEqual({ count: 4, once: 1 });
  });

  it("costs the same for every iteration, however many there were", { timeout: 60_000 }, async () => {
    const operations = async (iterations: number): Promise<number> => {
      const storage = faultyStorage(new StorageMemory());
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task.add(counter(iterations));
      expect(await (await workflow.start()).output()).toBe(iterations);
      return Object.values(storage.operations).reduce((sum, count) => sum + count);
    };
    const [none, few, many] = [await operations(10), await operations(110), await operations(1_110)];
    expect((few - none) / 100).toBe(1);
    expect((many - few) / 1_000).toBe(1);
  });
});

describe("maxIterations", () => {
  it("fails the task after the last iteration that it allows was saved; a higher limit goes on there", async () => {
    const storage = new StorageMemory();
    const calls: string[] = [];
    const start = (maxIterations: number | undefined): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task.add(counter(5, calls), { maxIterations });
      return workflow.start({ resume: true });
    };
    const result = await start(2);
    expect(calls.splice(0)).toEqual(["1:0", "2:1"]);
    expect(result.tasks[0]).toMatchObject({ status: "failed", iterations: 2 });
    expect(result.tasks[0]?.errors).toMatchObject([
      { name: "MaxIterationsError", code: "MAX_ITERATIONS", workflowId: "job", taskId: "count", runId: result.runId },
    ]);
    // The same limit, and a lower one, leave it as it is.
    expect((await start(2)).tasks[0]).toMatchObject({ status: "failed", attempts: 0, iterations: 2 });
    expect((await start(1)).tasks[0]).toMatchObject({ status: "failed", attempts: 0, iterations: 2 });
    expect(calls).toEqual([]);
    expect((await start(4)).tasks[0]).toMatchObject({ status: "failed", iterations: 4 });
    expect(calls.splice(0)).toEqual(["3:2", "4:3"]);
    const last = await start(undefined);
    expect(calls).toEqual(["5:4"]);
    expect(await last.output()).toBe(5);
  });

  it("lets a task pass that needs just as many", async () => {
    const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
    workflow.task.add(counter(3), { maxIterations: 3 });
    expect(await (await workflow.start()).output()).toBe(3);
  });

  it.each([0, -1, 1.5, Number.NaN])("can't be %s", (maxIterations) => {
    const workflow = new DotFlow({ workflowId: "job" });
    expect(() => workflow.task.add(counter(1), { maxIterations })).toThrow("The option maxIterations");
  });
});

it("fails a step that calls step.again and forgets the return, and saves nothing of it", async () => {
  const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
  workflow.task.add(
    action({ name: "a" }, (_previous, step) => {
      // As JavaScript lets one write it.
      void (step.again as (value: unknown) => unknown).call(step, 1);
      return 2;
    }),
  );
  const result = await workflow.start();
  expect(result.tasks[0]?.errors).toMatchObject([
    {
      code: "INVALID_WORKFLOW",
      message: '"a" called step.again and gave something else. Write return step.again(value).',
    },
  ]);
  expect(await workflow.checkpoints.info()).toMatchObject({ completed: [], failed: ["a"] });
});

it("fails a step that asks to run again with what can't be saved, with the path to it", async () => {
  const workflow = new DotFlow({ workflowId: "job", storage: new StorageMemory() });
  workflow.task.add(action({ name: "a", retry: 3 }, (_previous, step) => step.again({ list: [() => 1] })));
  const result = await workflow.start();
  expect(result.tasks[0]).toMatchObject({ status: "failed", attempts: 1 });
  expect(result.tasks[0]?.errors).toMatchObject([{ code: "SERIALIZATION" }]);
});

function schemaOf(accepts: (value: unknown) => boolean): StandardSchemaV1 {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => (accepts(value) ? { value } : { issues: [{ message: "It does not fit." }] }),
    },
  };
}
