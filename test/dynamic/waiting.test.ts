// Durable waiting: signals, times, what a resume finds, and what waits beside other work.
import { describe, expect, it } from "vitest";
import {
  action,
  Checkpoints,
  type Context,
  DotFlow,
  type DotFlowOptions,
  type StartOptions,
  type StepContext,
  WaitTimeoutError,
} from "dotflow";
import { StorageMemory } from "dotflow/storage/memory";
import { crashTest, faultyStorage, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf, whileAdvancing } from "../guarantees/time.ts";
import { eachStorage, keysOf } from "../storages.ts";

describe("waiting", () => {
  eachStorage((_name, open) => {
    it("ends suspended without the signal, and a resume after it goes on", async () => {
      const notes = new Notebook();
      const make = (): DotFlow => approval({ storage: open() }, notes);
      const first = await make().start();
      expect(first).toMatchObject({ status: "suspended", waiting: ["approval"], succeeded: 1 });
      expect(first.tasks.map(({ status }) => status)).toEqual(["completed", "waiting", "pending"]);
      expect(first.tasks[1]).toMatchObject({ reason: 'waits for signal "approval"', errors: [] });
      expect(await make().checkpoints.info()).toMatchObject({ status: "suspended", waiting: ["ask"] });
      expect((await make().checkpoints.steps()).find(({ id }) => id === "ask")).toMatchObject({ status: "waiting" });
      expect(await make().start({ resume: true })).toMatchObject({ status: "suspended", runId: first.runId });
      await make().checkpoints.signal("approval", { by: "Ada", at: new Date(0) });
      const last = await make().start({ resume: true });
      expect(await last.output()).toEqual({ by: "Ada", at: new Date(0) });
      expect(last).toMatchObject({ status: "completed", runId: first.runId, waiting: [], restored: 1 });
      expect(notes.called()).toEqual(["prepare", "ask", "ask", "ask", "publish"]);
      expect(await make().checkpoints.verify()).toEqual([]);
    });

    it("keeps a signal that came before the waiting began", async () => {
      const notes = new Notebook();
      const { checkpoints } = approval({ storage: open() }, notes);
      const broken = approval({ storage: open() }, notes, () => Promise.reject(new Error("not yet")));
      expect((await broken.start()).status).toBe("failed");
      await checkpoints.signal("approval", "early");
      const result = await approval({ storage: open() }, notes).start({ resume: true });
      expect(await result.output()).toBe("early");
    });

    it("stays and waits in place where it is asked to", async () => {
      const workflow = approval({ storage: open() }, new Notebook());
      const run = await workflow.start({ mode: "background", wait: true });
      const { checkpoints } = approval({ storage: open() }, new Notebook());
      await checkpoints.signal("approval", [1, 2]);
      expect(await (await run.result()).output()).toEqual([1, 2]);
    });
  });

  describe("signals", () => {
    it("two waits of one name need two signals, the oldest first", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => [await step.waitFor("go"), await step.waitFor("go")]);
      expect(await workflow.start()).toMatchObject({ status: "suspended" });
      // The clock stands still: their order is that of the calls.
      await workflow.checkpoints.signal("go", "first");
      expect(await workflow.start({ resume: true })).toMatchObject({ status: "suspended", waiting: ["go"] });
      for (const payload of ["second", "third", "fourth"]) await workflow.checkpoints.signal("go", payload);
      expect(await (await workflow.start({ resume: true })).output()).toEqual(["first", "second"]);
    });

    it("many at the same moment are taken in the order in which they were sent", async () => {
      const clock = manualClock();
      const numbers = Array.from({ length: 20 }, (_, index) => index);
      const workflow = steps({ clock }, async (step) => {
        const taken: unknown[] = [];
        for (const _ of numbers) taken.push(await step.waitFor("go"));
        return taken;
      });
      await workflow.start();
      for (const number of numbers) await workflow.checkpoints.signal("go", number);
      expect(await (await workflow.start({ resume: true })).output()).toEqual(numbers);
    });

    it("one sent later counts as later also where the sender's clock is behind", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => [await step.waitFor("go"), await step.waitFor("go")]);
      await workflow.start();
      await workflow.checkpoints.signal("go", "first");
      clock.jump(-60_000);
      await workflow.checkpoints.signal("go", "second");
      expect(await (await workflow.start({ resume: true })).output()).toEqual(["first", "second"]);
    });

    it("of two tasks that wait for one name each takes one", async () => {
      const storage = new StorageMemory();
      const workflow = new DotFlow({ workflowId: "job", storage });
      for (const name of ["left", "right"]) workflow.task.add(waiting(name, (step) => step.waitFor("go")));
      const start = (): Promise<unknown> => workflow.start({ mode: "parallel", resume: true });
      expect(await start()).toMatchObject({ status: "suspended", waiting: ["go"] });
      await workflow.checkpoints.signal("go", 1);
      expect(await start()).toMatchObject({ status: "suspended", succeeded: 1 });
      await workflow.checkpoints.signal("go", 2);
      const result = await workflow.start({ mode: "parallel", resume: true });
      const payloads = Object.values(await result.contexts()).map((context) => context.storage);
      expect(new Set(payloads)).toEqual(new Set([1, 2]));
    });

    it("a name that is waited for again after a resume gets what it got before", async () => {
      const taken: unknown[] = [];
      const workflow = steps({}, async (step) => {
        taken.push(await step.waitFor("first"));
        return step.waitFor("second");
      });
      await workflow.start();
      await workflow.checkpoints.signal("first", "one");
      await workflow.start({ resume: true });
      await workflow.checkpoints.signal("first", "other");
      await workflow.start({ resume: true });
      await workflow.checkpoints.signal("second", null);
      expect(await (await workflow.start({ resume: true })).output()).toBeNull();
      expect(taken).toEqual(["one", "one", "one"]);
    });

    it("comes from anywhere: with the secret of the workflow, and without a payload", async () => {
      const storage = new StorageMemory();
      const sealed = { secret: "hush", encryptionKey: "a".repeat(64) };
      const workflow = steps({ storage, ...sealed }, (step) => step.waitFor("go"));
      await workflow.start();
      await new Checkpoints(storage, { workflowId: "job", ...sealed }).signal("go");
      expect(await (await workflow.start({ resume: true })).output()).toBeUndefined();
    });

    it("names of any kind stay apart", async () => {
      const names = ["a/b", "a_b", "A", "a", "..", "é", "x".repeat(300), `${"x".repeat(299)}y`];
      const workflow = steps({}, async (step) => {
        const found: Record<string, unknown> = {};
        for (const name of names) found[name] = await step.waitFor(name);
        return found;
      });
      await workflow.start();
      for (const name of names.toReversed()) await workflow.checkpoints.signal(name, name);
      const expected = Object.fromEntries(names.map((name) => [name, name]));
      expect(await (await workflow.start({ resume: true })).output()).toEqual(expected);
    });

    it("is refused where nothing could take it", async () => {
      const workflow = steps({}, async (step) => step.taskId);
      await expect(workflow.checkpoints.signal("go")).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
      await workflow.start();
      await expect(workflow.checkpoints.signal("go")).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
      await expect(workflow.checkpoints.signal("")).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    });

    it("is refused with a payload that can't be saved", async () => {
      const workflow = steps({}, (step) => step.waitFor("go"));
      await workflow.start();
      await expect(workflow.checkpoints.signal("go", () => 1)).rejects.toMatchObject({ code: "SERIALIZATION" });
      expect((await workflow.start({ resume: true })).status).toBe("suspended");
    });

    it("belongs to its run: a new one waits for its own", async () => {
      const workflow = steps({}, (step) => step.waitFor("go"));
      await workflow.start();
      await workflow.checkpoints.signal("go", "old");
      expect(await workflow.start()).toMatchObject({ status: "suspended" });
      await workflow.checkpoints.signal("go", "new");
      expect(await (await workflow.start({ resume: true })).output()).toBe("new");
    });

    it("one that is torn counts as not sent, and nothing hangs", async () => {
      const storage = new StorageMemory();
      const workflow = steps({ storage }, (step) => step.waitFor("go"));
      await workflow.start();
      await workflow.checkpoints.signal("go", "torn");
      const [key = ""] = (await keysOf(storage)).filter((name) => name.includes("/signals/"));
      await storage.put(key, ((await storage.get(key)) as Uint8Array).slice(0, -1));
      expect(await workflow.start({ resume: true })).toMatchObject({ status: "suspended" });
      await workflow.checkpoints.signal("go", "whole");
      expect(await (await workflow.start({ resume: true })).output()).toBe("whole");
    });
  });

  describe("a crash", () => {
    const moments = ["taken", "arrivals", "waits", "ends"] as const;
    it.each(moments.flatMap((moment) => (["fail", "lose-answer"] as const).map((kind) => [moment, kind] as const)))(
      "in the writing of %s (%s): the same signal arrives, once",
      async (moment, kind) => {
        const memory = new StorageMemory();
        const make = (storage: StorageMemory | ReturnType<typeof faultyStorage>): DotFlow =>
          steps({ storage }, async (step) => [await step.waitFor("go"), await step.waitFor("go")]);
        expect((await make(memory).start()).status).toBe("suspended");
        for (const payload of [1, 2]) await make(memory).checkpoints.signal("go", payload);
        const faults = [{ key: new RegExp(`/${moment}/`), operation: ["create", "put"] as const, kind }];
        const crashed = await make(faultyStorage(memory, { faults }))
          .start({ resume: true })
          .catch((error: unknown) => error);
        expect(crashed).toMatchObject({ code: "STORAGE" });
        expect(await (await make(memory).start({ resume: true })).output()).toEqual([1, 2]);
      },
    );

    it("anywhere changes nothing, in every mode", async () => {
      for (const mode of ["sequential", "sequential_group", "parallel"] as const) {
        const report = await crashTest(
          (storage) => {
            const workflow = new DotFlow({ workflowId: "job", storage });
            const ask = waiting("ask", async (step) => {
              await step.once("send", () => workflow.checkpoints.signal("go", "sent"));
              return [await step.waitFor("go"), step.iteration];
            });
            workflow.task.add(ask, { groupName: "left" });
            workflow.task.add(
              waiting("beside", async () => "beside"),
              { groupName: "right" },
            );
            return workflow;
          },
          { start: { mode }, twice: false },
        );
        expect(report.problems).toEqual([]);
      }
    });
  });

  describe("times", () => {
    it("a sleep goes on over resumes, and does not start anew", async () => {
      const clock = manualClock();
      const notes = new Notebook();
      const make = (storage: StorageMemory): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, clock });
        workflow.task.add(notes.step("nap", (_previous, step) => step.sleep("1h")));
        workflow.task.add(notes.step("up", () => "up"));
        return workflow;
      };
      const storage = new StorageMemory();
      const first = await make(storage).start();
      expect(first).toMatchObject({ status: "suspended", waiting: ["2026-01-01T01:00:00.000Z"] });
      await clock.advance("40m");
      const second = await make(storage).start({ resume: true });
      expect(second).toMatchObject({ status: "suspended", waiting: ["2026-01-01T01:00:00.000Z"] });
      await clock.advance(20 * 60_000 - 1);
      expect(await make(storage).start({ resume: true })).toMatchObject({ status: "suspended" });
      await clock.advance(1);
      expect(await (await make(storage).start({ resume: true })).output()).toBe("up");
      expect(notes.called()).toEqual(["nap", "nap", "nap", "nap", "up"]);
    });

    it("several sleeps follow one another, each from when it was reached", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => {
        await step.sleep("1h");
        await step.sleep("1h");
        await step.sleepUntil(new Date(Date.UTC(2026, 0, 1, 5)));
        return clock.now();
      });
      const result = whileAdvancing(clock, workflow.start({ wait: true }));
      await expect(result).rejects.toThrow("It hangs");
      await clock.advance("3h");
      const again = await workflow.checkpoints.info();
      expect(again.status).toBe("completed");
      expect((await workflow.checkpoints.read("ask")).storage).toBe(Date.UTC(2026, 0, 1, 5));
    });

    it("a time that has passed already is not waited for", async () => {
      const workflow = steps({}, async (step) => {
        await step.sleep(0);
        await step.sleepUntil(new Date(0));
        return "now";
      });
      expect(await (await workflow.start()).output()).toBe("now");
    });

    it("in place, a sleep ends at its time and not before", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => (await step.sleep("10m"), clock.now()));
      const ended = workflow.start({ wait: true });
      await clock.advance(10 * 60_000 - 1);
      expect((await workflow.checkpoints.info()).status).toBe("running");
      const result = await whileAdvancing(clock, ended);
      expect(await result.output()).toBe(Date.UTC(2026, 0, 1, 0, 10));
    });

    it("a time-out is thrown, recorded, and stays one when the signal comes after all", async () => {
      const clock = manualClock();
      let crash = true;
      const workflow = steps({ clock }, async (step) => {
        const first = await step.waitFor("go", { timeout: "1h" }).catch((error: unknown) => error);
        expect(first).toBeInstanceOf(WaitTimeoutError);
        expect(first).toMatchObject({ code: "WAIT_TIMEOUT", taskId: "ask", signal: "go" });
        if (crash) throw new Error("broken");
        return step.waitFor("go");
      });
      expect(await workflow.start()).toMatchObject({
        status: "suspended",
        tasks: [{ reason: 'waits for signal "go" until 2026-01-01T01:00:00.000Z' }],
      });
      await clock.advance("1h");
      expect((await workflow.start({ resume: true })).status).toBe("failed");
      await workflow.checkpoints.signal("go", "late");
      crash = false;
      expect(await (await workflow.start({ resume: true })).output()).toBe("late");
    });

    it("a time-out counts from the first time, over resumes and retries", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, (step) => step.waitFor("go", { timeout: "1h" }), { retry: 2, retryDelay: 0 });
      await workflow.start();
      await clock.advance("59m");
      expect((await workflow.start({ resume: true })).status).toBe("suspended");
      await clock.advance("1m");
      const result = await whileAdvancing(clock, workflow.start({ resume: true }));
      expect(result.status).toBe("failed");
      expect(result.tasks[0]?.errors.at(-1)).toMatchObject({ code: "WAIT_TIMEOUT" });
      await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED" });
    });

    it("a signal that is there when the step looks counts, also where its time is over", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, (step) => step.waitFor("go", { timeout: "1h" }));
      await workflow.start();
      await clock.advance("2h");
      await workflow.checkpoints.signal("go", "in the end");
      expect(await (await workflow.start({ resume: true })).output()).toBe("in the end");
    });

    it("in place, a time-out ends the waiting", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => {
        const answer = await step.waitFor<string>("go", { timeout: "5m" }).catch(() => "nobody");
        return [answer, clock.now()];
      });
      const result = await whileAdvancing(clock, workflow.start({ wait: true }));
      expect(await result.output()).toEqual(["nobody", Date.UTC(2026, 0, 1, 0, 5)]);
    });
  });

  describe("beside other work", () => {
    it.each(["sequential", "sequential_group", "parallel", "graph"] as const)(
      "mode %s: what does not follow goes on, what follows does not begin",
      async (mode) => {
        const notes = new Notebook();
        const workflow = new DotFlow({ workflowId: "job" });
        const ask = workflow.task.add(
          notes.step("ask", (_, step) => step.waitFor("go")),
          { id: "ask", groupName: "left" },
        );
        const after = mode === "graph" ? { after: ask } : {};
        workflow.task.add(
          notes.step("next", (previous) => previous),
          { id: "next", groupName: "left", ...after },
        );
        workflow.task.add(
          notes.step("beside", () => "beside"),
          { id: "beside", groupName: "right" },
        );
        const first = await workflow.start({ mode });
        expect(first).toMatchObject({ status: "suspended", waiting: ["go"] });
        const free = { sequential: [], sequential_group: ["beside"], parallel: ["next", "beside"], graph: ["beside"] };
        expect(notes.succeeded()).toEqual(free[mode]);
        await workflow.checkpoints.signal("go", "went");
        const second = await workflow.start({ mode, resume: true });
        expect(second.status).toBe("completed");
        expect(notes.succeeded().toSorted()).toEqual(
          ["ask", "beside", "next"].filter((id) => !(free[mode] as string[]).includes(id)),
        );
        if (mode !== "parallel") expect((await second.context("next")).storage).toBe("went");
      },
    );

    it("wakes up while another task still runs", async () => {
      const clock = manualClock();
      const { opened, open } = gateOf();
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", clock });
      const ask = workflow.task.add(notes.step("ask", (_, step) => step.waitFor("go")));
      workflow.task.add(
        notes.step("next", (previous) => previous),
        { after: ask },
      );
      workflow.task.add(
        notes.step("slow", () => opened),
        { after: [] },
      );
      const ended = workflow.start();
      await clock.advance("1m");
      await workflow.checkpoints.signal("go", "awake");
      await clock.advance("10s");
      expect(notes.succeeded()).toEqual(["ask", "next"]);
      open();
      const result = await whileAdvancing(clock, ended);
      expect(result.status).toBe("completed");
      expect((await result.context("next")).storage).toBe("awake");
    });

    it("a sleep ends while another task still runs", async () => {
      const clock = manualClock();
      const { opened, open } = gateOf();
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", clock });
      workflow.task.add(notes.step("nap", (_, step) => step.sleep("30s")));
      workflow.task.add(notes.step("slow", () => opened));
      const ended = workflow.start({ mode: "parallel" });
      await clock.advance("29s");
      expect(notes.succeeded()).toEqual([]);
      await clock.advance("1s");
      expect(notes.succeeded()).toEqual(["nap"]);
      open();
      expect((await ended).status).toBe("completed");
    });

    it("a last look before the end finds what the last task sent", async () => {
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(waiting("ask", (step) => step.waitFor("go")));
      workflow.task.add(waiting("send", async () => workflow.checkpoints.signal("go", "sent")));
      const result = await workflow.start({ mode: "parallel" });
      expect(result.status).toBe("completed");
      expect((await result.context("ask")).storage).toBe("sent");
    });

    it("a failure beside it makes the run failed, and a resume goes on with both", async () => {
      let broken = true;
      const workflow = new DotFlow({ workflowId: "job" });
      workflow.task.add(waiting("ask", (step) => step.waitFor("go")));
      workflow.task.add(waiting("flaky", async () => (broken ? Promise.reject(new Error("no")) : "yes")));
      const first = await workflow.start({ mode: "parallel" });
      expect(first).toMatchObject({ status: "failed", waiting: ["go"] });
      expect(await workflow.checkpoints.info()).toMatchObject({ failed: ["flaky"], waiting: ["ask"] });
      broken = false;
      expect(await workflow.start({ mode: "parallel", resume: true })).toMatchObject({ status: "suspended" });
      await workflow.checkpoints.signal("go");
      expect((await workflow.start({ mode: "parallel", resume: true })).status).toBe("completed");
    });

    it.each([false, true])(
      "behind a failure under keepGoing nothing is saved, so it ends there (wait: %s)",
      async (wait) => {
        const clock = manualClock();
        const workflow = new DotFlow({ workflowId: "job", clock });
        workflow.task.add(waiting("broken", () => Promise.reject(new Error("no"))));
        workflow.task.add(waiting("ask", async (step) => (await step.waitFor("go"), step.sleep("1m"))));
        expect((await workflow.start({ signal: AbortSignal.abort() })).status).toBe("cancelled");
        await workflow.checkpoints.signal("go");
        const result = await whileAdvancing(clock, workflow.start({ keepGoing: true, resume: true, wait }));
        expect(result.tasks.map(({ status }) => status)).toEqual(["failed", "waiting"]);
        expect(result.status).toBe("failed");
      },
    );

    it.each(["cancelled", "suspended"] as const)("in place, a run that has to end is %s", async (status) => {
      const clock = manualClock();
      const stop = new AbortController();
      const workflow = steps({ clock }, (step) => step.waitFor("go"));
      const options: StartOptions = status === "cancelled" ? { signal: stop.signal } : { deadline: "1m" };
      const ended = workflow.start({ wait: true, ...options });
      await clock.advance("59s");
      expect((await workflow.checkpoints.info()).status).toBe("running");
      if (status === "cancelled") stop.abort();
      expect(await whileAdvancing(clock, ended)).toMatchObject({ status });
      await workflow.checkpoints.signal("go", "later");
      expect(await (await workflow.start({ resume: true })).output()).toBe("later");
    });
  });

  describe("within a step", () => {
    it("several at once: all are named, and whichever comes is taken", async () => {
      const make = (storage: StorageMemory): DotFlow =>
        steps({ storage }, (step) => Promise.all([step.waitFor("a"), step.waitFor("b"), step.waitFor("c")]));
      for (const order of [
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["b", "c", "a"],
      ]) {
        const storage = new StorageMemory();
        expect(await make(storage).start()).toMatchObject({ status: "suspended", waiting: ["a", "b", "c"] });
        for (const [index, name] of order.entries()) {
          await make(storage).checkpoints.signal(name, name);
          const left = ["a", "b", "c"].filter((other) => !order.slice(0, index + 1).includes(other));
          expect((await make(storage).start({ resume: true })).waiting).toEqual(left);
        }
        expect(await (await make(storage).start({ resume: true })).output()).toEqual(["a", "b", "c"]);
      }
    });

    it("several at once over a slow storage: each has looked before the attempt ends", async () => {
      const slow = { key: /signals\/b/, operation: "list" as const, times: Infinity };
      const storage = faultyStorage(new StorageMemory(), { faults: [{ ...slow, kind: "delay", duration: 30 }] });
      const workflow = steps({ storage }, async (step) =>
        Promise.all([step.waitFor("a"), step.waitFor("b"), step.waitFor("b").then(() => step.waitFor("c"))]),
      );
      expect(await workflow.start()).toMatchObject({ status: "suspended", waiting: ["a", "b"] });
      for (const name of ["b", "b"]) await workflow.checkpoints.signal(name, name);
      expect(await workflow.start({ resume: true })).toMatchObject({ status: "suspended", waiting: ["a", "c"] });
      for (const name of ["c", "a"]) await workflow.checkpoints.signal(name, name);
      expect(await (await workflow.start({ resume: true })).output()).toEqual(["a", "b", "c"]);
    });

    it("several at once, in place: the first time that is over wakes the step", async () => {
      const clock = manualClock();
      const workflow = steps({ clock }, async (step) => {
        const all = Promise.all([step.waitFor("never"), step.waitFor("soon", { timeout: "1m" })]);
        return all.catch((error: unknown) => [(error as WaitTimeoutError).code, clock.now()]);
      });
      const result = await whileAdvancing(clock, workflow.start({ wait: true }));
      expect(await result.output()).toEqual(["WAIT_TIMEOUT", Date.UTC(2026, 0, 1, 0, 1)]);
    });

    it("one that is not awaited does no harm when another one ends the attempt", async () => {
      const unhandled: unknown[] = [];
      const note = (error: unknown): void => void unhandled.push(error);
      process.on("unhandledRejection", note);
      try {
        for (const late of [false, true]) {
          const workflow = steps({ workflowId: `job ${late}` }, async (step) => {
            if (!late) void step.waitFor("a");
            else void Promise.resolve().then(async () => step.waitFor("a"));
            await step.waitFor("b");
          });
          expect((await workflow.start()).status).toBe("suspended");
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } finally {
        process.off("unhandledRejection", note);
      }
      expect(unhandled).toEqual([]);
    });

    it("what is done once beside it is saved first", async () => {
      let calls = 0;
      const { opened, open } = gateOf();
      const workflow = steps({}, (step) =>
        Promise.all([step.once("slow", async () => (await opened, ++calls), { atMostOnce: true }), step.waitFor("go")]),
      );
      const ended = workflow.start();
      setTimeout(open, 20);
      expect((await ended).status).toBe("suspended");
      await workflow.checkpoints.signal("go", "went");
      expect(await (await workflow.start({ resume: true })).output()).toEqual([1, "went"]);
      expect(calls).toBe(1);
    });

    it("within once: the function is called again, and then goes on", async () => {
      const notes: string[] = [];
      const workflow = steps({}, (step) =>
        step.once("outer", async () => {
          await step.once("mail", () => void notes.push("mail"));
          notes.push("asks");
          return step.once("inner", async () => `${await step.waitFor<string>("go")}!`);
        }),
      );
      expect(await workflow.start()).toMatchObject({ status: "suspended", waiting: ["go"] });
      await workflow.checkpoints.signal("go", "went");
      expect(await (await workflow.start({ resume: true })).output()).toBe("went!");
      expect(notes).toEqual(["mail", "asks", "asks"]);
    });

    it("within two that stand side by side", async () => {
      const workflow = steps({}, (step) =>
        Promise.all(["a", "b"].map((name) => step.once(name, () => step.waitFor(name)))),
      );
      expect(await workflow.start()).toMatchObject({ status: "suspended", waiting: ["a", "b"] });
      for (const name of ["b", "a"]) await workflow.checkpoints.signal(name, name);
      expect(await (await workflow.start({ resume: true })).output()).toEqual(["a", "b"]);
    });

    it("in a loop each iteration has its own", async () => {
      const workflow = steps({}, async (step, previous) => {
        const taken = [...((previous.storage as string[] | null) ?? []), await step.waitFor<string>("word")];
        return taken.length < 3 ? step.again(taken) : taken;
      });
      await workflow.start();
      for (const word of ["one", "two", "three"]) {
        await workflow.checkpoints.signal("word", word);
        await workflow.start({ resume: true });
      }
      expect((await workflow.checkpoints.read("ask")).storage).toEqual(["one", "two", "three"]);
    });

    it("each item of a map has its own, and the others go on", async () => {
      const make = (storage: StorageMemory, clock = manualClock()): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, clock });
        workflow.task.add(waiting("list", async () => ["ann", "bob", "cy"]));
        workflow.task.map(
          action({ name: "ask" }, async (previous: Context<string>, step: StepContext) =>
            previous.storage === "bob" ? "no need" : step.waitFor(`ok ${previous.storage}`),
          ),
        );
        return workflow;
      };
      const storage = new StorageMemory();
      expect(await make(storage).start()).toMatchObject({ status: "suspended", waiting: ["ok ann", "ok cy"] });
      await make(storage).checkpoints.signal("ok cy", "cy came");
      expect(await make(storage).start({ resume: true })).toMatchObject({ waiting: ["ok ann"] });
      const clock = manualClock();
      const ended = make(storage, clock).start({ resume: true, wait: true });
      await clock.advance("1m");
      await make(storage).checkpoints.signal("ok ann", "ann came");
      expect(await (await whileAdvancing(clock, ended)).output()).toEqual(["ann came", "no need", "cy came"]);
    });

    it("is refused with options that make no sense, and after the attempt", async () => {
      let kept: StepContext | undefined;
      const workflow = steps({}, async (step) => {
        kept = step;
        const wrong = [
          () => step.waitFor(""),
          () => step.waitFor("go", { timeout: "soon" }),
          () => step.waitFor("go", { timeOut: 1 } as object),
          () => step.sleepUntil(new Date(NaN)),
          async () => step.sleep("a while"),
        ];
        for (const call of wrong) await expect(call()).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
        return "fine";
      });
      expect(await (await workflow.start()).output()).toBe("fine");
      await expect(kept?.waitFor("go")).rejects.toMatchObject({ code: "INVALID_WORKFLOW", taskId: "ask" });
    });

    it("of a workflow that is a step: its run waits under its own id", async () => {
      const storage = new StorageMemory();
      const make = (): DotFlow => {
        const inner = new DotFlow({ workflowId: "inner" });
        inner.task.add(waiting("ask", (step) => step.waitFor("go")));
        const workflow = new DotFlow({ workflowId: "job", storage });
        workflow.task.add(inner, { id: "review" });
        workflow.task.add(waiting("next", async (_, previous) => previous.storage));
        return workflow;
      };
      expect(await make().start()).toMatchObject({ status: "suspended", waiting: ["go"] });
      await new Checkpoints(storage, { workflowId: "job.review" }).signal("go", "inside");
      expect(await (await make().start({ resume: true })).output()).toBe("inside");
      await make().start();
      await make().checkpoints.signal("go", "from around it");
      expect(await (await make().start({ resume: true })).output()).toBe("from around it");
    });
  });
});

type Body = (step: StepContext, previous: Context) => Promise<unknown>;

function waiting(name: string, body: Body, options: { retry?: number; retryDelay?: number } = {}) {
  return action({ name, ...options }, (previous: Context, step: StepContext) => body(step, previous));
}

/** A workflow of one step, `ask`. */
function steps(options: DotFlowOptions, body: Body, retries: { retry?: number; retryDelay?: number } = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  workflow.task.add(waiting("ask", body, retries));
  return workflow;
}

/** One step, one that waits for an approval, and one that hands on what it got. */
function approval(options: DotFlowOptions, notes: Notebook, prepare: () => unknown = () => "draft"): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  workflow.task.add(notes.step("prepare", prepare));
  workflow.task.add(notes.step("ask", (_previous, step) => step.waitFor("approval")));
  workflow.task.add(notes.step("publish", (previous) => previous));
  return workflow;
}
