// Guarantee 13, its second half. The first, tasks that `when` skips, comes with `when` itself.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type StepContext, type Storage, type WorkflowEvent } from "dotflow";
import { type ManualClock, manualClock } from "dotflow/testing";
import { contentsOf, eachStorage, keysOf } from "../storages.ts";
import { whileAdvancing } from "./time.ts";

/** An attempt that is under way, and how it is to end. */
interface Attempt {
  readonly step: StepContext;
  readonly give: (value: unknown) => void;
  readonly fail: (error: Error) => void;
}

describe("13. A task skipped by `when` stays skipped on resume. A timed-out attempt's late result is not recorded", () => {
  eachStorage((_name, open) => {
    it("given while the next attempt is under way: the next one's counts", async () => {
      const { clock, workflow, begun } = slowStep(open(), { retry: 2 });
      const ended = workflow.start();
      const first = await begun(1);
      await clock.advance("10s");
      expect(first.step.signal.aborted).toBe(true);
      expect(first.step.signal.reason).toMatchObject({ code: "STEP_TIMEOUT", taskId: "slow" });
      const second = await begun(2);
      expect(second.step.signal.aborted).toBe(false);
      first.give("late");
      await clock.advance("1s");
      expect(await recorded(open())).toEqual([]);
      second.give("in time");
      const result = await ended;
      expect(await result.output()).toBe("after in time");
      expect(result.tasks[0]).toMatchObject({ status: "completed", attempts: 2, errors: [{ code: "STEP_TIMEOUT" }] });
      expect((await workflow.checkpoints.read("slow")).storage).toBe("in time");
    });

    it("given after the next attempt, and after the run: nothing changes any more", async () => {
      const { clock, workflow, begun } = slowStep(open(), { retry: 3 });
      const ended = workflow.start();
      const attempts = [await begun(1)];
      await clock.advance("10s");
      attempts.push(await begun(2));
      await clock.advance("10s");
      (await begun(3)).give("in time");
      attempts[0]?.give("very late");
      const result = await ended;
      const before = await contentsOf(open());
      attempts[1]?.fail(new Error("late failure"));
      await clock.advance("1h");
      expect(await contentsOf(open())).toEqual(before);
      expect(await result.output()).toBe("after in time");
    });

    it.each(["gives a value", "fails"] as const)(
      "the last attempt %s too late: the task failed, and what follows was not run",
      async (late) => {
        const { clock, workflow, begun, called } = slowStep(open(), { retry: 1 });
        const ended = workflow.start();
        const attempt = await begun(1);
        await clock.advance("10s");
        const result = await ended;
        expect(result.tasks.map(({ status }) => status)).toEqual(["failed", "skipped"]);
        expect(result.tasks[0]?.errors).toMatchObject([
          { code: "STEP_TIMEOUT", taskId: "slow", workflowId: "job", runId: result.runId },
        ]);
        if (late === "fails") attempt.fail(new Error("late"));
        else attempt.give("late");
        await clock.advance("1h");
        expect(await recorded(open())).toEqual([]);
        expect((await result.context("slow")).storage).toBeNull();
        expect(called).toEqual([]);

        const again = slowStep(open(), { retry: 1 });
        const resumed = again.workflow.start({ resume: true });
        (await again.begun(1)).give("in time");
        expect(await (await resumed).output()).toBe("after in time");
      },
    );

    it("given while the process that resumes runs the step again: the value of the resume counts", async () => {
      const first = slowStep(open(), { retry: 1 });
      const failing = first.workflow.start();
      const late = await first.begun(1);
      await first.clock.advance("10s");
      expect((await failing).status).toBe("failed");
      const second = slowStep(open(), { retry: 1 });
      const resumed = second.workflow.start({ resume: true });
      const attempt = await second.begun(1);
      expect(attempt.step.idempotencyKey).toBe(late.step.idempotencyKey);
      late.give("late");
      attempt.give("in time");
      expect(await (await resumed).output()).toBe("after in time");
    });

    it("a time-out is retried like any error, and events tell", async () => {
      const events: WorkflowEvent[] = [];
      const { clock, workflow, begun } = slowStep(open(), { retry: 4, events });
      const ended = workflow.start();
      for (let number = 1; number <= 4; number++) {
        expect((await begun(number)).step.attempt).toBe(number);
        await clock.advance("10s");
      }
      expect((await ended).tasks[0]).toMatchObject({ status: "failed", attempts: 4 });
      expect(events.filter(({ type }) => type === "step.retrying")).toHaveLength(3);
      expect(events.filter(({ type }) => type === "step.failed")).toHaveLength(1);
      expect(events.filter(({ type }) => type === "step.completed" || type === "checkpoint.created")).toEqual([]);
    });

    it("a step that ends in time is not touched by its time-out", async () => {
      const { clock, workflow, begun } = slowStep(open(), { retry: 2 });
      const ended = workflow.start();
      const attempt = await begun(1);
      await clock.advance("9s");
      attempt.give("in time");
      const result = await whileAdvancing(clock, ended);
      await clock.advance("1h");
      expect(attempt.step.signal.aborted).toBe(false);
      expect(result.tasks[0]).toMatchObject({ status: "completed", attempts: 1, errors: [] });
    });

    it("what a cancelled run's step gives in two seconds is kept, what it gives later is not", async () => {
      for (const [seconds, status] of [
        ["1s", "completed"],
        ["3s", "cancelled"],
      ] as const) {
        const controller = new AbortController();
        const { clock, workflow, begun } = slowStep(open(), { retry: 2, workflowId: `job ${seconds}` });
        const ended = workflow.start({ signal: controller.signal });
        const attempt = await begun(1);
        controller.abort(new Error("enough"));
        expect(attempt.step.signal.reason).toMatchObject({ message: "enough" });
        await clock.advance(seconds);
        attempt.give("given");
        const result = await whileAdvancing(clock, ended);
        expect(result.status).toBe("cancelled");
        expect(result.tasks.map((task) => task.status)).toEqual([status, "pending"]);
        expect((await workflow.checkpoints.info()).completed).toEqual(status === "completed" ? ["slow"] : []);
      }
    });
  });
});

