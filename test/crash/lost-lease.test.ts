// A process that was stopped for so long that another one took its run over, at the moments when it could do harm.
import { expect, it } from "vitest";
import { action, type Clock, DotFlow, StorageMemory } from "dotflow";
import { manualClock } from "dotflow/testing";
import { LeaseStore } from "../../src/journal/lease-store.ts";
import { resolveStore } from "../../src/settings.ts";

const workflowId = "stopped";

/** What a stop of an hour looks like to the process that wakes up: time has passed, and another machine holds the lease. */
async function stopAndLoseTheRun(
  storage: StorageMemory,
  clock: Clock & { jump(milliseconds: number): void },
): Promise<void> {
  clock.jump(3_600_000);
  const leases = new LeaseStore(resolveStore(workflowId, { storage, clock }).store);
  const { body } = await leases.read(1);
  const owner = { host: "another machine", pid: 1, process: "another process" };
  await leases.create(2, "rival", { ...body, renewed: clock.now(), owner });
}

it("starts no step after another process has taken over, also between a record and the step that follows", async () => {
  const clock = manualClock();
  class Stopping extends StorageMemory {
    override async create(key: string, value: Uint8Array): Promise<boolean> {
      const created = await super.create(key, value);
      if (key.endsWith("/steps/first")) await stopAndLoseTheRun(this, clock);
      return created;
    }
  }
  const started: string[] = [];
  const workflow = new DotFlow({ workflowId, storage: new Stopping(), clock, lease: "10s" });
  workflow.task.add(["first", "second"].map((name) => action({ name }, () => started.push(name))));
  await expect(workflow.start()).rejects.toMatchObject({ code: "LEASE_LOST" });
  expect(started).toEqual(["first"]);
});

it("tries no step again after another process has taken over", async () => {
  const clock = manualClock();
  const storage = new StorageMemory();
  let attempts = 0;
  const flaky = action({ name: "flaky", retry: 3, retryDelay: 0 }, async () => {
    attempts++;
    await stopAndLoseTheRun(storage, clock);
    throw new Error("not yet");
  });
  const workflow = new DotFlow({ workflowId, storage, clock, lease: "10s" });
  workflow.task.add(flaky);
  const running = workflow.start().catch((error: unknown) => error);
  await clock.untilWaiting(1, 0);
  await clock.advance(0);
  expect(await running).toMatchObject({ code: "LEASE_LOST" });
  expect(attempts).toBe(1);
});
