// Attempts that end before the step does: timeouts, and runs that are told to stop.
import { describe, expect, it } from "vitest";
import { StepTimeoutError } from "dotflow";
import { attempt, messagesOf, never, type Step, valueOf } from "./attempting.ts";

describe("a timeout", () => {
  it("aborts the signal, is retried, and drops what comes late", async () => {
    const late: ((value: string) => void)[] = [];
    const signals: AbortSignal[] = [];
    const step: Step = (_, { signal, attempt: number }) => {
      signals.push(signal);
      return number === 1 ? new Promise<string>((resolve) => late.push(resolve)) : "in time";
    };
    const { clock, outcome } = attempt({ retry: 2, retryDelay: "5s", timeout: "1m" }, step);
    await clock.advance("59s");
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance("1s");
    expect(signals[0]?.reason).toBeInstanceOf(StepTimeoutError);
    late[0]?.("late");
    await clock.advance("5s");
    const ended = await outcome;
    expect([valueOf(ended), ended.attempts, signals[1]?.aborted]).toEqual(["in time", 2, false]);
    expect(messagesOf(ended)[0]).toMatch(
      /^Attempt 1 of "t" took longer than its timeout of 60000 ms\. What it gives later is dropped\./,
    );
    expect(clock.waiting).toBe(0);
  });

  it("is known to a step that asks for its signal only afterwards", async () => {
    const asked: boolean[] = [];
    let goOn = (): void => {};
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    const { clock, outcome } = attempt({ timeout: "1m" }, async (_, step) => {
      await waiting;
      asked.push(step.signal.aborted);
    });
    await clock.advance("1m");
    expect((await outcome).status).toBe("failed");
    goOn();
    await clock.advance(0);
    expect(asked).toEqual([true]);
  });

  it("swallows the late failure of a step", async () => {
    let fail = (_error: Error): void => {};
    const { clock, outcome } = attempt({ timeout: "1m" }, () => new Promise((_, reject) => (fail = reject)));
    await clock.advance("1m");
    expect((await outcome).errors[0]).toBeInstanceOf(StepTimeoutError);
    fail(new Error("late"));
    await clock.advance("1m");
  });

  it("gives retryIf its error", async () => {
    const { clock, outcome } = attempt(
      { retry: 3, timeout: "1m", retryIf: (error) => !(error instanceof StepTimeoutError) },
      never,
    );
    await clock.advance("1m");
    expect(await outcome).toMatchObject({ status: "failed", attempts: 1 });
  });
});

describe("a run that is told to stop", () => {
  it("lets a step that heeds its signal end, and saves what it gives", async () => {
    const { stop, clock, outcome } = attempt({}, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return signal.reason as string;
    });
    stop.request("enough");
    await clock.advance(0);
    expect(valueOf(await outcome)).toBe("enough");
  });

  it("leaves a step that does not, after two seconds", async () => {
    const { stop, clock, outcome } = attempt({ retry: 3 }, never);
    stop.request(new Error("enough"));
    await clock.advance("2s");
    expect(await outcome).toEqual({ status: "cancelled", attempts: 1, errors: [] });
    expect(clock.waiting).toBe(0);
  });

  it("waits for no further attempt", async () => {
    const { stop, clock, outcome } = attempt({ retry: 3, retryDelay: "1h" }, () => expect.fail("broken"));
    await clock.untilWaiting(1, "1h");
    stop.request(new Error("enough"));
    expect(await outcome).toMatchObject({ status: "cancelled", attempts: 1 });
    expect([messagesOf(await outcome), clock.waiting]).toEqual([["broken"], 0]);
  });

  it("tells what went wrong with a step while it stopped", async () => {
    const { stop, outcome } = attempt({}, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return () => {};
    });
    stop.request(new Error("enough"));
    expect(messagesOf(await outcome)[0]).toMatch(/^The result of "t" can't be saved: value is a function/);
  });
});
