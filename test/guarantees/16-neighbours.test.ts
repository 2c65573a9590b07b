// Guarantee 16: what lies beside a workflow in the same storage, and what of its own is still needed, survives every removal.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { DotFlow, type DotFlowOptions, type RetentionOptions, type Storage } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { faultyStorage, manualClock } from "dotflow/testing";
import { contentsOf, eachStorage, fill, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";

const neighbours = [
  "job",
  "job-b",
  "job_b",
  "job/b",
  "job.b",
  "job/runs",
  "job/leases",
  "jo",
  "jobs",
  "JOB",
  "job ",
  "job#2",
  "../job",
  "job/../job",
];

describe("16. `clear` and `prune` touch nothing that the workflow did not write; `job` and `job-b` are neighbours, not relatives", () => {
  eachStorage((_name, open) => {
    it("each clears its own, and leaves every byte of the others as it was", async () => {
      const notes = new Notebook();
      const cleared = open.some(neighbours);
      for (const workflowId of neighbours) await threeSteps(open(), notes, { workflowId }).start();
      let present = await contentsOf(open());
      for (const workflowId of cleared) {
        const { checkpoints } = threeSteps(open(), notes, { workflowId });
        expect(await checkpoints.runs()).toHaveLength(1);
        expect(await checkpoints.clear()).toBe(1);
        const left = await contentsOf(open());
        const gone = [...present.keys()].filter((key) => !left.has(key));
        // Lease, run, three steps, end.
        expect(gone, workflowId).toHaveLength(6);
        expect(new Set(gone.map((key) => key.split("/")[0])).size).toBe(1);
        for (const [key, bytes] of left) expect(present.get(key)).toEqual(bytes);
        expect(await checkpoints.info()).toMatchObject({ exists: false, total: 0 });
        present = left;
      }
      expect(present.size).toBe(6 * (neighbours.length - cleared.length));
    });

    it.each(["clear", "prune", "retention"] as const)(
      "what others put between its objects survives %s, and does not disturb it",
      async (way) => {
        const notes = new Notebook();
        const first = await threeSteps(open(), notes).start();
        const foreign = await putForeign(open(), first.runId);
        const before = await foreign.read();
        const retention: RetentionOptions | undefined = way === "retention" ? { maxRuns: 1 } : undefined;
        const workflow = threeSteps(open(), notes, { retention });
        notes.called();
        expect((await workflow.start({ resume: true })).restored).toBe(3);
        expect(notes.called()).toEqual([]);
        await workflow.start();
        const { checkpoints } = workflow;
        expect(await checkpoints.verify()).toEqual([]);
        expect(await checkpoints.runs()).toHaveLength(way === "retention" ? 1 : 2);
        expect(await checkpoints.workflows()).toMatchObject([{ workflowId: "job" }]);
        if (way === "clear") expect(await checkpoints.clear()).toBe(2);
        if (way === "prune") expect(await checkpoints.prune({ keep: 0 })).toBe(2);
        expect(
          (await keysOf(open())).filter((key) => key.includes(first.runId) && !foreign.keys.includes(key)),
        ).toEqual([]);
        expect(await foreign.read()).toEqual(before);
        expect((await workflow.start({ resume: true })).status).toBe("completed");
      },
    );

    it("a run that others refer to survives prune and retention, and goes with the last of them", async () => {
      const notes = new Notebook();
      const workflow = threeSteps(open(), notes);
      const origin = await workflow.start();
      const middle = await workflow.start({ resume: true, from: "second" });
      const newest = await workflow.start({ resume: true, from: "third" });
      expect(await workflow.checkpoints.prune({ keep: 1 })).toBe(0);
      expect((await workflow.checkpoints.runs()).map(({ runId }) => runId)).toEqual([
        newest.runId,
        middle.runId,
        origin.runId,
      ]);
      expect(await workflow.checkpoints.verify()).toEqual([]);
      notes.called();
      expect(
        (await threeSteps(open(), notes, { retention: { maxRuns: 1, maxAge: 0 } }).start({ resume: true })).restored,
      ).toBe(3);
      expect((await workflow.checkpoints.read("first")).storage).toBe("first(null)");
      expect(notes.called()).toEqual([]);

      const independent = await workflow.start();
      expect(await workflow.checkpoints.prune({ keep: 1 })).toBe(3);
      expect((await workflow.checkpoints.runs()).map(({ runId }) => runId)).toEqual([independent.runId]);
      expect(await workflow.checkpoints.verify()).toEqual([]);
      expect((await keysOf(open())).filter((key) => key.includes(origin.runId) || key.includes(middle.runId))).toEqual(
        [],
      );
    });

    it("runs of one instant, and of a clock that was set back: the last one is the newest", async () => {
      const clock = manualClock();
      const workflow = threeSteps(clock.watch(open()), new Notebook(), { clock });
      const ids: string[] = [];
      for (const jump of [0, 0, 0, -3_600_000, 0, 60_000]) {
        clock.jump(jump);
        ids.push((await workflow.start()).runId);
      }
      expect((await workflow.checkpoints.info()).runId).toBe(ids.at(-1));
      await workflow.checkpoints.prune({ keep: 1 });
      expect((await workflow.checkpoints.info()).runId).toBe(ids.at(-1));
      expect((await workflow.start({ resume: true })).restored).toBe(3);
    });

    it("a removal that breaks off anywhere leaves whole runs, or such as no longer exist", async () => {
      for (const way of ["clear", "prune"] as const) {
        for (let at = 1; ; at += open.every) {
          const place = open();
          await fill(place, new Map());
          const notes = new Notebook();
          await threeSteps(place, notes).start();
          await threeSteps(place, notes).start();
          const clock = manualClock();
          const storage = faultyStorage(clock.watch(place), {
            clock,
            faults: [{ operation: "delete", at, times: Infinity, kind: "fail" }],
          });
          const { checkpoints } = threeSteps(storage, notes, { clock });
          const removal = way === "clear" ? checkpoints.clear() : checkpoints.prune({ keep: 1 });
          const failed = await removal.then(
            () => false,
            () => true,
          );
          if (!failed) break;
          const result = await threeSteps(place, notes).start({ resume: true });
          expect(await result.output(), `${way} until ${at}`).toBe("third(second(first(null)))");
          if (way === "prune") expect(result.restored).toBe(3);
          expect(await threeSteps(place, notes).checkpoints.verify()).toEqual([]);
          await threeSteps(place, notes).checkpoints.clear();
          expect(await keysOf(place)).toEqual([]);
        }
      }
    });

    it("a workflow that has nothing writes nothing when it is cleared, pruned or looked at", async () => {
      const { checkpoints } = threeSteps(open(), new Notebook());
      expect([await checkpoints.clear(), await checkpoints.prune({ keep: 0 })]).toEqual([0, 0]);
      expect(await checkpoints.info()).toMatchObject({ exists: false, status: undefined, completed: [] });
      expect([await checkpoints.runs(), await checkpoints.workflows(), await checkpoints.verify()]).toEqual([
        [],
        [],
        [],
      ]);
      await expect(checkpoints.steps()).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
      expect(await keysOf(open())).toEqual([]);
    });
  });
});

function threeSteps(storage: Storage, notes: Notebook, options: Partial<DotFlowOptions> = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, ...options });
  for (const id of ["first", "second", "third"])
    workflow.task.add(notes.step(id, (previous) => `${id}(${String(previous)})`));
  return workflow;
}

