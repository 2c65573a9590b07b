// Guarantee 12: rivals within a process, and rivals that are processes: alive, killed, and stopped so that they wake up late.
import { describe, expect, it } from "vitest";
import { DotFlow, type RunResult, type StartOptions, type Storage } from "dotflow";
import { faultyStorage, manualClock } from "dotflow/testing";
import type { HoldReport } from "../children/guarantee-hold.ts";
import { pipeline, pipelineOutput, pipelineTasks, signed } from "../children/guarantee-pipeline.ts";
import { contentsOf, eachSharedStorage, eachStorage, fill } from "../storages.ts";
import { type Child, startChild } from "./children.ts";
import { Notebook } from "./notebook.ts";
import { gateOf, whileAdvancing } from "./time.ts";

describe("12. Two processes resuming one run: each step has one record, one of the two gets a typed error; a dead owner's run can be taken over", () => {
  eachStorage((_name, open) => {
    it("two starts in one process: the second is told who drives, and runs nothing", async () => {
      const notes = new Notebook();
      const { opened, open: go } = gateOf();
      const begun = gateOf();
      const workflow = oneStep(open(), notes, () => (begun.open(), opened));
      const first = workflow.start({ resume: true });
      await begun.opened;
      const same = await workflow.start({ resume: true }).catch((error: unknown) => error);
      const other = await oneStep(open(), notes)
        .start()
        .catch((error: unknown) => error);
      for (const error of [same, other])
        expect(error).toMatchObject({
          code: "WORKFLOW_LOCKED",
          workflowId: "job",
          owner: { pid: process.pid, generation: 1 },
        });
      await expect(workflow.checkpoints.clear()).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
      await expect(workflow.checkpoints.prune({ keep: 0 })).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
      expect(await workflow.checkpoints.info()).toMatchObject({ status: "running", owner: { pid: process.pid } });
      go();
      const { runId, status } = await first;
      expect(status).toBe("completed");
      expect((same as { runId: string }).runId).toBe(runId);
      expect(notes.called()).toEqual(["step"]);
      expect(await workflow.start({ resume: true })).toMatchObject({ runId, restored: 1 });
    });

    it("many at once: one runs, the others are refused", async () => {
      const notes = new Notebook();
      const begun = gateOf();
      const { opened, open: go } = gateOf();
      const starts = Array.from({ length: 8 }, () =>
        oneStep(open(), notes, () => (begun.open(), opened)).start({ resume: true }),
      );
      // One never ends before it is told to; when seven have, the others are known.
      const others = firstSettled(starts, 7);
      await begun.opened;
      const refused = await others;
      for (const error of refused) expect(error).toMatchObject({ code: "WORKFLOW_LOCKED" });
      go();
      expect((await Promise.allSettled(starts)).filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(notes.called()).toEqual(["step"]);
    });

    it("many that wait: each runs in its turn, and finds what is done", async () => {
      const clock = manualClock();
      const notes = new Notebook();
      const begun = gateOf();
      const { opened, open: go } = gateOf();
      const start = (): Promise<RunResult> =>
        oneStep(clock.watch(open()), notes, () => (begun.open(), opened), { clock }).start({
          resume: true,
          lock: "wait",
        });
      const starts = Array.from({ length: 5 }, start);
      await begun.opened;
      // They wait for longer than any lease: a living process is not robbed.
      await clock.advance("10m");
      expect(notes.called()).toEqual(["step"]);
      go();
      const results = await whileAdvancing(clock, Promise.all(starts));
      expect(results.map(({ status }) => status)).toEqual(Array(5).fill("completed"));
      expect(results.filter(({ succeeded }) => succeeded === 1)).toHaveLength(1);
      expect(results.filter(({ restored }) => restored === 1)).toHaveLength(4);
      expect(notes.called()).toEqual([]);
    });

    it("a process that slept, and that nobody replaced meanwhile, goes on", async () => {
      for (const asleep of [3_600_000, -3_600_000]) {
        const clock = manualClock();
        const notes = new Notebook();
        const storage = clock.watch(open());
        const workflow = oneStep(storage, notes, () => clock.jump(asleep), { clock, workflowId: `job${asleep}` });
        expect((await whileAdvancing(clock, workflow.start())).status).toBe("completed");
        expect((await whileAdvancing(clock, workflow.start({ resume: true }))).restored).toBe(1);
        expect(notes.called()).toEqual(["step"]);
      }
    });

    it.each(["fail", "lose-answer"] as const)(
      "an owner whose calls for the lease %s is taken over at once, in the same process too",
      async (kind) => {
        for (const at of [1, 2]) {
          const notes = new Notebook();
          const storage = faultyStorage(open(), {
            faults: [{ operation: ["create", "put"], key: /leases/, at, kind }],
          });
          await expect(oneStep(storage, notes).start()).rejects.toMatchObject({ code: "STORAGE" });
          expect((await oneStep(open(), notes).start({ resume: true })).status).toBe("completed");
          expect(notes.called()).toHaveLength(1);
          await fill(open(), new Map());
        }
      },
    );
  });

  eachSharedStorage((_name, open) => {
    it("four processes at once: one drives, three are refused, and each step has one record", async () => {
      const children = Array.from({ length: 4 }, () => startChild("guarantee-hold", ...open.args(), "job", "extract"));
      const winner = await oneDrives(children, "extract");
      winner.send("go on");
      expect(await winner.message<HoldReport>()).toEqual({ status: "completed" });
      await expectWhole(open());
    });

    it("four processes after an owner that was killed: one takes over at once", async () => {
      const dead = startChild("guarantee-hold", ...open.args(), "job", "left");
      expect(await dead.message()).toBe("left");
      dead.process.kill("SIGKILL");
      await dead.ended;
      const children = Array.from({ length: 4 }, () => startChild("guarantee-hold", ...open.args(), "job", "join"));
      const winner = await oneDrives(children, "join");
      winner.send("go on");
      expect(await winner.message<HoldReport>()).toEqual({ status: "completed" });
      await expectWhole(open());
    });

    it("a process that lives is not robbed, and its run can be resumed when it has ended", async () => {
      const child = startChild("guarantee-hold", ...open.args(), "job", "left", "3s");
      expect(await child.message()).toBe("left");
      const workflow = pipeline({ workflowId: "job", storage: open() });
      await expect(workflow.start({ resume: true })).rejects.toMatchObject({
        code: "WORKFLOW_LOCKED",
        owner: { pid: child.process.pid },
      });
      expect(await workflow.checkpoints.info()).toMatchObject({ status: "running", owner: { pid: child.process.pid } });
      await expect(workflow.checkpoints.clear()).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
      const waiting = workflow.start({ resume: true, lock: "wait" });
      child.send("go on");
      expect(await child.message<HoldReport>()).toEqual({ status: "completed" });
      expect(await waiting).toMatchObject({ status: "completed", restored: pipelineTasks.length });
    });

    it("a process that is stopped loses its run; woken up in a step, it records nothing", async () => {
      const child = startChild("guarantee-hold", ...open.args(), "job", "left", "1s");
      expect(await child.message()).toBe("left");
      const { checkpoints } = pipeline({ workflowId: "job", storage: open() });
      // Not in the middle of a write: some storages would keep everybody waiting then, until the process goes on.
      await expect.poll(async () => (await checkpoints.info()).completed, { timeout: 20_000 }).toContain("right");
      child.process.kill("SIGSTOP");
      const result = await pipeline({ workflowId: "job", storage: open() }).start({ resume: true, lock: "wait" });
      expect(await result.output()).toEqual(pipelineOutput);
      const before = await contentsOf(open());
      child.process.kill("SIGCONT");
      child.send("go on");
      expect(await child.message<HoldReport>()).toMatchObject({ code: "LEASE_LOST" });
      expect(await contentsOf(open())).toEqual(before);
    });

    it.each(open.some(["steps/first$", "steps/second$", "steps/third$", "runs/[^/]*/run$"]))(
      "woken up in the middle of creating %s: the record that was first counts",
      async (key) => {
        const child = startChild("guarantee-zombie", ...open.args(), "job", key, "1s");
        expect(await child.message()).toBe("stops");
        const workflow = signed({ workflowId: "job", storage: open() });
        const result = await workflow.start({ resume: true, lock: "wait" });
        expect(result.status).toBe("completed");
        const output = await result.output();
        child.process.kill("SIGCONT");
        expect(await child.message<HoldReport>()).toMatchObject({ code: "LEASE_LOST" });
        const last = await workflow.start({ resume: true });
        expect(last).toMatchObject({ runId: result.runId, restored: 3 });
        expect(await last.output()).toEqual(output);
        // Whoever ran a step, the one after it was given that value.
        const third = output as { after: { after: unknown } };
        expect((await last.context("second")).storage).toEqual(third.after);
        expect((await last.context("first")).storage).toEqual(third.after.after);
      },
    );
  });
});

function oneStep(
  storage: Storage,
  notes: Notebook,
  give: () => unknown = () => 1,
  options: { clock?: ReturnType<typeof manualClock>; workflowId?: string } = {},
): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, ...options });
  workflow.task.add(notes.step("step", give));
  return workflow;
}

