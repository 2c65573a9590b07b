// The lease as its owner sees it: renewals, an end in order, and the loss to another process.
import { expect, it } from "vitest";
import { StorageMemory } from "dotflow";
import { faultyStorage, manualClock } from "dotflow/testing";
import { foreigner, generations, leaseProcess } from "./leasing.ts";

const memory = () => ({ storage: new StorageMemory(), clock: manualClock() });

it("goes to exactly one of many rivals", async () => {
  const { storage, clock } = memory();
  const rivals = await Promise.all(Array.from({ length: 8 }, () => leaseProcess(storage, clock)));
  const acquired = await Promise.allSettled(rivals.map((rival) => rival.acquire()));
  const refusals = acquired.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  expect(refusals).toHaveLength(7);
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: "WORKFLOW_LOCKED" });
});

it("is renewed every ten seconds, and stays where it is", async () => {
  const { storage, clock } = memory();
  const counted = faultyStorage(storage);
  const owner = await leaseProcess(counted, clock);
  const lease = await owner.acquire();
  const before = counted.operations.put;
  await clock.advance("5m");
  await lease.ensure();
  expect([counted.operations.put - before, lease.generation]).toEqual([30, 1]);
  expect(await generations(storage, owner)).toEqual(["1 own"]);
});

it("is refused to another process at once while its owner is known to live", async () => {
  const { storage, clock } = memory();
  const first = await leaseProcess(storage, clock);
  await first.acquire({ point: () => [{ run: "run-1", plan: 0 }] });
  await expect((await leaseProcess(storage, clock)).acquire()).rejects.toMatchObject({
    code: "WORKFLOW_LOCKED",
    workflowId: "job",
    runId: "run-1",
    owner: { pid: process.pid, generation: 1, renewedAt: new Date(clock.now()) },
  });
});

it("is free for anyone as soon as it is released, and only then for one who waits", async () => {
  const { storage, clock } = memory();
  const [first, second, third] = [
    await leaseProcess(storage, clock),
    await leaseProcess(storage, clock),
    await leaseProcess(storage, clock),
  ];
  const lease = await first.acquire();
  const waiting = second.acquire({ lock: "wait" });
  await clock.advance("10m");
  await lease.release();
  await clock.advance("6s");
  const next = await waiting;
  expect(await generations(storage, first)).toEqual(["1 own released", "2 own"]);
  await next.release();
  expect((await third.acquire()).generation).toBe(3);
});

it("writes nothing after it was released", async () => {
  const { storage, clock } = memory();
  const owner = await leaseProcess(storage, clock);
  const lease = await owner.acquire();
  await lease.release();
  const after = faultyStorage(storage);
  await lease.release();
  await clock.advance("5m");
  expect([after.log, clock.waiting, await generations(storage, owner)]).toEqual([[], 0, ["1 own released"]]);
});

it("is given up as soon as a higher generation is there, also where numbers are missing between", async () => {
  const { storage, clock } = memory();
  const owner = await leaseProcess(storage, clock);
  const lease = await owner.acquire({ point: () => [{ run: "run-1", plan: 0 }] });
  const losses: unknown[] = [];
  lease.onLost = (error) => losses.push(error);
  await (await foreigner(storage, clock)).write(3);
  await clock.advance("10s");
  expect(losses).toMatchObject([{ code: "LEASE_LOST", workflowId: "job", runId: "run-1" }]);
  await expect(lease.ensure()).rejects.toBe(losses[0]);
  await expect(lease.confirm()).rejects.toBe(losses[0]);
  await lease.release();
  await clock.advance("1m");
  expect([losses.length, clock.waiting]).toEqual([1, 0]);
  expect(await generations(storage, owner)).toEqual(["1 own", "3 foreign"]);
});

it("is acquired anew, not renewed, by an owner whose time ran out while its machine slept", async () => {
  const { storage, clock } = memory();
  const owner = await leaseProcess(storage, clock);
  const lease = await owner.acquire();
  const { writer } = lease;
  clock.jump(23_000);
  await lease.ensure();
  expect(lease.generation).toBe(1);
  clock.jump(2_000);
  await lease.ensure();
  expect([lease.generation, lease.writer === writer]).toEqual([2, false]);
  await clock.advance("1m");
  await lease.ensure();
  expect(await generations(storage, owner)).toEqual(["1 own", "2 own"]);
});

it("is acquired anew, not renewed, where it is to point at another run after its time ran out", async () => {
  const { storage, clock } = memory();
  const lease = await (await leaseProcess(storage, clock)).acquire();
  clock.jump(60_000);
  await lease.point([{ run: "another", plan: 0 }]);
  expect([lease.generation, lease.runs[0]?.run]).toEqual([2, "another"]);
});

it("is acquired anew once for all steps that find that its time ran out", async () => {
  const { storage, clock } = memory();
  const counted = faultyStorage(storage);
  const lease = await (await leaseProcess(counted, clock)).acquire();
  const before = counted.operations.put;
  clock.jump(60_000);
  await Promise.all(Array.from({ length: 20 }, async () => lease.ensure()));
  expect([lease.generation, counted.operations.put - before]).toEqual([2, 0]);
});

it("is not acquired anew where another process was faster", async () => {
  const { storage, clock } = memory();
  const lease = await (await leaseProcess(storage, clock)).acquire();
  clock.jump(60_000);
  await (await foreigner(storage, clock)).write(2);
  await expect(lease.ensure()).rejects.toMatchObject({ code: "LEASE_LOST" });
});

it("does not run out because the wall clock is set back", async () => {
  const { storage, clock } = memory();
  const lease = await (await leaseProcess(storage, clock)).acquire();
  clock.jump(-3_600_000);
  await clock.advance("1m");
  await lease.ensure();
  expect(lease.generation).toBe(1);
});

it("survives a storage that fails for a while, and tells of one that fails for longer", async () => {
  const { storage, clock } = memory();
  const failing = faultyStorage(storage);
  const lease = await (await leaseProcess(failing, clock)).acquire();
  failing.inject({ operation: "put", kind: "fail" });
  await clock.advance("20s");
  await lease.ensure();
  expect(lease.generation).toBe(1);
  failing.inject({ operation: ["put", "create", "list"], kind: "fail", times: Infinity });
  await clock.advance("30s");
  await expect(lease.ensure()).rejects.toMatchObject({ code: "STORAGE" });
});

it("is written before what it points at counts", async () => {
  const { storage, clock } = memory();
  const owner = await leaseProcess(storage, clock);
  const lease = await owner.acquire({
    point: () => [
      { run: "run-2", plan: 0 },
      { run: "run-1", plan: 0 },
    ],
  });
  const runs = async (): Promise<string[]> =>
    (await owner.store.read(lease.generation)).body.runs.map(({ run }) => run);
  expect(await runs()).toEqual(["run-2", "run-1"]);
  lease.confirmRun();
  await clock.advance("10s");
  expect(await runs()).toEqual(["run-2"]);
  await lease.point([{ run: "run-3", plan: 7 }]);
  expect((await owner.store.read(1)).body.runs).toEqual([{ run: "run-3", plan: 7 }]);
});
