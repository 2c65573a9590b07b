// An observer that is slow, or hangs, is bounded: its events wait in line, then they are dropped, and the losses are told.
import { describe, expect, it } from "vitest";
import { DotFlow, type Observer, type WorkflowEvent } from "dotflow";
import { manualClock } from "dotflow/testing";
import { Observers } from "../../src/observers.ts";
import { Notebook } from "../guarantees/notebook.ts";

const never = (): Promise<never> => new Promise(() => {});

describe("A slow observer", () => {
  it("has at most 1,000 promises pending; 10,000 events wait in line, in order, and come as it goes on", async () => {
    const { observers, emit } = observed();
    const heard: number[] = [];
    const releases: (() => void)[] = [];
    const slow: Observer = {
      onEvent: (event) => {
        heard.push(numberOf(event));
        return new Promise<void>((resolve) => releases.push(resolve));
      },
    };
    const line = observers([slow]);
    for (let number = 0; number < 1_500; number++) emit(line, number);
    expect(heard).toHaveLength(1_000);
    while (releases.length > 0) {
      releases.shift()?.();
      await Promise.resolve();
    }
    await line.settle();
    expect(heard).toEqual(Array.from({ length: 1_500 }, (_, number) => number));
  });

  it("that hangs is not handed what no longer fits, and one warning at the end names it and says how much that was", async () => {
    const { clock, observers, emit } = observed();
    let handed = 0;
    const hanging: Observer = {
      name: "slack",
      onEvent: () => {
        handed++;
        return never();
      },
    };
    const warnings: string[] = [];
    const heard = {
      onEvent: (event: WorkflowEvent) => void (event.type === "warning" && warnings.push(event.message)),
    };
    const line = observers([hanging, heard]);
    for (let number = 0; number < 11_007; number++) emit(line, number);
    expect(handed).toBe(1_000);
    const settled = line.settle();
    await clock.untilWaiting(1, "5s");
    await clock.advance("5s");
    await settled;
    expect(warnings).toEqual([
      'The observer "slack" was too slow: 7 events and attempts were not handed to it.',
      expect.stringMatching(/5 seconds after the end of the run.*the observer "slack" with 11000\.$/),
    ]);
  });

  it("gets what waits in line at once where it turns fast again", async () => {
    const { observers, emit } = observed();
    const heard: number[] = [];
    let release = (): void => {};
    const first = new Promise<void>((resolve) => (release = resolve));
    const line = observers([
      {
        onEvent: (event) => {
          heard.push(numberOf(event));
          return heard.length <= 1_000 ? first : undefined;
        },
      },
    ]);
    for (let number = 0; number < 3_000; number++) emit(line, number);
    release();
    await line.settle();
    expect(heard).toHaveLength(3_000);
  });

  it("does not have the time of the steps counted that it wraps", async () => {
    const { observers } = observed();
    let wrapped = 0;
    let release = (): void => {};
    const opened = new Promise<void>((resolve) => (release = resolve));
    const line = observers([
      {
        aroundStep: (_, next) => {
          wrapped++;
          return next();
        },
      },
    ]);
    const attempts = Array.from({ length: 2_000 }, (_, number) => line.around(stepOf(number), () => opened));
    expect(wrapped).toBe(2_000);
    release();
    await Promise.all(attempts);
    await line.settle();
  });

  it("that hangs around steps that have ended is not put around more of them than 1,000", async () => {
    const { clock, observers } = observed();
    let wrapped = 0;
    const warnings: string[] = [];
    const line = observers([
      {
        name: "tracer",
        aroundStep: async (_, next) => {
          wrapped++;
          await next();
          await never();
        },
      },
      { onEvent: (event) => void (event.type === "warning" && warnings.push(event.message)) },
    ]);
    let done = 0;
    for (let number = 0; number < 1_003; number++) {
      await line.around(stepOf(number), async () => done++);
      // Counted is what hangs behind the attempt.
      await Promise.resolve();
    }
    expect([wrapped, done]).toEqual([1_000, 1_003]);
    const settled = line.settle();
    await clock.untilWaiting(1, "5s");
    await clock.advance("5s");
    await settled;
    expect(warnings[0]).toBe('The observer "tracer" was too slow: 3 events and attempts were not handed to it.');
  });

  it("changes nothing in a run of 2,000 tasks, whose end waits five seconds for it", async () => {
    const clock = manualClock();
    const warnings: string[] = [];
    const heard: Observer = { onEvent: (event) => void (event.type === "warning" && warnings.push(event.message)) };
    const workflow = new DotFlow({ clock, observers: [{ name: "hanging", onEvent: never }, heard] });
    const notes = new Notebook();
    for (let number = 0; number < 2_000; number++) workflow.task.add(notes.step(`step-${number}`, () => number));
    const started = workflow.start({ mode: "parallel" });
    await clock.untilWaiting(1, "5s");
    await clock.advance("5s");
    const result = await started;
    expect([result.status, result.succeeded, notes.called().length]).toEqual(["completed", 2_000, 2_000]);
    expect(warnings).toEqual([expect.stringContaining('the observer "hanging" with ')]);
  });
});

describe("An observer", () => {
  it("may have a name, a note or a wrapper that can't even be looked at", async () => {
    const thorny = {} as Observer;
    for (const member of ["name", "note", "onEvent", "aroundStep"]) {
      Object.defineProperty(thorny, member, {
        get: () => {
          throw new Error("thorny");
        },
      });
    }
    const warnings: string[] = [];
    const heard: Observer = { onEvent: (event) => void (event.type === "warning" && warnings.push(event.message)) };
    const workflow = new DotFlow({ observers: [thorny, heard] });
    workflow.task.add(new Notebook().step("step", () => 1));
    expect((await workflow.start()).status).toBe("completed");
    expect(warnings).toContain("Observer 1 failed with its note: thorny");
    expect(warnings).toContain('Observer 1 failed at "run.started": thorny');
  });

  it("can't change what another one is told of a step, a map or a resumed run", async () => {
    const frozen: boolean[] = [];
    const spy: Observer = {
      name: "spy",
      note: () => "note",
      onEvent: (event) => {
        frozen.push(Object.isFrozen(event));
        if (event.type === "step.progressed") frozen.push(Object.isFrozen(event.items));
        if (event.type === "run.resumed") frozen.push(Object.isFrozen(event.notes));
      },
      aroundStep: (step, next) => {
        frozen.push(Object.isFrozen(step));
        return next();
      },
    };
    const workflow = new DotFlow({ observers: [spy] });
    workflow.task.map(
      new Notebook().step("map", () => 1),
      { over: () => [1, 2] },
    );
    await workflow.start();
    await workflow.start({ resume: true });
    expect(frozen.length).toBeGreaterThan(8);
    expect(frozen).not.toContain(false);
  });
});

function observed() {
  const clock = manualClock();
  const observers = (list: Observer[]): Observers => new Observers(list, clock, "w");
  const emit = (line: Observers, number: number): void => line.emit({ type: "checkpoint.deleted", count: number });
  return { clock, observers, emit };
}

function numberOf(event: WorkflowEvent): number {
  return event.type === "checkpoint.deleted" ? event.count : -1;
}

function stepOf(number: number) {
  const base = { workflowId: "w", runId: "r", name: "step", attempt: 1, iteration: 1, item: undefined };
  return { ...base, taskId: `task-${number}` };
}
