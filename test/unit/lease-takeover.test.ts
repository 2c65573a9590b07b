// The lease as those see it who want it: when an owner counts as silent, and what happens when it was not.
import { describe, expect, it } from "vitest";
import { StorageMemory } from "dotflow";
import { faultyStorage, manualClock } from "dotflow/testing";
import { ownIdentity } from "../../src/journal/identity.ts";
import { Keys } from "../../src/journal/keys.ts";
import { foreigner, generations, isPending, leaseProcess } from "./leasing.ts";

async function withForeignOwner() {
  const storage = new StorageMemory();
  const clock = manualClock();
  const foreign = await foreigner(storage, clock);
  await foreign.write(1);
  return { storage, clock, foreign, contender: await leaseProcess(storage, clock) };
}

const minutes = 60_000;

describe("an owner on another machine", () => {
  it("is watched for 1.1 lease times, and then taken over", async () => {
    const { storage, clock, contender } = await withForeignOwner();
    const acquiring = contender.acquire();
    await clock.advance("32s");
    expect(await isPending(acquiring, clock)).toBe(true);
    expect(contender.watched).toMatchObject([{ host: "elsewhere", pid: 1, runId: "foreign-run", generation: 1 }]);
    await clock.advance("6s");
    expect((await acquiring).generation).toBe(2);
    expect(await generations(storage, contender)).toEqual(["1 foreign", "2 own"]);
  });

  it("lives when it renews, which is an error for one who does not want to wait", async () => {
    const { clock, foreign, contender } = await withForeignOwner();
    const acquiring = contender.acquire().catch((error: unknown) => error);
    await clock.advance("9s");
    await foreign.write(1);
    await clock.advance("6s");
    expect(await acquiring).toMatchObject({ code: "WORKFLOW_LOCKED", owner: { host: "elsewhere", generation: 1 } });
  });

  it("is waited for by one who wants to wait, anew after each renewal", async () => {
    const { clock, foreign, contender } = await withForeignOwner();
    const acquiring = contender.acquire({ lock: "wait" });
    for (let renewals = 0; renewals < 10; renewals++) {
      await clock.advance("25s");
      await foreign.write(1);
    }
    await clock.advance("30s");
    expect(await isPending(acquiring, clock)).toBe(true);
    await clock.advance("12s");
    expect((await acquiring).generation).toBe(2);
    expect(contender.watched).toHaveLength(1);
  });

  it("is followed where it gives way to another one meanwhile", async () => {
    const { clock, foreign, contender } = await withForeignOwner();
    const acquiring = contender.acquire({ lock: "wait" });
    await clock.advance("20s");
    await foreign.write(2);
    await clock.advance("30s");
    expect(await isPending(acquiring, clock)).toBe(true);
    await clock.advance("12s");
    expect((await acquiring).generation).toBe(3);
  });

  it("is taken over at once where its last renewal is older than clocks may differ", async () => {
    const { clock, contender } = await withForeignOwner();
    clock.jump(15 * minutes + 31_000);
    expect((await contender.acquire()).generation).toBe(2);
  });

  it("is not taken over early because the contender's machine slept or its clock was set", async () => {
    const { clock, contender } = await withForeignOwner();
    const acquiring = contender.acquire();
    await clock.advance("6s");
    clock.jump(10 * minutes);
    await clock.advance("20s");
    expect(await isPending(acquiring, clock)).toBe(true);
    clock.jump(-20 * minutes);
    await clock.advance("20s");
    expect(await isPending(acquiring, clock)).toBe(true);
    await clock.advance("30m");
    expect((await acquiring).generation).toBe(2);
  });

  it("that was renewing while it was taken over is waited out before anything is driven", async () => {
    const { storage, clock, foreign } = await withForeignOwner();
    const slow = faultyStorage(storage, { faults: [{ operation: "create", kind: "hang" }] });
    const contender = await leaseProcess(slow, clock);
    const acquiring = contender.acquire();
    await clock.advance("36s");
    await slow.untilHanging();
    await foreign.write(1);
    slow.release();
    await clock.advance("32s");
    expect(await isPending(acquiring, clock)).toBe(true);
    expect(await generations(storage, contender)).toEqual(["1 foreign", "2 own"]);
    await clock.advance("10s");
    expect((await acquiring).generation).toBe(2);
  });

  it("that was renewing and takes over again wins", async () => {
    const { storage, clock, foreign } = await withForeignOwner();
    const slow = faultyStorage(storage, { faults: [{ operation: "create", kind: "hang" }] });
    const acquiring = (await leaseProcess(slow, clock)).acquire().catch((error: unknown) => error);
    await clock.advance("36s");
    await foreign.write(1);
    slow.release();
    await clock.advance("1s");
    await foreign.write(3);
    await clock.advance("20s");
    expect(await acquiring).toMatchObject({ code: "LEASE_LOST" });
    expect(clock.waiting).toBe(0);
  });
});