/** What the first `count` of the promises that settle gave or threw. */
function firstSettled(promises: readonly Promise<unknown>[], count: number): Promise<unknown[]> {
  const settled: unknown[] = [];
  return new Promise((resolve) => {
    const note = (outcome: unknown): void => {
      if (settled.push(outcome) === count) resolve([...settled]);
    };
    for (const promise of promises) promise.then(note, note);
  });
}

/** Waits until every process has said something, and gives the one that drives: it came to `step`, the others were refused. */
async function oneDrives(children: readonly Child[], step: string): Promise<Child> {
  const said = await Promise.all(children.map((child) => child.message<string | HoldReport>()));
  const winners = children.filter((_, index) => said[index] === step);
  expect(winners).toHaveLength(1);
  for (const report of said) if (report !== step) expect(report).toMatchObject({ code: "WORKFLOW_LOCKED" });
  return winners[0] as Child;
}

async function expectWhole(storage: Storage): Promise<void> {
  const workflow = pipeline({ workflowId: "job", storage });
  const options: StartOptions = { resume: "required" };
  const result = await workflow.start(options);
  expect(result).toMatchObject({ status: "completed", restored: pipelineTasks.length });
  expect(await workflow.checkpoints.runs()).toHaveLength(1);
  expect(await workflow.checkpoints.verify()).toEqual([]);
}
