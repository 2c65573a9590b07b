// Work with a limit of time: what it gives in time, what becomes of it when it is late, and when the time begins anew.
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inTime } from "../../providers/shared/time-limit.ts";

const late = (seconds: number): string => `nothing within ${seconds} seconds`;
const never = (): Promise<never> => new Promise(() => {});
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

describe("work with a limit", () => {
  it("gives its own answer or error in time, and leaves no timer", async () => {
    const before = timers();
    expect(await inTime(600_000, late, async () => "done")).toBe("done");
    const failing = async (): Promise<never> => {
      throw new TypeError("failed");
    };
    await expect(inTime(600_000, late, failing)).rejects.toThrow(TypeError);
    expect(timers()).toBe(before);
  });

  it("is given up when it is late, with an error that may pass, whether it heeds the signal or not", async () => {
    let aborted: AbortSignal | undefined;
    const heeding = (signal: AbortSignal): Promise<never> => {
      aborted = signal;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    };
    for (const work of [never, heeding])
      await expect(inTime(200, late, work)).rejects.toMatchObject({
        message: "nothing within 0.2 seconds",
        code: "ETIMEDOUT",
        retryable: true,
      });
    expect(aborted?.aborted).toBe(true);
  });

  it("is not aborted once it is done", async () => {
    let given: AbortSignal | undefined;
    await inTime(5, late, async (signal) => void (given = signal));
    await sleep(20);
    expect(given?.aborted).toBe(false);
  });

  it("has the whole time again whenever it says so, or another one", async () => {
    const parts = await inTime(1_000, late, async (_, again) => {
      for (let part = 1; part <= 3; part++) {
        await sleep(500);
        again();
      }
      return 3;
    });
    expect(parts).toBe(3);
    const work = (_: AbortSignal, again: (milliseconds?: number) => void): Promise<never> => {
      again(100);
      return never();
    };
    await expect(inTime(600_000, late, work)).rejects.toThrow("nothing within 0.1 seconds");
  });

  it("is given its chance when this process was busy itself while the answer came", async () => {
    // At the end of a turn of the event loop: the next one begins with its timers, before what the disk has to say.
    await new Promise((resolve) => setImmediate(resolve));
    const answer = inTime(20, late, () => stat("."));
    const end = performance.now() + 60;
    while (performance.now() < end);
    expect((await answer).isDirectory()).toBe(true);
  });
});
