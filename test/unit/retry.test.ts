// When an attempt is followed by another one, and after which delay.
import { describe, expect, it } from "vitest";
import { InvalidWorkflowError, NonRetryableError, StepTimeoutError } from "dotflow";
import { delayAfter, isRetried, retryPolicy, type RetryOptions } from "../../src/retry.ts";

const delays = (options: RetryOptions, random = 0): number[] =>
  [1, 2, 3, 4].map((attempt) => delayAfter(retryPolicy(options), attempt, random));

describe("the delay", () => {
  it("is one second each time where nothing is said", () => {
    expect(delays({})).toEqual([1_000, 1_000, 1_000, 1_000]);
  });

  it("doubles with backoff, up to a limit", () => {
    expect(delays({ retryDelay: 100, backoff: true })).toEqual([100, 200, 400, 800]);
    expect(delays({ retryDelay: 100, backoff: {} })).toEqual([100, 200, 400, 800]);
    expect(delays({ retryDelay: 100, backoff: { factor: 3, max: "0.5s" } })).toEqual([100, 300, 500, 500]);
    expect(delays({ retryDelay: 100, backoff: { factor: 1 } })).toEqual([100, 100, 100, 100]);
    expect(delays({ retryDelay: 100, backoff: false })).toEqual([100, 100, 100, 100]);
  });

  it("is shortened at random by its jitter, and by no more", () => {
    expect(delays({ retryDelay: 100, backoff: { factor: 1, jitter: true } }, 0)[0]).toBe(100);
    expect(delays({ retryDelay: 100, backoff: { factor: 1, jitter: true } }, 1)[0]).toBe(50);
    expect(delays({ retryDelay: 100, backoff: { factor: 1, jitter: 1 } }, 0.25)[0]).toBe(75);
    expect(delays({ retryDelay: 100, backoff: { factor: 1, jitter: 0 } }, 1)[0]).toBe(100);
    expect(delays({ retryDelay: 100, backoff: { max: 200, jitter: 0.5 } }, 1)).toEqual([50, 100, 100, 100]);
  });

  it("stays a number after any number of attempts", () => {
    expect(delayAfter(retryPolicy({ retryDelay: 0, backoff: true }), 5_000, 0.5)).toBe(0);
    expect(delayAfter(retryPolicy({ backoff: { max: "1m" } }), 5_000, 0)).toBe(60_000);
    expect(delayAfter(retryPolicy({ backoff: true }), 5_000, 0)).toBeLessThan(Infinity);
  });
});

describe("another attempt", () => {
  const failure = new Error("failed");

  it("follows until there were as many as retry says; 0 counts as 1", () => {
    const countOf = (retry?: number): number => {
      const policy = retryPolicy({ retry });
      let attempt = 1;
      while (attempt < 50 && isRetried(policy, attempt, failure)) attempt++;
      return attempt;
    };
    expect([countOf(), countOf(0), countOf(1), countOf(3), countOf(Infinity)]).toEqual([1, 1, 1, 3, 50]);
  });

  it("follows a timeout like any other error, and a NonRetryableError never", () => {
    const policy = retryPolicy({ retry: 3, retryIf: () => true });
    expect(isRetried(policy, 1, new StepTimeoutError("late"))).toBe(true);
    expect(isRetried(policy, 1, new NonRetryableError("for good"))).toBe(false);
  });

  it("is what retryIf says, which gets what was thrown", () => {
    const seen: unknown[] = [];
    const policy = retryPolicy({ retry: 3, retryIf: (error) => seen.push(error) < 2 });
    expect(isRetried(policy, 1, failure)).toBe(true);
    expect(isRetried(policy, 2, "a text")).toBe(false);
    expect(isRetried(policy, 3, "the last attempt")).toBe(false);
    expect(seen).toEqual([failure, "a text"]);
  });
});

it.each<[unknown, string]>([
  [{ retry: -1 }, "The option retry is -1"],
  [{ retry: 1.5 }, "The option retry is 1.5"],
  [{ retry: "3" }, 'The option retry is "3"'],
  [{ retry: Number.NaN }, "The option retry is NaN"],
  [{ retryDelay: "soon" }, 'The option retryDelay is "soon"'],
  [{ retryIf: true }, "The option retryIf is true"],
  [{ backoff: 2 }, "The option backoff takes an object of options"],
  [{ backoff: "yes" }, "The option backoff takes an object of options"],
  [{ backoff: null }, "The option backoff takes an object of options"],
  [{ backoff: { faktor: 2 } }, 'The option backoff has no option "faktor"'],
  [{ backoff: { factor: 0.5 } }, "backoff.factor is 0.5"],
  [{ backoff: { factor: "2" } }, 'backoff.factor is "2"'],
  [{ backoff: { factor: Infinity } }, "backoff.factor is Infinity"],
  [{ backoff: { jitter: 1.5 } }, "backoff.jitter is 1.5"],
  [{ backoff: { jitter: "0.5" } }, 'backoff.jitter is "0.5"'],
  [{ backoff: { max: -1 } }, "backoff.max is -1"],
])("refuses %j", (options, message) => {
  const make = () => retryPolicy(options as RetryOptions);
  expect(make).toThrow(InvalidWorkflowError);
  expect(make).toThrow(message);
});