it("is stepped back from where a higher generation shows after the create", async () => {
  const { storage, clock, foreign } = await withForeignOwner();
  await foreign.write(1, { released: true });
  const slow = faultyStorage(storage, { faults: [{ operation: "create", kind: "hang" }] });
  const contender = await leaseProcess(slow, clock);
  const acquiring = contender.acquire({ lock: "wait" });
  await slow.untilHanging();
  await foreign.write(5);
  slow.release();
  await clock.advance("40s");
  expect((await acquiring).generation).toBe(6);
});

it("is taken over from a process of this machine that is stuck, and that process stops when it wakes", async () => {
  const storage = new StorageMemory();
  const clock = manualClock();
  const stuck = faultyStorage(storage);
  const first = await (await leaseProcess(stuck, clock)).acquire();
  const losses: unknown[] = [];
  first.onLost = (error) => losses.push(error);
  stuck.inject({ operation: "put", kind: "hang" });
  const contender = await leaseProcess(storage, clock);
  const acquiring = contender.acquire({ lock: "wait" });
  await clock.advance("33s");
  expect(await isPending(acquiring, clock)).toBe(true);
  await clock.advance("6s");
  const second = await acquiring;
  expect([second.generation, losses]).toEqual([2, []]);

  stuck.release();
  await clock.advance("20s");
  expect(losses).toMatchObject([{ code: "LEASE_LOST" }]);
  await expect(first.ensure()).rejects.toBe(losses[0]);
  await second.ensure();
  expect(await generations(storage, contender)).toEqual(["1 own", "2 own"]);
});

it("is taken at once from a dead process of this machine, where the machine can tell", async () => {
  const { clock, foreign, contender } = await withForeignOwner();
  const identity = ownIdentity();
  // Linux gives no process so high a number.
  await foreign.write(1, { owner: { ...identity, process: "dead", pid: 2 ** 22 + 1 } });
  const acquiring = contender.acquire();
  expect(await isPending(acquiring, clock)).toBe(identity.boot === undefined);
  await clock.advance("1m");
  expect((await acquiring).generation).toBe(2);
});

it("is not taken over where what it is to point at throws", async () => {
  const { storage, clock, foreign, contender } = await withForeignOwner();
  await foreign.write(1, { released: true });
  const point = () => expect.fail("nothing to resume");
  await expect(contender.acquire({ point })).rejects.toThrow("nothing to resume");
  expect([await generations(storage, contender), clock.waiting]).toEqual([["1 foreign released"], 0]);
});

it("hands on what the one before pointed at", async () => {
  const { contender, foreign } = await withForeignOwner();
  await foreign.write(1, { released: true });
  const lease = await contender.acquire();
  expect([lease.runs, lease.followsCrash]).toEqual([[{ run: "foreign-run", plan: 0 }], true]);
});

it("ends the waiting when a signal says so, with the error that not waiting would have given", async () => {
  const { clock, contender } = await withForeignOwner();
  const stop = new AbortController();
  const acquiring = contender.acquire({ lock: "wait", signal: stop.signal }).catch((error: unknown) => error);
  await clock.advance("5s");
  stop.abort("enough");
  expect(await acquiring).toMatchObject({ code: "WORKFLOW_LOCKED", cause: "enough" });
  expect(clock.waiting).toBe(0);
});

it("counts a torn lease as released: nobody got an answer that it holds", async () => {
  const { storage, contender } = await withForeignOwner();
  const key = new Keys("job").lease(1);
  const bytes = (await storage.get(key)) ?? new Uint8Array();
  await storage.put(key, bytes.subarray(0, bytes.length - 5));
  expect((await contender.acquire()).generation).toBe(2);
});