/** Puts objects, and files where there are such, where somebody else or a tool might put them. */
async function putForeign(storage: Storage, runId: string) {
  const run = `job/runs/${runId}`;
  const keys = [
    "readme",
    "job/notes",
    "job/leases/desktop.ini",
    "job/leases/00000001.bak",
    "job/leases/99999999-copy",
    "job/runs/run",
    "job/runs/readme",
    "job/runs/plans/00000001",
    `${run}.bak/run`,
    `${run}.bak/steps/first`,
    `${run}.bak/ends/00000001`,
    `${run}/notes`,
    `${run}/steps.bak/first`,
    `${run}/ends/desktop.ini`,
    `${run}/plans/readme`,
    "other/runs/readme/run",
    "job-b/runs/run",
    "job=/leases/00000001",
  ];
  for (const key of keys) await storage.put(key, Buffer.from(`foreign ${key}`));
  const paths =
    storage instanceof StorageFile
      ? [
          ".hidden",
          "job/.DS_Store",
          "job/leases/Thumbs.db",
          "job/leases/00000002 (1)",
          `${run}/steps/.first.swp`,
          `${run}/steps/first~`,
          `${run}/RUN.TXT`,
        ].map((path) => join(storage.folder, path))
      : [];
  for (const path of paths) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `foreign ${path}`);
  }
  const read = async (): Promise<unknown> => [
    await Promise.all(keys.map(async (key) => Buffer.from((await storage.get(key)) ?? "gone").toString())),
    paths.map((path) => readFileSync(path, "utf8")),
  ];
  return { keys, read };
}
