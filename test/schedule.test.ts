// Schedules, driven by a clock that is moved by hand: when runs begin, what overlaps, and how a schedule ends.
import { action, Checkpoints, DotFlow, type RunResult, type Schedule, StorageMemory, type Tick } from "dotflow";
import type { Context, DotFlowOptions, Observer, ScheduleOptions, StepContext, Storage, WorkflowEvent } from "dotflow";
import { faultyStorage, manualClock, type ManualClock } from "dotflow/testing";
import { afterEach, describe, expect, it } from "vitest";
import { gateOf } from "./guarantees/time.ts";

const hour = 60 * 60 * 1_000;
const schedules: Schedule[] = [];

afterEach(async () => {
  await Promise.all(schedules.splice(0).map((schedule) => schedule.stop({ cancel: true })));
});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}

/** A workflow of one step, its schedule, and what came of it. */
class Scene {
  readonly clock: ManualClock;
  readonly storage: Storage;
  readonly warnings: string[] = [];
  readonly ticks: string[] = [];
  readonly results: RunResult[] = [];
  readonly errors: unknown[] = [];
  readonly workflow: DotFlow;
  /** What the step does. */
  work: (signal: AbortSignal, initial: unknown) => unknown = () => {};

  constructor(start: string, options: DotFlowOptions = {}) {
    this.clock = manualClock(new Date(start));
    this.storage = options.storage ?? new StorageMemory();
    const onEvent = (event: WorkflowEvent): void => {
      if (event.type === "warning") this.warnings.push(event.message);
    };
    const observers: Observer[] = [{ onEvent }];
    this.workflow = new DotFlow({
      workflowId: "job",
      clock: this.clock,
      storage: this.storage,
      observers,
      ...options,
    });
    const work = (signal: AbortSignal, initial: unknown): unknown => this.work(signal, initial);
    this.workflow.task.add(
      action(async function step(_previous: Context, { signal, initial }: StepContext) {
        return work(signal, initial.storage);
      }),
    );
  }

  async schedule(options: Partial<ScheduleOptions> = {}): Promise<Schedule> {
    const schedule = this.workflow.schedule({
      cron: "0 * * * *",
      timezone: "UTC",
      onResult: (result: RunResult, tick: Tick) => {
        this.results.push(result);
        this.ticks.push(tick.scheduledAt.toISOString());
      },
      onError: (error) => this.errors.push(error),
      ...options,
    });
    schedules.push(schedule);
    return schedule;
  }
}

