// Time moves only when a test moves it, and what is due on the way happens at its time.
import { setTimeout as realTime } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StorageMemory } from "dotflow";
import { eventLoopTurn, sleep } from "../../src/clock.ts";
import { faultyStorage, manualClock } from "dotflow/testing";

it("stands still until it is moved", async () => {
  const clock = manualClock(new Date("2030-05-01T00:00:00Z"));
  expect(new Date(clock.now()).toISOString()).toBe("2030-05-01T00:00:00.000Z");
  await eventLoopTurn();
  expect(clock.monotonic()).toBe(0);
  await clock.advance("1m");
  expect(new Date(clock.now()).toISOString()).toBe("2030-05-01T00:01:00.000Z");
  expect(clock.monotonic()).toBe(60_000);
});

it("begins at the same time in every run unless told otherwise", () => {
  expect(new Date(manualClock().now()).toISOString()).toBe("2026-01-01T00:00:00.000Z");
});

it("fires timers in the order of their times, each at its time, and equal ones as they were armed", async () => {
  const clock = manualClock(0);
  const fired: string[] = [];
  for (const [name, milliseconds] of [
    ["c", 300],
    ["a", 100],
    ["d", 300],
    ["b", 200],
    ["late", 301],
  ] as const) {
    clock.timer(milliseconds, () => fired.push(`${name} at ${clock.now()}`));
  }
  await clock.advance(300);
  expect(fired).toEqual(["a at 100", "b at 200", "c at 300", "d at 300"]);
  expect(clock.waiting).toBe(1);
});

it("fires what the woken code arms on the way", async () => {
  const clock = manualClock(0);
  const woken: number[] = [];
  const worker = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) {
      await sleep(clock, 1_000);
      await eventLoopTurn();
      woken.push(clock.monotonic());
    }
  };
  const working = worker();
  await clock.advance("10s");
  await working;
  expect(woken).toEqual([1_000, 2_000, 3_000]);
  expect(clock.monotonic()).toBe(10_000);
});

it("does not fire a timer that was cancelled, also by another timer on the way", async () => {
  const clock = manualClock(0);
  const fired: string[] = [];
  const cancel = clock.timer(200, () => fired.push("cancelled"));
  clock.timer(100, cancel);
  clock.timer(300, () => fired.push("kept"));
  await clock.advance(1_000);
  expect(fired).toEqual(["kept"]);
});

it("jumps with the wall clock only, and fires nothing", async () => {
  const clock = manualClock(1_000);
  let fired = false;
  clock.timer(500, () => {
    fired = true;
  });
  clock.jump(60_000);
  await clock.advance(0);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([61_000, 0, false]);
  clock.jump(-61_000);
  await clock.advance(500);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([500, 500, true]);
});

it("tells how many timers are armed, and when there are as many as awaited", async () => {
  const clock = manualClock();
  const awaited = clock.untilWaiting(2).then(() => clock.waiting);
  clock.timer(100, () => {}, { background: true });
  const cancel = clock.timer(100, () => {});
  expect(await awaited).toBe(2);
  cancel();
  expect(clock.waiting).toBe(1);
  await clock.untilWaiting();
});

it("awaits a timer of just one length among others", async () => {
  const clock = manualClock();
  let reached = false;
  const awaited = clock.untilWaiting(1, "2s").then(() => {
    reached = true;
  });
  clock.timer(30_000, () => {});
  await eventLoopTurn();
  expect(reached).toBe(false);
  clock.timer(2_000, () => {});
  await awaited;
});

it("lets overlapping moves follow one another", async () => {
  const clock = manualClock(0);
  const fired: number[] = [];
  for (const milliseconds of [100, 250]) clock.timer(milliseconds, () => fired.push(clock.monotonic()));
  await Promise.all([clock.advance(200), clock.advance(200)]);
  expect(fired).toEqual([100, 250]);
  expect(clock.monotonic()).toBe(400);
});

it("rejects with what a timer throws, and goes on at the next move", async () => {
  const clock = manualClock();
  clock.timer(100, () => {
    throw new Error("in a timer");
  });
  await expect(clock.advance(200)).rejects.toThrow("in a timer");
  expect(clock.monotonic()).toBe(100);
  await clock.advance(100);
  expect(clock.monotonic()).toBe(200);
});

it("refuses to go back", async () => {
  await expect(manualClock().advance(-1)).rejects.toThrow("is not a duration");
});

describe("over a storage that does real I/O", () => {
  /** Answers after fifty milliseconds of real time, as a server does. */
  class Distant extends StorageMemory {
    override async get(key: string): Promise<Uint8Array | undefined> {
      await realTime(50);
      return super.get(key);
    }
    override async *list(prefix: string): AsyncGenerator<string> {
      await realTime(50);
      yield* super.list(prefix);
    }
  }

  it("stands still while a call is under way, also one that follows from another or from a timer", async () => {
    const clock = manualClock();
    const storage = clock.watch(new Distant());
    const answered: [string, number][] = [];
    const asking = (async (): Promise<void> => {
      for (const key of ["a", "b", "c"]) {
        await storage.get(key);
        answered.push([key, clock.monotonic()]);
        if (key === "b") await sleep(clock, 10_000);
      }
    })();
    await clock.advance("1m");
    await asking;
    expect(answered).toEqual([
      ["a", 0],
      ["b", 0],
      ["c", 10_000],
    ]);
  });

  it("waits for the pages of a listing, not for its reader", async () => {
    const clock = manualClock();
    const storage = clock.watch(new Distant());
    await storage.put("a", new Uint8Array());
    await storage.put("b", new Uint8Array());
    const read: [string, number][] = [];
    const reading = (async (): Promise<void> => {
      for await (const key of storage.list("")) {
        read.push([key, clock.monotonic()]);
        await sleep(clock, 1_000);
      }
    })();
    await clock.advance("1m");
    await reading;
    expect(read).toEqual([
      ["a", 0],
      ["b", 1_000],
    ]);
  });

  it("goes on after a call that fails, and does not wait for one that a faulty storage around it lets hang", async () => {
    const clock = manualClock();
    class Failing extends Distant {
      override async get(key: string): Promise<Uint8Array | undefined> {
        await super.get(key);
        throw new Error("no");
      }
    }
    const storage = faultyStorage(clock.watch(new Failing()), { clock, faults: [{ at: 2, kind: "hang" }] });
    const failed = storage.get("a").catch((error: Error) => error.message);
    const hanging = storage.get("b").catch((error: Error) => error.message);
    await clock.advance("1m");
    expect([clock.monotonic(), storage.hanging]).toEqual([60_000, 1]);
    storage.release();
    expect(await Promise.all([failed, hanging])).toEqual(["no", "no"]);
  });

  it("is the same storage otherwise", async () => {
    const inner = new StorageMemory();
    const storage = manualClock().watch(inner);
    expect(storage.durable).toBe(inner.durable);
    expect(await storage.create("a/b", Buffer.from("1"))).toBe(true);
    expect(await storage.create("a/b", Buffer.from("2"))).toBe(false);
    await storage.put("a/c", Buffer.from("3"));
    await storage.delete("a/b");
    for await (const key of storage.list("a/")) expect(key).toBe("a/c");
    expect(Buffer.from((await storage.get("a/c")) ?? "").toString()).toBe("3");
    await storage.close?.();
  });
});
