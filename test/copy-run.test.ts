// `copyRun`: a run goes on in another storage as if it had always been there.
import { describe, expect, it } from "vitest";
import { action, Checkpoints, copyRun, DotFlow, type DotFlowOptions, type Storage, StorageMemory } from "dotflow";
import { faultyStorage } from "dotflow/testing";
import { contentsOf, eachStorage, keysOf } from "./storages.ts";

const calls: string[] = [];

/** Three steps, of which the last fails unless it is fixed. */
function job(storage: Storage, { fixed = true, version = "1", ...options }: JobOptions = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, ...options });
  const extract = action({ name: "extract" }, () => (calls.push("extract"), { rows: [1n, 2n] }));
  const transform = action({ name: "transform", version }, ({ storage: { rows } }: { storage: { rows: bigint[] } }) => {
    calls.push("transform");
    return new Map([["sum", rows.reduce((sum, row) => sum + row)]]);
  });
  const load = action({ name: "load" }, ({ storage: sums }: { storage: Map<string, bigint> }) => {
    calls.push("load");
    if (!fixed) throw new Error("the table is locked");
    return `sum ${sums.get("sum")}`;
  });
  workflow.task.add(extract).add(transform).add(load);
  return workflow;
}

type JobOptions = DotFlowOptions & { fixed?: boolean; version?: string };

/** The same with a step behind. */
function longer(storage: Storage): DotFlow {
  const workflow = job(storage);
  workflow.task.add(action({ name: "report" }, () => (calls.push("report"), "done")));
  return workflow;
}

function called(): string[] {
  return calls.splice(0);
}

eachStorage((_name, open) => {
  it("brings a failed run into the storage, where it goes on, and out of it again", async () => {
    const before = new StorageMemory();
    const { runId } = await job(before, { fixed: false }).start();
    const original = await contentsOf(before);
    called();
    expect(await copyRun(before, open())).toMatchObject({ runId, runs: [runId], objects: 4 });
    expect(await contentsOf(before)).toEqual(original);
    const result = await job(open()).start({ resume: "required" });
    expect(result).toMatchObject({ runId, status: "completed", restored: 2, succeeded: 1 });
    expect(await result.output()).toBe("sum 3");
    const after = new StorageMemory();
    await copyRun(open(), after, { workflowId: "job", runId });
    expect(await (await job(after).start({ resume: "required" })).output()).toBe("sum 3");
    expect(called()).toEqual(["load"]);
    expect(await new Checkpoints(after, { workflowId: "job" }).verify()).toEqual([]);
  });
});