describe("the times of a schedule", () => {
  it("begin a new run each, and are told beforehand", async () => {
    const scene = new Scene("2026-11-21T08:59:30Z");
    const schedule = await scene.schedule();
    expect(schedule.next).toEqual(new Date("2026-11-21T09:00:00Z"));
    await scene.clock.advance("29s");
    expect(scene.results).toEqual([]);
    await scene.clock.advance("1s");
    expect(schedule.next).toEqual(new Date("2026-11-21T10:00:00Z"));
    await scene.clock.advance("2h");
    expect(scene.ticks).toEqual(["2026-11-21T09:00:00.000Z", "2026-11-21T10:00:00.000Z", "2026-11-21T11:00:00.000Z"]);
    expect(new Set(scene.results.map(({ runId }) => runId)).size).toBe(3);
    expect(scene.results.map(({ status, succeeded }) => `${status} ${succeeded}`)).toEqual(
      Array(3).fill("completed 1"),
    );
    expect(await scene.workflow.checkpoints.runs()).toHaveLength(3);
  });

  it.each([
    // In Berlin 02:00 to 03:00 is left out on 29 March 2026, and comes twice on 25 October.
    [
      "a fixed time that is left out, right after the gap",
      "30 2 * * *",
      "2026-03-28T20:00:00Z",
      ["03-29T01:00", "03-30T00:30"],
    ],
    ["a fixed time that comes twice, once", "30 2 * * *", "2026-10-24T20:00:00Z", ["10-25T00:30", "10-26T01:30"]],
    [
      "each of a list of fixed times that come twice, once",
      "0,30 2 * * *",
      "2026-10-24T20:00:00Z",
      ["10-25T00:00", "10-25T00:30", "10-26T01:00", "10-26T01:30"],
    ],
    [
      "every hour through the gap",
      "30 * * * *",
      "2026-03-28T23:00:00Z",
      ["03-28T23:30", "03-29T00:30", "03-29T01:30", "03-29T02:30"],
    ],
    [
      "every hour through the hour that comes twice",
      "30 * * * *",
      "2026-10-24T23:00:00Z",
      ["10-24T23:30", "10-25T00:30", "10-25T01:30", "10-25T02:30"],
    ],
    ["six fields, to the second", "15 30 2 * * *", "2026-10-24T20:00:00Z", ["10-25T00:30", "10-26T01:30"]],
  ])("go by the time zone: %s", async (_what, cron, start, expected) => {
    const scene = new Scene(start);
    await scene.schedule({ cron, timezone: "Europe/Berlin" });
    await scene.clock.advance(cron.startsWith("30 *") ? 4 * hour - 1 : "36h");
    expect(scene.ticks.map((tick) => tick.slice(5, 16))).toEqual(expected);
  });

  it("that went by while the machine slept are made up for once", async () => {
    const scene = new Scene("2026-11-21T09:30:00Z");
    const schedule = await scene.schedule();
    scene.clock.jump(5.5 * hour);
    await scene.clock.advance("30s");
    expect(scene.ticks).toEqual(["2026-11-21T10:00:00.000Z"]);
    expect(schedule.next).toEqual(new Date("2026-11-21T16:00:00Z"));
    await scene.clock.advance("1h");
    expect(scene.ticks).toHaveLength(2);
  });

  it("may be further away than a timer of Node reaches", async () => {
    const scene = new Scene("2026-01-02T00:00:00Z");
    const schedule = await scene.schedule({ cron: "0 0 1 1 *" });
    expect(schedule.next).toEqual(new Date("2027-01-01T00:00:00Z"));
    await scene.clock.advance("1h");
    expect(scene.ticks).toEqual([]);
    scene.clock.jump(364 * 24 * hour);
    await scene.clock.advance("30s");
    expect(scene.ticks).toEqual(["2027-01-01T00:00:00.000Z"]);
  });

  it("do not come twice when the clock is set back a little", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    await scene.schedule();
    await scene.clock.advance("2m");
    scene.clock.jump(-10 * 60_000);
    await scene.clock.advance("30m");
    expect(scene.ticks).toEqual(["2026-11-21T10:00:00.000Z"]);
  });

  it("are planned anew when the clock was wrong by far", async () => {
    const scene = new Scene("2036-11-21T09:59:00Z");
    const schedule = await scene.schedule();
    scene.clock.jump(Date.parse("2026-11-21T09:59:00Z") - Date.parse("2036-11-21T09:59:00Z"));
    await scene.clock.advance("30s");
    expect(schedule.next).toEqual(new Date("2026-11-21T10:00:00Z"));
    await scene.clock.advance("30s");
    expect(scene.ticks).toEqual(["2026-11-21T10:00:00.000Z"]);
  });

  it("end the schedule when there are no more", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const schedule = await scene.schedule({ cron: "2026-11-21T10:00:00" });
    const gate = gateOf();
    scene.work = () => gate.opened;
    await scene.clock.advance("2m");
    expect(schedule).toMatchObject({ next: undefined, running: 1 });
    gate.open();
    await schedule.finished;
    expect(scene.results.map(({ status }) => status)).toEqual(["completed"]);
    expect(scene.clock.waiting).toBe(0);
  });
});

