// `workflow.checkpoints`: what it shows of saved runs, and what is wrong with them.
import { describe, expect, it } from "vitest";
import { action, Checkpoints, DotFlow } from "dotflow";
import { faultyStorage, manualClock } from "dotflow/testing";
import { beginning, etl } from "./etl.ts";
import { eachStorage, keysOf } from "./storages.ts";

eachStorage((_name, open) => {
  describe("info", () => {
    it("of a workflow that never ran", async () => {
      expect(await new Checkpoints(open(), { workflowId: "job" }).info()).toEqual({
        exists: false,
        status: undefined,
        runId: undefined,
        completed: [],
        failed: [],
        skipped: [],
        waiting: [],
        lastRunTime: undefined,
        total: 0,
        owner: undefined,
      });
    });

    it("of a run that failed, and of the same one completed", async () => {
      const { workflow, clock } = etl(open(), { fails: "transform" });
      const { runId } = await workflow.start();
      const expected = {
        exists: true,
        status: "failed",
        runId,
        completed: ["extract"],
        failed: ["transform"],
        skipped: ["load"],
        waiting: [],
        lastRunTime: new Date(clock.now()),
        total: 1,
        owner: undefined,
      };
      expect(await workflow.checkpoints.info()).toEqual(expected);
      // Without the workflow, as another process sees it.
      expect(await new Checkpoints(open(), { workflowId: "job" }).info()).toEqual(expected);
      await clock.advance("1h");
      await etl(open(), { clock }).workflow.start({ resume: true });
      expect(await workflow.checkpoints.info()).toMatchObject({
        status: "completed",
        runId,
        completed: ["extract", "transform", "load"],
        failed: [],
        skipped: [],
        total: 3,
        lastRunTime: new Date(clock.now()),
      });
    });

    it("of a run that is driven just now, that was cancelled, and whose storage broke down", async () => {
      const { workflow, clock } = etl(open(), { inStep: async () => seen.push(await workflow.checkpoints.info()) });
      const seen: unknown[] = [];
      const { runId } = await workflow.start();
      expect(seen[1]).toMatchObject({
        status: "running",
        runId,
        completed: ["extract"],
        owner: { pid: process.pid, runId, generation: 1, renewedAt: new Date(clock.now()) },
        lastRunTime: new Date(clock.now()),
      });

      const controller = new AbortController();
      const cancelled = etl(open(), { inStep: (id) => id === "transform" && controller.abort() }).workflow;
      await cancelled.start({ signal: controller.signal });
      expect(await cancelled.checkpoints.info()).toMatchObject({
        status: "cancelled",
        completed: ["extract", "transform"],
      });

      const broken = faultyStorage(open(), {
        faults: [{ operation: ["put", "create"], at: 4, times: Infinity, kind: "fail" }],
      });
      await expect(etl(broken).workflow.start()).rejects.toMatchObject({ code: "STORAGE" });
      expect(await workflow.checkpoints.info()).toMatchObject({
        status: "interrupted",
        completed: ["extract"],
        owner: undefined,
      });
    });
  });

  describe("runs, steps and read", () => {
    it("list the newest first, and tell what was taken over from where", async () => {
      const { workflow, clock } = etl(open(), { fails: "transform" });
      const failed = await workflow.start({ mode: "parallel" });
      await clock.advance("1m");
      const { workflow: sound } = etl(open(), { clock });
      const first = await sound.start();
      await clock.advance("1m");
      const second = await sound.start({ resume: true, from: "load" });
      const [newest, middle, oldest, ...others] = await sound.checkpoints.runs();
      expect(others).toEqual([]);
      expect(newest).toEqual({
        runId: second.runId,
        status: "completed",
        mode: "sequential",
        createdAt: new Date(beginning + 120_000),
        finishedAt: new Date(beginning + 120_000),
        previousRunId: first.runId,
        saved: 3,
        total: 3,
      });
      expect(middle).toMatchObject({ runId: first.runId, status: "completed", previousRunId: undefined, saved: 3 });
      expect(oldest).toMatchObject({
        runId: failed.runId,
        status: "failed",
        mode: "parallel",
        saved: 2,
        total: 3,
        createdAt: new Date(beginning),
      });

      const steps = await sound.checkpoints.steps();
      expect(steps.map(({ id, status, runId }) => [id, status, runId])).toEqual([
        ["load", "completed", second.runId],
        ["extract", "completed", first.runId],
        ["transform", "completed", first.runId],
      ]);
      expect(steps[0]).toEqual({
        id: "load",
        name: "load",
        group: "default",
        status: "completed",
        runId: second.runId,
        attempts: 1,
        iterations: 1,
        startedAt: new Date(beginning + 120_000),
        finishedAt: new Date(beginning + 120_000),
        size: 16,
        durationMs: 0,
        error: undefined,
        reason: undefined,
      });
      const [, , third] = await sound.checkpoints.steps({ runId: failed.runId });
      expect(third).toMatchObject({
        id: "transform",
        status: "failed",
        runId: undefined,
        attempts: 1,
        size: undefined,
        finishedAt: undefined,
        reason: "failed with Error: transform fails",
        error: {
          name: "Error",
          message: "transform fails",
          stack: expect.stringContaining("etl.ts") as string,
        },
      });
    });

    it("read the value of a task, of the last run or of the one that is named", async () => {
      let version = 1;
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(action({ name: "give" }, () => ({ version })));
      const { runId } = await workflow.start();
      version = 2;
      await workflow.start();
      const { checkpoints } = workflow;
      expect((await checkpoints.read("give")).storage).toEqual({ version: 2 });
      expect((await checkpoints.read("give", { runId })).storage).toEqual({ version: 1 });
      await expect(checkpoints.read("other")).rejects.toMatchObject({ code: "INVALID_WORKFLOW", taskId: "other" });
      await expect(checkpoints.read("give", { runId: "none" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
      await expect(new Checkpoints(open(), { workflowId: "none" }).read("give")).rejects.toMatchObject({
        code: "NOTHING_TO_RESUME",
      });
      await expect(checkpoints.read("give", { run: runId } as object)).rejects.toMatchObject({
        code: "INVALID_WORKFLOW",
      });
      expect(() => new Checkpoints(open(), { workflowId: "job", sercet: "x" } as never)).toThrow('no option "sercet"');
    });

    it("list the workflows of a storage, the one that ran last first", async () => {
      const clock = manualClock(beginning);
      const long = "long".repeat(100);
      for (const workflowId of ["a/b", "B", long, "a/b"]) {
        await clock.advance("1m");
        await etl(open(), { clock, workflowId }).workflow.start();
      }
      const listed = await new Checkpoints(open(), { workflowId: "whoever" }).workflows();
      expect(listed.map(({ workflowId, runs }) => [workflowId, runs])).toEqual([
        ["a/b", 2],
        [long, 1],
        ["B", 1],
      ]);
      expect(listed[0]?.lastRunId).toBe((await new Checkpoints(open(), { workflowId: "a/b" }).info()).runId);
    });
  });

  describe("verify", () => {
    it("lists what is damaged, cut short, unreadable with this secret, or missing", async () => {
      const { workflow } = etl(open());
      const { runId } = await workflow.start();
      const last = await workflow.start({ resume: true, from: "load" });
      const { checkpoints } = workflow;
      expect(await checkpoints.verify()).toEqual([]);
      const step = (id: string, run = runId): string => `job/runs/${run}/steps/${id}`;
      const bytes = async (key: string): Promise<Uint8Array> => (await open().get(key)) ?? new Uint8Array();
      const future = Buffer.from((await bytes(step("load"))).map((byte) => byte))
        .toString()
        .replace('"dotflow":1', '"dotflow":2');
      await open().delete(step("extract"));
      await open().put(step("transform"), (await bytes(step("transform"))).slice(0, -1));
      await open().put(step("load"), Buffer.from(future));
      await open().put(step("load", last.runId), Buffer.from("not a record\n"));
      expect((await checkpoints.verify()).map(({ key, code }) => [key, code])).toEqual([
        [step("extract"), "MISSING"],
        [step("load"), "UNSUPPORTED_FORMAT"],
        [step("transform"), "TORN"],
        [step("load", last.runId), "CORRUPT_CHECKPOINT"],
      ]);
      for (const { key, message } of await checkpoints.verify()) expect(message).toContain(key.split("/").at(-1));
      const keys = await keysOf(open());
      expect(
        (await new Checkpoints(open(), { workflowId: "job", secret: "x" }).verify()).map(({ key }) => key),
      ).toEqual(expect.arrayContaining(keys));
    });

    it("rejects when the storage itself fails", async () => {
      await etl(open()).workflow.start();
      const storage = faultyStorage(open(), { faults: [{ operation: "get", at: 3, kind: "fail" }] });
      await expect(new Checkpoints(storage, { workflowId: "job" }).verify()).rejects.toMatchObject({
        code: "STORAGE",
        operation: "get",
      });
    });
  });
});