describe("copyRun", () => {
  it("lets the ends that are written in the new place count, however often the run ended before", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    for (let count = 0; count < 4; count++) await job(from, { fixed: false }).start({ resume: true });
    await copyRun(from, to);
    const { checkpoints } = job(to);
    expect(await checkpoints.info()).toMatchObject({ status: "failed", completed: ["extract", "transform"] });
    await job(to).start({ resume: true });
    expect(await checkpoints.info()).toMatchObject({ status: "completed", owner: undefined });
  });

  it("takes along the runs that records were taken over from", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    const first = await job(from).start();
    const second = await job(from, { version: "2" }).start({ resume: true, onChange: "rerun" });
    const third = await job(from, { version: "2" }).start({ resume: true, from: "load" });
    called();
    const { runs } = await copyRun(from, to);
    expect([...runs].sort()).toEqual([first.runId, second.runId, third.runId].sort());
    expect(await job(to, { version: "2" }).start({ resume: "required" })).toMatchObject({ restored: 3 });
    expect(await (await job(to, { version: "2" }).start({ resume: true })).contexts()).toMatchObject({
      extract: { storage: { rows: [1n, 2n] } },
    });
    expect(await job(to).checkpoints.verify()).toEqual([]);
    expect(called()).toEqual([]);
  });

  it("copies the plan that counts where tasks were added on the way", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    await job(from).start();
    // A crash between the new plan and the lease that points at it: the old plan still counts.
    const broken = faultyStorage(from, { faults: [{ operation: "put", key: /leases/, kind: "fail", times: 9 }] });
    await expect(longer(broken).start({ resume: true })).rejects.toMatchObject({ code: "STORAGE" });
    await copyRun(from, to);
    expect(await longer(to).checkpoints.steps()).toHaveLength(3);
    await longer(from).start({ resume: true });
    called();
    await copyRun(from, to);
    expect(await longer(to).start({ resume: "required" })).toMatchObject({ restored: 4, succeeded: 0 });
    expect((await longer(to).checkpoints.info()).completed).toEqual(["extract", "transform", "load", "report"]);
  });

  it("keeps what was saved in the other storage before, as history", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    const old = await job(to).start();
    const { runId } = await job(from, { fixed: false }).start();
    await copyRun(from, to);
    const { checkpoints } = job(to);
    expect((await checkpoints.runs()).map((run) => run.runId).sort()).toEqual([old.runId, runId].sort());
    expect((await checkpoints.info()).runId).toBe(runId);
    expect((await checkpoints.read("load", { runId: old.runId })).storage).toBe("sum 3");
    called();
  });

  it("may be called again, also after a crash in the middle, and finds what is there", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    await job(from, { fixed: false }).start();
    const creates = (await keysOf(from, "job/runs/")).length;
    for (let at = 1; at <= creates; at++) {
      const broken = faultyStorage(to, { faults: [{ operation: "create", key: /runs/, at, kind: "fail" }] });
      await expect(copyRun(from, broken), `at ${at}`).rejects.toMatchObject({ code: "STORAGE" });
      expect(await job(to).checkpoints.info()).toMatchObject({ exists: false });
      await expect(job(to).start({ resume: "required" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    }
    const first = await copyRun(from, to);
    expect(await copyRun(from, to)).toEqual(first);
    called();
    expect(await job(to).start({ resume: "required" })).toMatchObject({ status: "completed", restored: 2 });
    expect(called()).toEqual(["load"]);
  });

  it("refuses to mix a run with what became of it in the other storage", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    await job(from, { fixed: false }).start();
    await copyRun(from, to);
    await job(to).start({ resume: true });
    const before = await keysOf(to, "job/runs/");
    await expect(copyRun(from, to)).rejects.toMatchObject({ code: "INVALID_WORKFLOW", workflowId: "job" });
    expect(await keysOf(to, "job/runs/")).toEqual(before);
    // The other way it is the same run, further on.
    await copyRun(to, from);
    expect((await job(from).checkpoints.info()).status).toBe("completed");
    called();
  });

  it("leaves a run alone that is driven, on either side", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    await job(from).start();
    const errors: unknown[] = [];
    const busy = (storage: Storage): DotFlow => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      workflow.task.add(
        action({ name: "busy" }, async () => {
          errors.push(await copyRun(from, to).catch((error: unknown) => error));
        }),
      );
      return workflow;
    };
    await busy(to).start();
    await busy(from).start();
    expect(errors).toMatchObject([{ code: "WORKFLOW_LOCKED" }, { code: "WORKFLOW_LOCKED" }]);
    called();
  });

  it("does not copy a damaged record, nor a run without its plan", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    const { runId } = await job(from).start();
    for (const name of ["steps/extract", "run"]) {
      const key = `job/runs/${runId}/${name}`;
      const bytes = (await from.get(key)) ?? new Uint8Array();
      await from.put(
        key,
        bytes.map((byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte)),
      );
      await expect(copyRun(from, to)).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT", key });
      await from.put(key, bytes);
    }
    expect(await job(to).checkpoints.info()).toMatchObject({ exists: false, owner: undefined });
    called();
  });

  it("leaves a torn record behind: its step runs again", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    const { runId } = await job(from, { fixed: false }).start();
    const key = `job/runs/${runId}/steps/transform`;
    await from.put(key, ((await from.get(key)) ?? new Uint8Array()).subarray(0, 90));
    called();
    expect((await copyRun(from, to)).objects).toBe(3);
    expect(await job(to).start({ resume: "required" })).toMatchObject({ status: "completed", restored: 1 });
    expect(called()).toEqual(["transform", "load"]);
  });

  it("finds out when the other storage does not keep what it was given", async () => {
    const from = new StorageMemory();
    await job(from).start();
    const forgetful = Object.assign(new StorageMemory(), { create: async () => true });
    await expect(copyRun(from, forgetful)).rejects.toMatchObject({ code: "STORAGE" });
    const to = new StorageMemory();
    const dull = Object.assign(new StorageMemory(), {
      create: (key: string, value: Uint8Array) => to.create(key, key.includes("/steps/") ? value.map(() => 7) : value),
      get: (key: string) => to.get(key),
      put: (key: string, value: Uint8Array) => to.put(key, value),
      list: (prefix: string) => to.list(prefix),
    });
    await expect(copyRun(from, dull)).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
    expect(await job(to).checkpoints.info()).toMatchObject({ exists: false });
    called();
  });

  it("carries signed and encrypted records as they are, and needs the keys to check them", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    const keys = { secret: "open sesame", encryptionKey: "a".repeat(64) };
    await job(from, keys).start();
    await expect(copyRun(from, to, { workflowId: "job" })).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
    await copyRun(from, to, { workflowId: "job", ...keys });
    expect(await (await job(to, keys).start({ resume: "required" })).output()).toBe("sum 3");
    called();
  });

  it("says which workflows there are where it can't choose, and what is missing where there is none", async () => {
    const [from, to] = [new StorageMemory(), new StorageMemory()];
    await expect(copyRun(from, to)).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    await expect(copyRun(from, to, { workflowId: "job" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    await job(from).start();
    await expect(copyRun(from, to, { runId: "gone" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    await job(from, { workflowId: "second" }).start();
    await expect(copyRun(from, to)).rejects.toThrow(/several workflows: .*"second".*"job"|"job".*"second"/);
    await expect(copyRun(from, to, { workflow: "job" } as never)).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    expect(await keysOf(to)).toEqual([]);
    called();
  });
});
