// Guarantee 14: in every mode within a process, and over processes that come, go, die and meet.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type RunResult, type StepContext, type Storage } from "dotflow";
import type { WaitReport } from "../children/guarantee-wait.ts";
import { eachSharedStorage, eachStorage } from "../storages.ts";
import { type Child, startChild } from "./children.ts";
import { Notebook } from "./notebook.ts";

const suspended = {
  status: "suspended",
  waiting: ["approval"],
  tasks: { draft: "completed", ask: "waiting", publish: "pending", notify: "completed", join: "pending" },
  published: null,
};
const completed = { status: "completed", waiting: [], published: ["draft", "yes"] };

describe("14. A wait for a person is `suspended`, never success, also inside a parallel branch and across processes", () => {
  eachStorage((_name, open) => {
    it.each(["sequential", "sequential_group", "parallel", "graph"] as const)(
      "mode %s: as often as it is started without the signal, and what follows does not run",
      async (mode) => {
        const notes = new Notebook();
        const start = (): Promise<RunResult> => branches(open(), notes, mode).start({ mode, resume: true });
        for (let count = 0; count < 3; count++) {
          const result = await start();
          expect(result).toMatchObject({ status: "suspended", waiting: ["approval"], failed: 0 });
          await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED" });
          expect((await result.context("ask")).storage).toBeNull();
        }
        const { checkpoints } = branches(open(), notes, mode);
        expect(await checkpoints.info()).toMatchObject({ status: "suspended", waiting: ["ask"] });
        expect((await checkpoints.info()).completed).not.toContain("ask");
        await expect(checkpoints.read("ask")).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
        expect(notes.called().filter((id) => id === "ask")).toHaveLength(3);
        if (mode !== "parallel") expect(notes.succeeded()).not.toContain("publish");

        await checkpoints.signal("approval", "yes");
        const last = await start();
        expect(last.status).toBe("completed");
        expect((await last.context("ask")).storage).toBe("yes");
        if (mode !== "parallel") expect((await last.context("publish")).storage).toBe("yes");
      },
    );

    it("is the status also where the step swallows every error, and where it has retries and a time-out", async () => {
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const ask = action({ name: "ask", retry: 3, timeout: "1m" }, async (_: Context, step: StepContext) => {
        try {
          return await step.waitFor("approval");
        } catch {
          return "swallowed";
        } finally {
          await Promise.resolve();
        }
      });
      workflow.task.add(ask);
      const result = await workflow.start();
      expect(result).toMatchObject({ status: "suspended", tasks: [{ status: "waiting", attempts: 1, errors: [] }] });
    });
  });

  eachSharedStorage((_name, open) => {
    it("one process asks, another one answers, a third one goes on", async () => {
      expect(await reportOf(child("run"))).toMatchObject({ ...suspended, called: expect.arrayContaining(["notify"]) });
      expect(await reportOf(child("run"))).toMatchObject({
        ...suspended,
        tasks: { ...suspended.tasks, draft: "restored", notify: "restored" },
        called: ["ask"],
      });
      expect(await reportOf(child("signal", "yes"))).toMatchObject({ status: "sent" });
      expect(await reportOf(child("run"))).toMatchObject({ ...completed, called: ["ask", "publish", "join"] });
      expect(await reportOf(child("signal", "too late"))).toMatchObject({ code: "NOTHING_TO_RESUME" });
      expect(await reportOf(child("run"))).toMatchObject({ ...completed, called: [] });
    });

    it("a process that waits in place gets what another one sends", async () => {
      const waiting = child("in place");
      expect(await waiting.message()).toBe("asks");
      expect(await reportOf(child("run"))).toMatchObject({ code: "WORKFLOW_LOCKED" });
      expect(await reportOf(child("signal", "yes"))).toMatchObject({ status: "sent" });
      expect(await reportOf(waiting)).toMatchObject(completed);
    });

    it("one that was killed while it waited: what comes meanwhile is there for the next one", async () => {
      const waiting = child("in place");
      expect(await waiting.message()).toBe("asks");
      waiting.process.kill("SIGKILL");
      await waiting.ended;
      expect(await reportOf(child("signal", "yes"))).toMatchObject({ status: "sent" });
      expect(await reportOf(child("run"))).toMatchObject(completed);
    });

    it("two that go on at the same moment: one signal is taken once", async () => {
      expect(await reportOf(child("run"))).toMatchObject(suspended);
      for (const payload of ["yes", "second"]) await reportOf(child("signal", payload));
      const reports = await Promise.all([child("run"), child("run")].map(reportOf));
      const ended = reports.filter((report) => "called" in report);
      expect(ended.length).toBeGreaterThan(0);
      for (const report of ended) expect(report).toMatchObject(completed);
      for (const report of reports) if ("code" in report) expect(report).toMatchObject({ code: "WORKFLOW_LOCKED" });
      expect(ended.flatMap(({ called }) => called).toSorted()).toEqual(["ask", "join", "publish"]);
    });

    function child(...role: string[]): Child {
      return startChild("guarantee-wait", ...open.args(), ...role);
    }
  });
});

/** Resolves with what a process says in the end, once it has ended by itself. */
async function reportOf(child: Child): Promise<WaitReport> {
  let said: WaitReport | string = "";
  while (typeof said === "string") said = await child.message<WaitReport | string>();
  expect(await child.ended).toBe("0");
  return said;
}

/** One that asks and one that follows it, beside one that has nothing to wait for. */
function branches(storage: Storage, notes: Notebook, mode: string): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const ask = workflow.task.add(
    notes.step("ask", (_, step) => step.waitFor("approval")),
    { id: "ask", groupName: "left" },
  );
  const publish = notes.step("publish", (previous) => previous);
  workflow.task.add(publish, { id: "publish", groupName: "left", ...(mode === "graph" && { after: ask }) });
  workflow.task.add(
    notes.step("beside", () => "beside"),
    { id: "beside", groupName: "right" },
  );
  return workflow;
}
