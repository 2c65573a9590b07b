// `checkpoints.cancel`: a run is ended from elsewhere, by whoever reaches the storage.
import { expect, it } from "vitest";
import { action, Checkpoints, type Context, DotFlow, type Storage, type StepContext, StorageMemory } from "dotflow";
import { type Fault, faultyStorage, type ManualClock, manualClock } from "dotflow/testing";
import { beginning } from "./etl.ts";
import { eachStorage, keysOf } from "./storages.ts";

const request = "job/leases/00000001.cancel";

/** A workflow whose second step goes on until it is told to stop, or `let go`. */
function longRun(storage: Storage, clock: ManualClock) {
  let letGo = (): void => {};
  let began = (): void => {};
  const begun = new Promise<void>((resolve) => (began = resolve));
  const workflow = new DotFlow({ workflowId: "job", storage, clock });
  workflow.task.add(action({ name: "first" }, () => "done")).add(
    action({ name: "second" }, (previous: Context<string>, step: StepContext) => {
      began();
      return new Promise<string>((resolve, reject) => {
        letGo = () => resolve(previous.storage);
        step.signal.addEventListener("abort", () => reject(step.signal.reason as Error));
      });
    }),
  );
  return { workflow, begun, letGo: () => letGo() };
}

eachStorage((_name, open) => {
  const checkpoints = (clock: ManualClock): Checkpoints => new Checkpoints(open(), { workflowId: "job", clock });

  it("ends the run at the next renewal of its lease, with what is done saved, and a resume goes on", async () => {
    const clock = manualClock(beginning);
    const { workflow, begun } = longRun(open(), clock);
    const running = workflow.start();
    await begun;
    expect(await checkpoints(clock).cancel()).toBe(true);
    expect(await keysOf(open(), "job/leases/")).toContain(request);
    expect(await workflow.checkpoints.verify()).toEqual([]);
    await clock.advance("10s");
    const result = await running;
    expect(result.status).toBe("cancelled");
    expect(result.tasks.map(({ status }) => status)).toEqual(["completed", "cancelled"]);
    expect(await checkpoints(clock).info()).toMatchObject({ status: "cancelled", completed: ["first"] });

    const next = longRun(open(), clock);
    const resumed = next.workflow.start({ resume: true });
    await next.begun;
    await clock.advance("25s");
    next.letGo();
    expect(await resumed).toMatchObject({ status: "completed", restored: 1 });
  });

  it("does nothing where nobody drives, and says so", async () => {
    const clock = manualClock(beginning);
    expect(await checkpoints(clock).cancel()).toBe(false);
    const { workflow, begun, letGo } = longRun(open(), clock);
    const running = workflow.start();
    await begun;
    letGo();
    await running;
    expect(await checkpoints(clock).cancel()).toBe(false);
    expect((await keysOf(open())).filter((key) => key.endsWith(".cancel"))).toEqual([]);
  });

  it("leaves a run as it ends when it ends before, and the next one alone, also under the same number", async () => {
    const clock = manualClock(beginning);
    const first = longRun(open(), clock);
    const running = first.workflow.start();
    await first.begun;
    await checkpoints(clock).cancel();
    const bytes = (await open().get(request)) ?? new Uint8Array();
    first.letGo();
    expect((await running).status).toBe("completed");
    await first.workflow.checkpoints.clear();
    expect(await keysOf(open())).toEqual([]);
    // As if the request had been written while the workflow was cleared.
    await open().put(request, bytes);
    const second = longRun(open(), clock);
    const again = second.workflow.start();
    await second.begun;
    await clock.advance("25s");
    second.letGo();
    expect((await again).status).toBe("completed");
  });

  it("heeds no request that it can't trust", async () => {
    const clock = manualClock(beginning);
    const { workflow, begun, letGo } = longRun(open(), clock);
    const running = workflow.start();
    await begun;
    await open().put(request, Buffer.from("anybody"));
    await clock.advance("25s");
    letGo();
    expect((await running).status).toBe("completed");
  });

  it("goes with the leases when a workflow is pruned", async () => {
    const clock = manualClock(beginning);
    const { workflow, begun } = longRun(open(), clock);
    const running = workflow.start();
    await begun;
    await workflow.checkpoints.cancel();
    await clock.advance("10s");
    await running;
    await workflow.checkpoints.prune({ keep: 1 });
    expect((await keysOf(open(), "job/leases/")).filter((key) => key.endsWith(".cancel"))).toEqual([]);
    expect((await workflow.checkpoints.info()).status).toBe("cancelled");
  });
});

it("is heeded by the next renewal where it could not be read by this one, or was torn", async () => {
  const clock = manualClock(beginning);
  const memory = new StorageMemory();
  const faults: Fault[] = [{ operation: "get", key: /\.cancel$/, kind: "fail", times: 1 }];
  const { workflow, begun } = longRun(faultyStorage(memory, { faults }), clock);
  const running = workflow.start();
  await begun;
  await memory.put(request, Buffer.from("half of a req"));
  await clock.advance("10s");
  await clock.advance("10s");
  await new Checkpoints(memory, { workflowId: "job", clock }).cancel();
  await clock.advance("10s");
  expect((await running).status).toBe("cancelled");
});

it("costs nothing to look for: a renewal is one write and one listing, as it was", async () => {
  const clock = manualClock(beginning);
  const memory = new StorageMemory();
  const calls: string[] = [];
  const storage: Storage = {
    durable: false,
    get: (key) => (calls.push("get"), memory.get(key)),
    put: (key, value) => (calls.push("put"), memory.put(key, value)),
    create: (key, value) => (calls.push("create"), memory.create(key, value)),
    list: (prefix) => (calls.push("list"), memory.list(prefix)),
    delete: (key) => (calls.push("delete"), memory.delete(key)),
  };
  const { workflow, begun, letGo } = longRun(storage, clock);
  const running = workflow.start();
  await begun;
  calls.length = 0;
  await clock.advance("10s");
  expect(calls).toEqual(["put", "list"]);
  letGo();
  await running;
});