describe("a run that is due while the one before still goes on", () => {
  it("is left out by default, which is a warning", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const schedule = await scene.schedule();
    await scene.clock.advance("2h");
    expect(schedule.running).toBe(1);
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T11:00:00.000Z was left out: the run before it still goes on.",
    ]);
    gate.open();
    await scene.clock.advance("1h");
    expect(scene.ticks).toEqual(["2026-11-21T10:00:00.000Z", "2026-11-21T12:00:00.000Z"]);
  });

  it("waits with queue, one at most, and begins right after it", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const schedule = await scene.schedule({ overlap: "queue" });
    await scene.clock.advance("3h");
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T12:00:00.000Z was left out: the run before it still goes on.",
    ]);
    expect(schedule.running).toBe(1);
    gate.open();
    await expect.poll(() => scene.ticks).toEqual(["2026-11-21T10:00:00.000Z", "2026-11-21T11:00:00.000Z"]);
    await scene.clock.advance("1h");
    expect(scene.ticks.at(-1)).toBe("2026-11-21T13:00:00.000Z");
  });

  it("runs beside it with parallel, under an id of its own, up to the limit", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const schedule = await scene.schedule({ overlap: "parallel", limit: 2 });
    await scene.clock.advance("3h");
    expect(schedule.running).toBe(2);
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T12:00:00.000Z was left out: 2 runs still go on.",
    ]);
    gate.open();
    await expect.poll(() => scene.results.map(({ workflowId }) => workflowId).sort()).toEqual(["job", "job#2"]);
    await scene.clock.advance("1h");
    expect(scene.results.at(-1)?.workflowId).toBe("job");
    const beside = new Checkpoints(scene.storage, { workflowId: "job#2" });
    expect(await beside.info()).toMatchObject({ status: "completed", completed: ["step"] });
    expect(await scene.workflow.checkpoints.runs()).toHaveLength(2);
  });

  it.each(["skip", "queue"] as const)("elsewhere is left out, with %s", async (overlap) => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const elsewhere = scene.workflow.start();
    await scene.schedule({ overlap });
    await scene.clock.advance("2m");
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T10:00:00.000Z was left out: another process drives this workflow.",
    ]);
    expect(scene.errors).toEqual([]);
    gate.open();
    await elsewhere;
    await scene.clock.advance("1h");
    expect(scene.ticks).toEqual(["2026-11-21T11:00:00.000Z"]);
  });

  it("elsewhere counts for the limit of parallel", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const elsewhere = scene.workflow.start();
    await scene.schedule({ overlap: "parallel", limit: 2 });
    await scene.clock.advance("2h");
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T11:00:00.000Z was left out: another process drives this workflow.",
    ]);
    gate.open();
    await elsewhere;
    await expect.poll(() => scene.results.map(({ workflowId }) => workflowId)).toEqual(["job#2"]);
  });
});

describe("resume", () => {
  it("true goes on with a run that failed, and begins a new one after one that completed", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    let due = 0;
    scene.workflow.task.add(
      action(function second() {
        if (++due === 1) throw new Error("not yet");
      }),
    );
    await scene.schedule({ resume: true });
    await scene.clock.advance("3h");
    expect(scene.results.map(({ status, restored, succeeded }) => `${status} ${restored} ${succeeded}`)).toEqual([
      "failed 0 1",
      "completed 1 1",
      "completed 0 2",
    ]);
    const [first, second, third] = scene.results.map(({ runId }) => runId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it("false leaves a run that failed, and begins a new one", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    scene.work = () => {
      throw new Error("never");
    };
    await scene.schedule();
    await scene.clock.advance("2h");
    expect(new Set(scene.results.map(({ runId }) => runId)).size).toBe(2);
    expect(scene.results.map(({ status }) => status)).toEqual(["failed", "failed"]);
  });

  it("takes the initial context of the tick for a new run, and the saved one for a resumed run", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const seen: unknown[] = [];
    scene.work = (_signal, initial) => {
      seen.push(initial);
      if (seen.length === 1) throw new Error("not yet");
    };
    await scene.schedule({ resume: true, initialContext: ({ scheduledAt }: Tick) => scheduledAt });
    await scene.clock.advance("3h");
    expect(seen).toEqual(["10", "10", "12"].map((at) => new Date(`2026-11-21T${at}:00:00Z`)));
  });
});

describe("stop", () => {
  it("lets the run that goes on end, and begins no other", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    scene.work = () => gate.opened;
    const schedule = await scene.schedule({ overlap: "queue" });
    await scene.clock.advance("2h");
    let isFinished = false;
    const stopped = schedule.stop().then(() => (isFinished = true));
    expect(schedule).toMatchObject({ next: undefined, running: 1 });
    await scene.clock.advance("2h");
    expect(isFinished).toBe(false);
    expect(scene.warnings).toEqual([
      "The run that was due at 2026-11-21T11:00:00.000Z was left out: the schedule was stopped.",
    ]);
    gate.open();
    await stopped;
    await schedule.finished;
    expect(scene.results.map(({ status }) => status)).toEqual(["completed"]);
    expect(schedule.running).toBe(0);
    expect(scene.clock.waiting).toBe(0);
  });

  it("with cancel ends the run too, also after a stop without", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    scene.work = untilAborted;
    const schedule = await scene.schedule();
    await scene.clock.advance("2m");
    void schedule.stop();
    await schedule.stop({ cancel: true });
    expect(scene.results.map(({ status }) => status)).toEqual(["cancelled"]);
  });

  it("comes of the signal as well", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    scene.work = untilAborted;
    const controller = new AbortController();
    const schedule = await scene.schedule({ signal: controller.signal });
    await scene.clock.advance("2m");
    controller.abort();
    await schedule.finished;
    expect(scene.results.map(({ status }) => status)).toEqual(["cancelled"]);
  });

  it("of a schedule between runs ends at once, and again", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const schedule = await scene.schedule();
    await schedule.stop();
    await schedule.stop({ cancel: true });
    await scene.clock.advance("2h");
    expect(scene.results).toEqual([]);
    expect(scene.clock.waiting).toBe(0);
  });

  it("waits for what onResult does", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const gate = gateOf();
    const schedule = await scene.schedule({ onResult: () => gate.opened });
    await scene.clock.advance("2m");
    let isFinished = false;
    const stopped = schedule.stop().then(() => (isFinished = true));
    await scene.clock.advance("1s");
    expect(isFinished).toBe(false);
    gate.open();
    await stopped;
  });
});

