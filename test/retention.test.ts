// How saved runs are removed: by hand, and by the option `retention`. What must survive that is guarantee 16.
import { describe, expect, it } from "vitest";
import { DotFlow, type RetentionOptions, type WorkflowEvent } from "dotflow";
import { faultyStorage } from "dotflow/testing";
import { etl } from "./etl.ts";
import { eachStorage, keysOf } from "./storages.ts";

const day = 86_400_000;

eachStorage((_name, open) => {
  describe("clear and prune", () => {
    it("remove all runs, and say how many", async () => {
      const { workflow } = etl(open());
      for (let count = 0; count < 3; count++) await workflow.start();
      expect(await workflow.checkpoints.clear()).toBe(3);
      expect(await keysOf(open())).toEqual([]);
      expect(await workflow.checkpoints.clear()).toBe(0);
      await expect(workflow.start({ resume: "required" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    });

    it.each([
      [{ keep: 2 }, 3],
      [{ keep: 0 }, 5],
      [{ keep: 9 }, 0],
      [{ olderThan: "2d" }, 3],
      [{ olderThan: 0 }, 5],
      [{ keep: 3, olderThan: "1d" }, 2],
      [{ keep: 1, olderThan: "100d" }, 0],
    ])("prune(%j) removes %d of five runs, one a day", async (options, removed) => {
      const { workflow, clock } = etl(open());
      const ids: string[] = [];
      for (let count = 0; count < 5; count++) {
        if (count > 0) await clock.advance(day);
        ids.unshift((await workflow.start()).runId);
      }
      expect(await workflow.checkpoints.prune(options)).toBe(removed);
      expect((await workflow.checkpoints.runs()).map(({ runId }) => runId)).toEqual(ids.slice(0, 5 - removed));
      const { restored } = await workflow.start({ resume: true });
      expect(restored).toBe(removed === 5 ? 0 : 3);
    });

    it.each([{}, { keep: -1 }, { keep: 1.5 }, { olderThan: "soon" }, { kepp: 1 }])(
      "prune(%j) is refused",
      async (options) => {
        await expect(etl(open()).workflow.checkpoints.prune(options)).rejects.toMatchObject({
          code: "INVALID_WORKFLOW",
        });
      },
    );
  });

  describe("retention", () => {
    it.each([
      [{ maxRuns: 2 }, 2],
      [{ maxAge: "3d" }, 4],
      [{ maxRuns: 3, maxAge: "1d" }, 2],
      [{ onSuccess: "keep" }, 6],
      [{ onSuccess: "delete" }, 0],
    ] as [RetentionOptions, number][])("%j leaves %d of six runs, one a day", async (retention, left) => {
      const events: WorkflowEvent[] = [];
      const { workflow, clock } = etl(open(), {
        retention,
        observers: [{ onEvent: (event) => void events.push(event) }],
      });
      for (let count = 0; count < 6; count++) {
        if (count > 0) await clock.advance(day);
        const result = await workflow.start();
        expect(await result.output()).toEqual(["loaded", [2, 4]]);
        expect(Object.keys(await result.contexts())).toEqual(["extract", "transform", "load"]);
      }
      expect(await workflow.checkpoints.runs()).toHaveLength(left);
      const deleted = events.flatMap((event) => (event.type === "checkpoint.deleted" ? event.count : []));
      expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(6 - left);
      expect((await workflow.start({ resume: true })).restored).toBe(left === 0 ? 0 : 3);
    });

    it("keeps a run that failed, which onSuccess: delete removes when it is completed", async () => {
      const retention = { onSuccess: "delete", maxRuns: 1 } as const;
      await etl(open(), { retention, fails: "load" }).workflow.start();
      await etl(open(), { retention, fails: "load" }).workflow.start({ resume: true });
      const { workflow } = etl(open(), { retention });
      expect(await workflow.checkpoints.runs()).toHaveLength(1);
      const result = await workflow.start({ resume: "required" });
      expect(result).toMatchObject({ status: "completed", restored: 2 });
      expect(Object.values(await result.contexts()).map(({ storage }) => storage)).toEqual([
        [1, 2],
        [2, 4],
        ["loaded", [2, 4]],
      ]);
      expect(await workflow.checkpoints.info()).toMatchObject({ exists: false });
      await expect(workflow.start({ resume: "required" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
    });

    it("does not fail a run when a storage can't remove: it is told, and tried again", async () => {
      const heard: string[] = [];
      const storage = faultyStorage(open(), { faults: [{ operation: "delete", kind: "fail" }] });
      const { workflow } = etl(storage, {
        retention: { maxRuns: 1 },
        observers: [{ onEvent: (event) => event.type === "warning" && heard.push(event.message) }],
      });
      for (const runs of [1, 2, 1]) {
        expect((await workflow.start()).status).toBe("completed");
        expect(await workflow.checkpoints.runs()).toHaveLength(runs);
      }
      expect(heard).toHaveLength(1);
    });

    it.each([{ maxRuns: 0 }, { maxRuns: 1.5 }, { maxAge: "long" }, { onSuccess: "remove" }, { keep: 3 }])(
      "%j is refused",
      (retention) => {
        expect(() => new DotFlow({ workflowId: "job", retention: retention as RetentionOptions })).toThrow(
          expect.objectContaining({ code: "INVALID_WORKFLOW" }) as Error,
        );
      },
    );
  });
});
