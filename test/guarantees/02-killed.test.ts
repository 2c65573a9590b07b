// Guarantee 2: real processes, killed at every write in turn. What they leave is resumed here, by another process.
import { describe, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { pipeline, pipelineOutput, pipelineTasks } from "../children/guarantee-pipeline.ts";
import { eachSharedStorage, type TestPlace } from "../storages.ts";
import { startChild } from "./children.ts";

describe("2. Killed (SIGKILL) at any moment, also within a write: the next resume loads, and ends with the same result", () => {
  eachSharedStorage((name, open) => {
    // Lease, run, five steps, end, and the release of the lease: each with the moments before, within or after it.
    const levels = [["storage", 2 * 9], ...(name === "file" ? ([["file system", 4 * 9]] as const) : [])] as const;
    it.each(levels)("killed at every write, as the %s sees it", { timeout: 120_000 }, async (level, least) => {
      expect(await killAtEveryWrite(level, open)).toBeGreaterThanOrEqual(Math.floor(least / open.every));
    });

    it("killed again and again while it is resumed", { timeout: 120_000 }, async () => {
      let saved: string[] = [];
      for (let at = 2; ; at += 2 * open.every) {
        const child = startChild("guarantee-crash", ...open.args(), "job", "storage", String(at));
        const ended = await child.ended;
        const now = await savedTasks(open(), "job");
        expect(now).toEqual(expect.arrayContaining(saved));
        saved = now;
        if (ended === "0") break;
        expect(ended).toBe("SIGKILL");
      }
      expect(saved).toEqual([...pipelineTasks].sort());
      await expectToResume(open(), "job");
    });

    it("killed while two steps are in flight side by side: both run again, nothing else does", async () => {
      const child = startChild("guarantee-hold", ...open.args(), "job", "left,right");
      expect(new Set([await child.message(), await child.message()])).toEqual(new Set(["left", "right"]));
      child.process.kill("SIGKILL");
      expect(await child.ended).toBe("SIGKILL");
      expect(await pipeline({ workflowId: "job", storage: open() }).checkpoints.info()).toMatchObject({
        status: "interrupted",
        owner: undefined,
        completed: ["extract"],
      });
      expect(await expectToResume(open(), "job")).toEqual(["left", "right", "join", "load"]);
    });
  });
});

/** Kills one process at each write of a run, until one has less writes than that, and resumes each run. Gives how many were killed. */
async function killAtEveryWrite(level: string, open: TestPlace): Promise<number> {
  let killed = 0;
  let next = 1;
  const take = (): number => (next += open.every) - open.every;
  const worker = async (): Promise<void> => {
    for (let at = take(); ; at = take()) {
      const workflowId = `job-${at}`;
      const ended = await startChild("guarantee-crash", ...open.args(), workflowId, level, String(at)).ended;
      if (ended === "SIGKILL") killed++;
      await expectToResume(open(), workflowId);
      if (ended === "SIGKILL") continue;
      expect(ended).toBe("0");
      return;
    }
  };
  await Promise.all([worker(), worker()]);
  return killed;
}

/** Resumes to the right result, at once, without calling a task that is saved. Gives the tasks that were called. */
async function expectToResume(storage: Storage, workflowId: string): Promise<string[]> {
  const saved = await savedTasks(storage, workflowId);
  const called: string[] = [];
  const workflow = pipeline({ workflowId, storage }, (taskId) => called.push(taskId));
  const result = await workflow.start({ resume: true });
  expect(result.status).toBe("completed");
  expect(await result.output()).toEqual(pipelineOutput);
  expect(called.toSorted()).toEqual(pipelineTasks.filter((id) => !saved.includes(id)).sort());
  expect(await workflow.checkpoints.verify()).toEqual([]);
  return called;
}

async function savedTasks(storage: Storage, workflowId: string): Promise<string[]> {
  const { completed } = await pipeline({ workflowId, storage }).checkpoints.info();
  return [...completed].sort();
}
