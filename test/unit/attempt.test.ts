// One task, from its first attempt to its outcome.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { NonRetryableError, SerializationError } from "dotflow";
import { attempt, messagesOf, type Step, valueOf } from "./attempting.ts";

describe("a step", () => {
  it("is handed its previous value, its initial context and the facts of its execution", async () => {
    const seen: unknown[] = [];
    const { outcome } = attempt({}, (previous, step) => {
      seen.push(
        previous.storage,
        step.initial.storage,
        step.workflowId,
        step.runId,
        step.taskId,
        step.attempt,
        step.iteration,
      );
      return "done";
    });
    expect(valueOf(await outcome)).toBe("done");
    expect(seen).toEqual([1, 2, "w", "r", "t", 1, 1]);
  });

  it("gets a new copy at every attempt, and the same idempotency key", async () => {
    const seen: unknown[] = [];
    const keys = new Set<string>();
    const spoil: Step = (previous, step) => {
      const [given, initial] = [previous.storage as number[], step.initial.storage as number[]];
      seen.push([...given, ...initial, step.initial === step.initial]);
      given.push(0);
      initial.push(0);
      keys.add(step.idempotencyKey);
      if (step.attempt < 3) throw new Error("again");
    };
    const { clock, outcome } = attempt({ retry: 3 }, spoil, { previous: () => [1], initial: () => [2] });
    await clock.advance("2s");
    expect((await outcome).status).toBe("completed");
    expect(seen).toEqual(Array.from({ length: 3 }, () => [1, 2, true]));
    expect([keys.size, [...keys][0]]).toEqual([1, expect.stringMatching(/^[0-9a-f]{32}$/)]);
  });
});

describe("retries", () => {
  it("follow the delays, and keep every error", async () => {
    const { clock, outcome, events } = attempt({ retry: 3, retryDelay: "1m", backoff: true }, (_, step) => {
      throw new Error(`attempt ${step.attempt}`);
    });
    await clock.untilWaiting(1, "1m");
    await clock.advance("1m");
    await clock.untilWaiting(1, "2m");
    await clock.advance("2m");
    expect(await outcome).toMatchObject({ status: "failed", attempts: 3 });
    expect(messagesOf(await outcome)).toEqual(["attempt 1", "attempt 2", "attempt 3"]);
    expect(events.map(({ type, ...event }) => [type, "delayMs" in event && event.delayMs])).toEqual([
      ["step.retrying", 60_000],
      ["step.retrying", 120_000],
    ]);
  });

  it.each<[string, unknown, string]>([
    ["a text", "broken", "broken"],
    ["an error of another realm", runInNewContext('new RangeError("far")'), "far"],
    ["nothing", undefined, "It threw undefined, which is no Error."],
    ["an object", { code: 1 }, "It threw an object of Object, which is no Error."],
    [
      "an error whose message is no text",
      Object.assign(new Error("x"), { message: 5 }),
      "It threw an Error whose name, message or stack is no text.",
    ],
    [
      "what can't be looked at",
      new Proxy({}, { getPrototypeOf: () => expect.fail("hidden") }),
      "It threw something that can't be looked at.",
    ],
  ])("give an error that can be read where the step throws %s", async (_, thrown, message) => {
    const { outcome } = attempt({}, () => Promise.reject(thrown));
    expect(messagesOf(await outcome)).toEqual([message]);
  });

  it("end with a NonRetryableError, and where retryIf says so", async () => {
    const final = attempt({ retry: 3, retryIf: () => true }, () => Promise.reject(new NonRetryableError("for good")));
    expect(await final.outcome).toMatchObject({ status: "failed", attempts: 1 });
    const refused = attempt({ retry: 3, retryIf: (error) => error !== "final" }, () => Promise.reject("final"));
    expect(await refused.outcome).toMatchObject({ status: "failed", attempts: 1 });
  });

  it("end where retryIf fails, with a warning and the error of the step", async () => {
    const { outcome, events } = attempt({ retry: 3, retryIf: () => expect.fail("no idea") }, () =>
      expect.fail("broken"),
    );
    expect(messagesOf(await outcome)).toEqual(["broken"]);
    expect(events).toMatchObject([
      { type: "warning", taskId: "t", message: 'retryIf of "t" failed, so the task is not tried again: no idea' },
    ]);
  });

  it("begin only where the run is still driven by this process", async () => {
    const lost = new Error("lease lost");
    const calls: number[] = [];
    const step: Step = (_, { attempt: number }) => {
      calls.push(number);
      throw new Error("broken");
    };
    const ensure = (): Promise<void> | undefined => (calls.length > 0 ? Promise.reject(lost) : undefined);
    const { clock, outcome } = attempt({ retry: 3, retryDelay: "1m" }, step, { ensure });
    const ended = outcome.catch((error: unknown) => error);
    await clock.advance("1m");
    expect([await ended, calls]).toEqual([lost, [1]]);
  });
});

describe("what the step gives", () => {
  it("fails it at once where it can't be saved, with the path", async () => {
    const { outcome } = attempt({ retry: 3 }, () => ({ rows: [() => 1] }));
    const { errors, ...ended } = await outcome;
    expect(ended).toEqual({ status: "failed", attempts: 1 });
    expect(errors[0]).toBeInstanceOf(SerializationError);
    expect(errors[0]).toMatchObject({ path: "value.rows[0]", workflowId: "w", runId: "r", taskId: "t" });
    expect(errors[0]?.message).toMatch(/^The result of "t" can't be saved: value\.rows\[0\] is a function/);
  });
});
