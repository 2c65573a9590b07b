// How a start begins and ends: what it refuses, in the background, until it is told to stop, and what it gives.
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import {
  action,
  DotFlow,
  type GraphMode,
  type RunHandle,
  type RunResult,
  type StartOptions,
  type Storage,
  type TaskResult,
} from "dotflow";
import { faultyStorage, type ManualClock, manualClock } from "dotflow/testing";
import { Notebook } from "./guarantees/notebook.ts";
import { gateOf, whileAdvancing } from "./guarantees/time.ts";
import { eachStorage } from "./storages.ts";

const chain = ["a", "b", "c", "d"];

eachStorage((_name, open) => {
  describe("a start", () => {
    it.each([
      ["an unknown mode", { mode: "serial" as GraphMode }],
      ["an unknown option", { retries: 3 } as StartOptions],
      ["a task that is not there to begin from", { from: "z", resume: true }],
      ["from without resume", { from: "a" }],
      ["concurrency of 0", { concurrency: 0 }],
      ["a signal that is none", { signal: {} as AbortSignal }],
      ["a callback that is none", { onSuccess: "log" as unknown as () => void }],
    ])("refuses %s, and nothing is run", async (_, options: StartOptions) => {
      const notes = new Notebook();
      const flow = chained(open(), notes);
      await expect(flow.start(options)).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
      await expect(flow.start({ ...options, mode: options.mode ?? "background" })).rejects.toMatchObject({
        code: "INVALID_WORKFLOW",
      });
      expect(notes.called()).toEqual([]);
    });
  });

  describe("in the background", () => {
    it("gives a handle as soon as the run has begun", async () => {
      const gate = gateOf();
      const flow = chained(open(), new Notebook(), { inStep: () => gate.opened });
      const handle = await flow.start({ mode: "background" });
      expect(handle.status).toBe("running");
      expect(await flow.checkpoints.info()).toMatchObject({ status: "running", runId: handle.runId });
      await expect(flow.start()).rejects.toMatchObject({ code: "WORKFLOW_LOCKED", runId: handle.runId });
      gate.open();
      const result = await handle.result();
      expect(result).toMatchObject({ status: "completed", runId: handle.runId, succeeded: 4 });
      expect(handle.status).toBe("completed");
      expect(await handle.cancel()).toBe(result);
      expect((await (await flow.start({ mode: "background", resume: true })).result()).restored).toBe(4);
    });

    it("can be cancelled, and resumed", async () => {
      const notes = new Notebook();
      let handle: RunHandle | undefined;
      const flow = chained(open(), notes, { inStep: (id) => void (id === "b" && handle?.cancel(new Error("enough"))) });
      handle = await flow.start({ mode: "background" });
      const result = await handle.result();
      expect(result.tasks.map(({ status }) => status)).toEqual(["completed", "completed", "pending", "pending"]);
      expect([result.status, handle.status]).toEqual(["cancelled", "cancelled"]);
      expect((await flow.start({ resume: true })).restored).toBe(2);
    });

    it("rejects where the run can't begin, and later where it can't go on", async () => {
      const flow = chained(open(), new Notebook());
      await expect(flow.start({ mode: "background", resume: "required" })).rejects.toMatchObject({
        code: "NOTHING_TO_RESUME",
      });
      const storage = faultyStorage(open(), {
        faults: [{ operation: "create", key: /steps/, at: 2, times: Infinity, kind: "fail" }],
      });
      const handle = await chained(storage, new Notebook()).start({ mode: "background" });
      await expect(handle.result()).rejects.toMatchObject({ code: "STORAGE" });
      expect(handle.status).toBe("failed");
    });
  });

  describe("a signal", () => {
    it("that was aborted before: nothing is run, and a resume runs it all", async () => {
      const notes = new Notebook();
      const result = await chained(open(), notes).start({ signal: AbortSignal.abort() });
      expect(result).toMatchObject({ status: "cancelled", succeeded: 0 });
      for (const task of result.tasks) expect(task).toMatchObject({ status: "pending", reason: "not reached" });
      await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED" });
      expect(notes.called()).toEqual([]);
      expect((await chained(open(), notes).start({ resume: true })).succeeded).toBe(4);
    });

    it.each(["heeds it", "ends all the same", "ignores it"])("aborted in a step that %s", async (how) => {
      const clock = manualClock();
      const controller = new AbortController();
      const notes = new Notebook();
      const flow = chained(open(), notes, {
        clock,
        inStep: async (id, signal) => {
          if (id !== "b") return;
          controller.abort(new Error("enough"));
          if (how === "heeds it") signal.throwIfAborted();
          if (how === "ignores it") await new Promise(() => {});
        },
      });
      const result = await whileAdvancing(clock, flow.start({ signal: controller.signal }));
      const b = how === "ends all the same" ? "completed" : "cancelled";
      expect(result.tasks.map(({ status }) => status)).toEqual(["completed", b, "pending", "pending"]);
      expect(result.status).toBe("cancelled");
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
      notes.called();
      const resumed = await whileAdvancing(clock, chained(open(), notes, { clock }).start({ resume: true }));
      expect(resumed.status).toBe("completed");
      expect(notes.called()).toEqual(b === "completed" ? ["c", "d"] : ["b", "c", "d"]);
    });

    it("that is aborted between two attempts, and while it waits for another process", async () => {
      const clock = manualClock();
      const controller = new AbortController();
      const flow = new DotFlow({ workflowId: "job", storage: open(), clock });
      flow.task.add(action({ name: "step", retry: 2, retryDelay: "1h" }, () => Promise.reject(new Error("fails"))));
      const retrying = flow.start({ signal: controller.signal });
      await clock.untilWaiting(1, "1h");
      const waiting = new AbortController();
      const second = flow.start({ lock: "wait", signal: waiting.signal }).catch((error: unknown) => error);
      await clock.untilWaiting(1, "6s");
      waiting.abort();
      expect(await second).toMatchObject({ code: "WORKFLOW_LOCKED" });
      controller.abort();
      expect((await retrying).tasks).toMatchObject([
        { status: "cancelled", attempts: 1, errors: [{ message: "fails" }] },
      ]);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    });
  });

  describe("what it gives", () => {
    it("counts, times and reasons, for every way in which a task can end", async () => {
      const clock = manualClock();
      const begin = clock.now();
      const flow = (version: number, fails: string): DotFlow =>
        chained(open(), new Notebook(), { clock, version, fails, inStep: () => clock.jump(10) });
      const first = await flow(1, "c").start();
      expect(counts(first)).toEqual([2, 0, 1, 1]);
      expect(first.tasks.map(({ reason }) => reason)).toEqual([
        "no record",
        "no record",
        "failed with Error: c fails",
        '"c" failed',
      ]);
      expect(first.tasks[2]).toEqual({
        id: "c",
        name: "c",
        group: "default",
        status: "failed",
        attempts: 1,
        iterations: 0,
        items: undefined,
        errors: [new Error("c fails")],
        startedAt: new Date(begin + 20),
        finishedAt: new Date(begin + 30),
        durationMs: 10,
        reason: "failed with Error: c fails",
      });
      expect(first.tasks[3]).toMatchObject({ attempts: 0, errors: [], startedAt: undefined, durationMs: undefined });
      const second = await flow(1, "").start({ resume: true });
      expect(counts(second)).toEqual([2, 2, 0, 0]);
      expect(second.tasks.map(({ reason }) => reason)).toEqual([
        `restored from run ${first.runId}`,
        `restored from run ${first.runId}`,
        "no record",
        "no record",
      ]);
      const third = await flow(2, "").start({ resume: true, onChange: "rerun" });
      expect(third.tasks.map(({ reason }) => reason)).toEqual([
        `restored from run ${first.runId}`,
        "version 1 → 2",
        'follows from "b", which changed',
        'follows from "c", which changed',
      ]);
      const fourth = await flow(2, "").start({ resume: true, from: "c" });
      expect(fourth.tasks.map(({ reason }) => reason)).toEqual([
        `restored from run ${first.runId}`,
        `restored from run ${third.runId}`,
        "asked for with from",
        'follows from "c"',
      ]);
      await expect(fourth.context("z")).rejects.toMatchObject({ code: "WORKFLOW_FAILED", taskId: "z" });
    });

    it("calls the callback of each task that was executed, and onSuccess or onFailure once", async () => {
      const heard: string[] = [];
      const callback = ({ id, status, attempts, errors }: TaskResult): void =>
        void heard.push(`${id} ${status} ${attempts} ${errors.length}`);
      const ends: StartOptions = {
        onSuccess: ({ status }) => heard.push(`onSuccess ${status}`),
        onFailure: ({ status }) => heard.push(`onFailure ${status}`),
      };
      const begin = (fails: string, options: StartOptions): Promise<RunResult | RunHandle> =>
        chained(open(), new Notebook(), { fails, callback }).start({ ...ends, ...options });
      await begin("c", {});
      expect(heard.splice(0)).toEqual(["a completed 1 0", "b completed 1 0", "c failed 1 1", "onFailure failed"]);
      await begin("", { resume: true });
      expect(heard.splice(0)).toEqual(["c completed 1 0", "d completed 1 0", "onSuccess completed"]);
      await begin("b", { keepGoing: true });
      expect(heard.splice(0)).toEqual([
        "a completed 1 0",
        "b failed 1 1",
        "c completed 1 0",
        "d completed 1 0",
        "onFailure failed",
      ]);
      await begin("", { signal: AbortSignal.abort() });
      expect(heard).toEqual([]);
    });
  });
});

interface ChainOptions {
  readonly clock?: ManualClock;
  readonly version?: number;
  readonly fails?: string;
  readonly callback?: (result: TaskResult) => unknown;
  readonly inStep?: (id: string, signal: AbortSignal) => unknown;
}

/** a, b, c, d, one after the other; `version` is that of b. */
function chained(
  storage: Storage,
  notes: Notebook,
  { clock, version, fails, callback, inStep }: ChainOptions = {},
): DotFlow {
  const flow = new DotFlow({ workflowId: "job", storage: clock?.watch(storage) ?? storage, clock });
  for (const id of chain) {
    const step = notes.step(
      id,
      async (_, { signal }) => {
        await inStep?.(id, signal);
        if (id === fails) throw new Error(`${id} fails`);
      },
      { version: id === "b" ? version : undefined },
    );
    flow.task.add(step, callback && { callback });
  }
  return flow;
}

function counts({ succeeded, restored, failed, skipped }: RunResult): number[] {
  return [succeeded, restored, failed, skipped];
}