interface SlowOptions {
  readonly retry: number;
  readonly workflowId?: string;
  readonly events?: WorkflowEvent[];
}

/** A step that ends when the test says so, with a time-out of ten seconds, and one that follows it. */
function slowStep(storage: Storage, { retry, workflowId = "job", events = [] }: SlowOptions) {
  const clock: ManualClock = manualClock();
  const attempts: Attempt[] = [];
  const called: string[] = [];
  let look = (): void => {};
  const workflow = new DotFlow({
    workflowId,
    storage: clock.watch(storage),
    clock,
    observers: [{ onEvent: (event) => void events.push(event) }],
  });
  const slow = action({ name: "slow", timeout: "10s", retry, retryDelay: 0 }, (_: Context, step) => {
    void step.signal;
    return new Promise((give, fail) => {
      attempts.push({ step, give, fail });
      look();
    });
  });
  workflow.task.add(slow);
  workflow.task.add(
    action({ name: "after" }, (previous: Context) => {
      called.push("after");
      return `after ${String(previous.storage)}`;
    }),
  );
  /** Resolves when the attempt with that number has begun; the clock is moved on for the delay before it. */
  const begun = async (number: number): Promise<Attempt> => {
    const arrived = new Promise<void>((resolve) => (look = resolve));
    if (attempts.length < number) await Promise.race([arrived, clock.advance(0).then(() => arrived)]);
    return attempts[number - 1] as Attempt;
  };
  return { clock, workflow, begun, called };
}

async function recorded(storage: Storage): Promise<string[]> {
  return (await keysOf(storage)).filter((key) => key.includes("/steps/"));
}