describe("an error", () => {
  it("of a storage is given to onError and to observers, and the schedule goes on", async () => {
    const storage = faultyStorage(new StorageMemory());
    const scene = new Scene("2026-11-21T09:59:00Z", { storage });
    storage.inject({ operation: "create", kind: "fail" });
    await scene.schedule();
    await scene.clock.advance("2h");
    expect(scene.errors).toMatchObject([{ code: "STORAGE" }]);
    expect(scene.warnings).toEqual([
      expect.stringContaining("The run that was due at 2026-11-21T10:00:00.000Z could not go on: "),
    ]);
    expect(scene.ticks).toEqual(["2026-11-21T11:00:00.000Z"]);
  });

  it("of a storage that nobody is told of is a warning of the process", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    try {
      const storage = faultyStorage(new StorageMemory());
      const scene = new Scene("2026-11-21T09:59:00Z", { storage, observers: [] });
      storage.inject({ operation: "create", kind: "fail" });
      await scene.schedule({ onError: undefined });
      await scene.clock.advance("2m");
      await expect.poll(() => warnings.map(({ name }) => name)).toEqual(["DotFlowWarning"]);
      expect(warnings[0]?.message).toContain('Workflow "job": The run that was due at 2026-11-21T10:00:00.000Z');
    } finally {
      process.off("warning", note);
    }
  });

  it("of a callback is a warning, and the schedule goes on", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    let calls = 0;
    await scene.schedule({
      onResult: () => {
        calls++;
        throw new Error("no mail today");
      },
    });
    await scene.clock.advance("2h");
    expect(calls).toBe(2);
    expect(scene.warnings).toEqual(Array(2).fill("onResult failed: no mail today"));
  });
});

describe("options", () => {
  it.each<[string, object]>([
    ['The option cron is "every hour", which is not a pattern', { cron: "every hour" }],
    ['The option cron is "61 * * * *", which is not a pattern', { cron: "61 * * * *" }],
    ["The option cron is undefined", { cron: undefined }],
    ['The option cron is " "', { cron: " " }],
    ['The option cron is "0 0 31 2 *", and no time to come fits it', { cron: "0 0 31 2 *" }],
    ['The option timezone is "Mars/Olympus", which this machine does not know', { timezone: "Mars/Olympus" }],
    ['The option timezone is ""', { timezone: "" }],
    ["The option timezone is 1", { timezone: 1 }],
    ['The option overlap is "never"', { overlap: "never" }],
    ["The option limit is 0", { overlap: "parallel", limit: 0 }],
    ['The option limit goes with overlap: "parallel"', { limit: 2 }],
    ['The option resume is "required"', { resume: "required" }],
    ['The mode of a schedule is "background"', { mode: "background" }],
    ["The option deadline of a schedule is a duration", { deadline: new Date() }],
    ["The option deadline is", { deadline: "soon" }],
    ["The option onResult is 1", { onResult: 1 }],
    ["The option onError is 1", { onError: 1 }],
    ["The option signal is 1", { signal: 1 }],
    ["The option concurrency is 0", { concurrency: 0 }],
    ['schedule has no option "from"', { from: "step" }],
    ['schedule has no option "crone"', { crone: "* * * * *" }],
  ])("are refused: %s", async (message, options) => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    const refused = await scene.schedule(options).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "INVALID_WORKFLOW", message: expect.stringContaining(message) });
    expect(scene.clock.waiting).toBe(0);
  });

  it("of a start hold for every run", async () => {
    const scene = new Scene("2026-11-21T09:59:00Z");
    scene.workflow.task.add(action(function second() {}));
    await scene.schedule({ deadline: 0 });
    await scene.clock.advance("2h");
    expect(scene.results.map(({ status }) => status)).toEqual(["suspended", "suspended"]);
  });
});
