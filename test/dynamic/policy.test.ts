// The checkpoint policy: when records are written that were gathered, and that nothing else changes.
import { describe, expect, it } from "vitest";
import {
  action,
  Checkpoints,
  type CheckpointOptions,
  type Context,
  copyRun,
  DotFlow,
  type DotFlowOptions,
  type StepContext,
  type Storage,
} from "dotflow";
import { StorageMemory } from "dotflow/storage/memory";
import { faultyStorage, manualClock } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf, whileAdvancing } from "../guarantees/time.ts";
import type { HoldReport } from "../children/guarantee-hold.ts";
import { signed } from "../children/guarantee-pipeline.ts";
import { startChild } from "../guarantees/children.ts";
import { eachSharedStorage, eachStorage, keysOf } from "../storages.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index + 1}`);

describe("checkpoint policy", () => {
  eachStorage((_name, open) => {
    it("gathers records, and a resume, steps(), read(), info() and verify() find them", async () => {
      const notes = new Notebook();
      const make = (broken?: string): DotFlow =>
        chain({ storage: open(), checkpoint: { everySteps: 3 } }, notes, broken);
      expect((await make("s8").start()).status).toBe("failed");
      const keys = await keysOf(open());
      expect(keys.filter((key) => key.includes("/steps/"))).toEqual([]);
      expect(keys.filter((key) => key.includes("/batches/"))).toHaveLength(3);
      const { checkpoints } = make();
      expect(await checkpoints.info()).toMatchObject({
        status: "failed",
        completed: names(7),
        failed: ["s8"],
        total: 7,
      });
      expect((await checkpoints.read("s5")).storage).toBe("s1 s2 s3 s4 s5");
      expect(await checkpoints.runs()).toMatchObject([{ saved: 7, total: 10 }]);
      const saved = (await checkpoints.steps()).filter(({ status }) => status === "completed");
      expect(saved.map(({ id }) => id).toSorted()).toEqual(names(7));
      for (const { runId, size, attempts, finishedAt } of saved) {
        expect(runId).toBeDefined();
        expect(size).toBeGreaterThan(0);
        expect(attempts).toBe(1);
        expect(finishedAt).toBeInstanceOf(Date);
      }
      notes.called();
      const result = await make().start({ resume: true });
      expect(result).toMatchObject({ status: "completed", restored: 7 });
      expect(notes.called()).toEqual(["s8", "s9", "s10"]);
      expect(await result.output()).toBe(names(10).join(" "));
      expect((await result.context("s2")).storage).toBe("s1 s2");
      expect(await checkpoints.verify()).toEqual([]);
    });
  });

  describe("everySteps", () => {
    it.each([
      [1, 10],
      [3, 4],
      [10, 1],
      [100, 1],
    ])("of %s: ten records in %s objects", async (everySteps, objects) => {
      const storage = faultyStorage(new StorageMemory(), {});
      await chain({ storage, checkpoint: { everySteps } }, new Notebook()).start();
      expect(written(storage)).toHaveLength(objects);
    });

    it("counts iterations and items", async () => {
      const storage = faultyStorage(new StorageMemory(), {});
      const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 25 } });
      workflow.task.add(
        action({ name: "loop" }, async (_: Context, step: StepContext) =>
          step.iteration < 100 ? step.again(step.iteration) : "done",
        ),
      );
      workflow.task.map(
        action({ name: "items" }, async (item: Context<number>) => item.storage),
        { over: () => Array.from({ length: 100 }, (_, index) => index) },
      );
      const result = await workflow.start();
      expect(result.status).toBe("completed");
      expect(await result.output<number[]>()).toHaveLength(100);
      // 99 iterations, 100 items, two tasks.
      expect(written(storage)).toHaveLength(9);
      expect(await workflow.start({ resume: true })).toMatchObject({ restored: 2 });
      expect((await workflow.checkpoints.read<number[]>("items")).storage).toHaveLength(100);
    });
  });

  describe("everySeconds", () => {
    it("fires while one long step runs, at its time and not before", async () => {
      const clock = manualClock();
      const { opened, open } = gateOf();
      const notes = new Notebook();
      const storage = new StorageMemory();
      const workflow = new DotFlow({ workflowId: "job", storage, clock, checkpoint: { everySeconds: 60 } });
      workflow.task.add(notes.step("first", () => 1));
      workflow.task.add(notes.step("slow", () => opened));
      const ended = workflow.start();
      await clock.advance(59_999);
      expect(await batchesOf(storage)).toEqual([]);
      await clock.advance(1);
      expect(await batchesOf(storage)).toHaveLength(1);
      expect((await new Checkpoints(storage, { workflowId: "job" }).info()).completed).toEqual(["first"]);
      // Nothing is held, so nothing is written.
      await clock.advance("1h");
      expect(await batchesOf(storage)).toHaveLength(1);
      open();
      expect((await whileAdvancing(clock, ended)).status).toBe("completed");
      expect(await batchesOf(storage)).toHaveLength(2);
    });

    it("counts from the first record that is held back, also after a writing for another reason", async () => {
      const clock = manualClock();
      const gates = [gateOf(), gateOf(), gateOf(), gateOf()];
      const storage = new StorageMemory();
      const workflow = new DotFlow({
        workflowId: "job",
        storage,
        clock,
        checkpoint: { everySeconds: 60, everySteps: 2 },
      });
      for (const [index, { opened }] of gates.entries())
        workflow.task.add(action({ name: `s${index}` }, async () => opened));
      const ended = workflow.start();
      await clock.advance("10s");
      gates[0]?.open();
      await clock.advance("50s");
      expect(await batchesOf(storage)).toEqual([]);
      gates[1]?.open();
      await clock.advance(0);
      // Two steps: written. The minute of the first one is over with that.
      expect(await batchesOf(storage)).toHaveLength(1);
      await clock.advance("5s");
      gates[2]?.open();
      await clock.advance(59_999);
      expect(await batchesOf(storage)).toHaveLength(1);
      await clock.advance(1);
      expect(await batchesOf(storage)).toHaveLength(2);
      gates[3]?.open();
      expect((await whileAdvancing(clock, ended)).status).toBe("completed");
      expect(await batchesOf(storage)).toHaveLength(3);
    });

    it("may be part of a second, and does not keep the process", async () => {
      const clock = manualClock();
      const { opened, open } = gateOf();
      const storage = new StorageMemory();
      const workflow = new DotFlow({ workflowId: "job", storage, clock, checkpoint: { everySeconds: 0.5 } });
      workflow.task.add(action({ name: "one" }, () => 1));
      workflow.task.add(action({ name: "slow" }, async () => opened));
      const ended = workflow.start();
      await clock.advance(499);
      expect(await batchesOf(storage)).toEqual([]);
      await clock.advance(1);
      expect(await batchesOf(storage)).toHaveLength(1);
      open();
      await whileAdvancing(clock, ended);
      await clock.advance("1h");
      expect(clock.waiting).toBe(0);
    });
  });

  describe("afterTasks", () => {
    it("writes after each of them, and at the end", async () => {
      const storage = faultyStorage(new StorageMemory(), {});
      const notes = new Notebook();
      const crash = { key: /batches/, operation: "create" as const, at: 3, kind: "fail" as const };
      await chain({ storage, checkpoint: { afterTasks: ["s4", "s5"] } }, notes).start();
      expect(written(storage)).toHaveLength(3);
      const memory = new StorageMemory();
      const crashed = chain(
        { storage: faultyStorage(memory, { faults: [crash] }), checkpoint: { afterTasks: ["s4", "s5"] } },
        notes,
      );
      await expect(crashed.start()).rejects.toMatchObject({ code: "STORAGE" });
      notes.called();
      expect((await chain({ storage: memory }, notes).start({ resume: true })).restored).toBe(5);
      expect(notes.called()).toEqual(names(10).slice(5));
    });

    it("means the task, not its iterations and items", async () => {
      const storage = faultyStorage(new StorageMemory(), {});
      const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { afterTasks: ["loop", "items"] } });
      workflow.task.add(
        action({ name: "loop" }, async (_: Context, step: StepContext) =>
          step.iteration < 10 ? step.again(step.iteration) : [1, 2, 3],
        ),
      );
      workflow.task.map(action({ name: "items" }, async (item: Context<number>) => item.storage));
      await workflow.start();
      expect(written(storage)).toHaveLength(2);
    });

    it("refuses a name that no task has", async () => {
      const workflow = chain({ checkpoint: { afterTasks: ["s1", "typo"] } }, new Notebook());
      await expect(workflow.start()).rejects.toThrow(/"typo"/);
      await expect(workflow.start()).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    });
  });

  describe("what was gathered is written when the run", () => {
    const checkpoint: CheckpointOptions = { everySteps: 1_000 };

    it("fails", async () => {
      const notes = new Notebook();
      const storage = new StorageMemory();
      await chain({ storage, checkpoint }, notes, "s6").start();
      expect(notes.called()).toEqual(names(6));
      expect(await chain({ storage, checkpoint }, notes).start({ resume: true })).toMatchObject({ restored: 5 });
      expect(notes.called()).toEqual(names(10).slice(5));
    });

    it.each(["cancelled", "suspended"] as const)("is %s, by a signal or a deadline", async (status) => {
      const clock = manualClock();
      const stop = new AbortController();
      const notes = new Notebook();
      const storage = new StorageMemory();
      const begun = gateOf();
      const make = (slow: () => unknown): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, clock, checkpoint });
        for (const name of names(3)) workflow.task.add(notes.step(name, () => name));
        workflow.task.add(notes.step("slow", slow));
        workflow.task.add(notes.step("last", () => "last"));
        return workflow;
      };
      const slow = make(async () => {
        begun.open();
        if (status === "suspended") await clock.advance("1m");
        else await new Promise(() => {});
      });
      const ended = slow.start(status === "cancelled" ? { signal: stop.signal } : { deadline: "30s" });
      await begun.opened;
      if (status === "cancelled") stop.abort();
      expect(await whileAdvancing(clock, ended)).toMatchObject({ status });
      notes.called();
      await make(() => "slow").start({ resume: true });
      expect(notes.called()).toEqual(status === "cancelled" ? ["slow", "last"] : ["last"]);
    });

    it("waits", async () => {
      const notes = new Notebook();
      const make = (storage: Storage): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, checkpoint });
        for (const name of names(3)) workflow.task.add(notes.step(name, () => name));
        workflow.task.add(notes.step("ask", (_, step) => step.waitFor("go")));
        return workflow;
      };
      const storage = new StorageMemory();
      expect(await make(storage).start()).toMatchObject({ status: "suspended" });
      await make(storage).checkpoints.signal("go", "went");
      expect(await make(storage).start({ resume: true })).toMatchObject({ status: "completed", restored: 3 });
      expect(notes.called()).toEqual([...names(3), "ask", "ask"]);
    });

    it("gets a snapshot: all that it names is there, whatever happens after", async () => {
      const notes = new Notebook();
      const make = (storage: Storage): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, checkpoint });
        for (const name of names(4))
          workflow.task.add(notes.step(name, (_, step) => name === "s2" && step.checkpoint({ id: "two" })));
        return workflow;
      };
      const memory = new StorageMemory();
      const faults = [{ key: /\/ends\//, operation: "create" as const, kind: "fail" as const }];
      await expect(make(faultyStorage(memory, { faults })).start()).rejects.toMatchObject({ code: "STORAGE" });
      await make(memory).checkpoints.restore("two");
      notes.called();
      expect(await make(memory).start({ resume: true })).toMatchObject({ restored: 2 });
      expect(notes.called()).toEqual(["s3", "s4"]);
      expect(await make(memory).checkpoints.verify()).toEqual([]);
    });
  });

  describe("a crash", () => {
    it("repeats only what was not written", async () => {
      for (let at = 1; at <= 4; at++) {
        for (const kind of ["fail", "lose-answer"] as const) {
          const memory = new StorageMemory();
          const notes = new Notebook();
          const faults = [{ key: /batches/, operation: "create" as const, at, times: Infinity, kind }];
          const crashed = chain({ storage: faultyStorage(memory, { faults }), checkpoint: { everySteps: 3 } }, notes);
          await expect(crashed.start()).rejects.toMatchObject({ code: "STORAGE" });
          notes.called();
          const kept = Math.min(10, (kind === "fail" ? at - 1 : at) * 3);
          const result = await chain({ storage: memory, checkpoint: { everySteps: 3 } }, notes).start({ resume: true });
          expect(result).toMatchObject({ status: "completed", restored: kept });
          expect(notes.called()).toEqual(names(10).slice(kept));
          expect(await result.output()).toBe(names(10).join(" "));
        }
      }
    });

    it("of a loop and a map repeats iterations and items that were not written", async () => {
      const calls: string[] = [];
      const make = (storage: Storage): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 4 } });
        workflow.task.add(
          action({ name: "loop" }, async (previous: Context<number | null>, step: StepContext) => {
            calls.push(`${step.iteration}`);
            const sum = (previous.storage ?? 0) + step.iteration;
            return step.iteration < 10 ? step.again(sum) : [sum, 2, 3, 4, 5, 6];
          }),
        );
        workflow.task.map(
          action({ name: "items" }, async (item: Context<number>) => {
            calls.push(`item ${item.storage}`);
            return item.storage;
          }),
          { concurrency: 1 },
        );
        return workflow;
      };
      for (const [at, expected] of [
        [3, ["9", "10", "item 55", "item 2", "item 3", "item 4", "item 5", "item 6"]],
        [4, ["item 3", "item 4", "item 5", "item 6"]],
      ] as const) {
        const memory = new StorageMemory();
        const faults = [{ key: /batches/, operation: "create" as const, at, kind: "fail" as const }];
        await expect(make(faultyStorage(memory, { faults })).start()).rejects.toMatchObject({ code: "STORAGE" });
        calls.splice(0);
        const result = await make(memory).start({ resume: true });
        expect(await result.output()).toEqual([55, 2, 3, 4, 5, 6]);
        expect(calls).toEqual(expected);
      }
    });

    it("leaves nothing of a step that is ahead of what it follows from", async () => {
      // The first step gives something else each time; what the second one did once has to fit to what is saved of the first.
      const make = (storage: Storage, checkpoint: CheckpointOptions): DotFlow => {
        const workflow = new DotFlow({ workflowId: "job", storage, checkpoint });
        workflow.task.add(action({ name: "order" }, () => crypto.randomUUID()));
        workflow.task.add(
          action({ name: "pay" }, async (previous: Context<string>, step: StepContext) => ({
            order: previous.storage,
            paid: await step.once("pay", () => previous.storage),
            progress: (step.progress.value ?? (await step.progress.save(previous.storage), previous.storage)) as string,
          })),
        );
        return workflow;
      };
      for (let at = 1; at < 12; at++) {
        const memory = new StorageMemory();
        const faults = [{ operation: ["create", "put"] as const, at, times: Infinity, kind: "fail" as const }];
        const crashed = make(faultyStorage(memory, { faults }), { everySteps: 10 });
        const ended = await crashed.start().then(
          ({ status }) => status,
          (error: { code: string }) => error.code,
        );
        const result = await make(memory, { everySteps: 10 }).start({ resume: true });
        const { order, paid, progress } = await result.output<Record<string, string>>();
        expect([paid, progress]).toEqual([order, order]);
        if (ended === "completed") break;
        expect(ended).toBe("STORAGE");
      }
    });

    it("leaves no workflow that is a step ahead of what it was given", async () => {
      const make = (storage: Storage): DotFlow => {
        const inner = new DotFlow({ workflowId: "inner" });
        inner.task.add(action({ name: "echo" }, (_: Context, step: StepContext<string>) => step.initial.storage));
        inner.task.add(action({ name: "again" }, (previous: Context) => previous.storage));
        const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 10 } });
        workflow.task.add(action({ name: "order" }, () => crypto.randomUUID()));
        workflow.task.add(inner, { id: "review" });
        workflow.task.add(action({ name: "last" }, (previous: Context) => previous.storage));
        return workflow;
      };
      for (let at = 1; at < 40; at++) {
        const memory = new StorageMemory();
        const faults = [{ operation: ["create", "put"] as const, at, times: Infinity, kind: "fail" as const }];
        const ended = await make(faultyStorage(memory, { faults }))
          .start()
          .then(
            ({ status }) => status,
            (error: { code: string }) => error.code,
          );
        const result = await make(memory).start({ resume: true });
        expect(result.status).toBe("completed");
        expect(await result.output()).toBe((await result.context("order")).storage);
        if (ended === "completed") break;
      }
    });

    it("items that do something once are gathered all the same", async () => {
      const storage = faultyStorage(new StorageMemory(), {});
      const workflow = new DotFlow({ workflowId: "job", storage, checkpoint: { everySteps: 25 } });
      workflow.task.map(
        action({ name: "items" }, async (item: Context<number>, step: StepContext) =>
          step.once("double", () => item.storage * 2),
        ),
        { over: () => Array.from({ length: 100 }, (_, index) => index) },
      );
      await workflow.start();
      expect(written(storage).filter((key) => key.includes("/batches/")).length).toBeLessThanOrEqual(6);
    });
  });

  describe("a storage that fails", () => {
    it.each(["everySteps", "everySeconds", "afterTasks", "the end"] as const)(
      "at the writing for %s never ends green",
      async (reason) => {
        const clock = manualClock();
        const policies: Record<typeof reason, CheckpointOptions> = {
          everySteps: { everySteps: 2 },
          everySeconds: { everySeconds: 10 },
          afterTasks: { afterTasks: ["s2"] },
          "the end": { everySteps: 100 },
        };
        const memory = new StorageMemory();
        const notes = new Notebook();
        const make = (storage: Storage, slow: (name: string) => Promise<void>): DotFlow => {
          const workflow = new DotFlow({ workflowId: "job", storage, clock, checkpoint: policies[reason] });
          for (const name of names(4)) workflow.task.add(notes.step(name, async () => (await slow(name), name)));
          return workflow;
        };
        const faults = [{ key: /batches/, operation: "create" as const, kind: "fail" as const }];
        const failing = make(faultyStorage(memory, { faults, clock }), (name) =>
          name === "s3" && reason === "everySeconds" ? clock.advance("20s") : Promise.resolve(),
        ).start();
        await expect(failing).rejects.toMatchObject({ code: "STORAGE" });
        expect(notes.called()).not.toContain(reason === "the end" ? "none" : "s4");
        expect((await make(memory, async () => {}).checkpoints.info()).completed).toEqual([]);
        const result = await make(memory, async () => {}).start({ resume: true });
        expect(result).toMatchObject({ status: "completed", restored: 0 });
        expect(notes.called()).toEqual(names(4));
      },
    );

    it("for a moment is tried again, and nothing is lost or doubled", async () => {
      const memory = new StorageMemory();
      const faults = [1, 3].flatMap((at) => [
        { key: /batches/, operation: "create" as const, at, kind: "lose-answer" as const, retryable: true },
      ]);
      const notes = new Notebook();
      const workflow = chain({ storage: faultyStorage(memory, { faults }), checkpoint: { everySteps: 3 } }, notes);
      expect((await workflow.start()).status).toBe("completed");
      expect(await workflow.start({ resume: true })).toMatchObject({ restored: 10 });
    });
  });

  describe("a run that was driven with other policies", () => {
    it.each([
      [{ everySteps: 3 }, undefined, { everySteps: 2 }],
      [undefined, { everySteps: 3 }, undefined],
    ])("%j, then %j, then %j", async (...policies) => {
      const storage = new StorageMemory();
      const notes = new Notebook();
      const ends = ["s4", "s8", ""];
      for (const [index, checkpoint] of policies.entries())
        await chain({ storage, checkpoint }, notes, ends[index]).start({ resume: true });
      const { checkpoints } = chain({ storage }, notes);
      expect(notes.succeeded()).toEqual(names(10));
      expect((await checkpoints.read("s10")).storage).toBe(names(10).join(" "));
      expect(await checkpoints.verify()).toEqual([]);
      expect(await chain({ storage }, notes).start({ resume: true })).toMatchObject({ restored: 10 });
    });

    it("from, rerun and restore take over what lies in batches", async () => {
      const storage = new StorageMemory();
      const notes = new Notebook();
      const make = (): DotFlow => chain({ storage, checkpoint: { everySteps: 4 } }, notes);
      await make().start();
      await make().checkpoints.snapshot({ id: "all" });
      notes.called();
      const from = await make().start({ resume: true, from: "s9" });
      expect(notes.called()).toEqual(["s9", "s10"]);
      expect(await from.output()).toBe(names(10).join(" "));
      await make().checkpoints.restore("all");
      expect(await make().start({ resume: true })).toMatchObject({ restored: 10 });
      expect(await make().checkpoints.verify()).toEqual([]);
      expect(await make().checkpoints.prune({ keep: 2 })).toBe(0);
      expect(await make().start({ resume: true })).toMatchObject({ restored: 10 });
    });

    it("copyRun takes the batches along", async () => {
      const [from, to] = [new StorageMemory(), new StorageMemory()];
      const notes = new Notebook();
      await chain({ storage: from, checkpoint: { everySteps: 3 } }, notes, "s6").start();
      await copyRun(from, to, { workflowId: "job" });
      expect(await new Checkpoints(to, { workflowId: "job" }).verify()).toEqual([]);
      notes.called();
      expect(await chain({ storage: to }, notes).start({ resume: true })).toMatchObject({ restored: 5 });
      expect(notes.called()).toEqual(names(10).slice(5));
    });
  });

  describe("a batch", () => {
    it("that is cut short counts as not written; one that is changed is refused", async () => {
      const notes = new Notebook();
      const storage = new StorageMemory();
      const make = (): DotFlow => chain({ storage, checkpoint: { everySteps: 3 } }, notes);
      await chain({ storage, checkpoint: { everySteps: 3 } }, notes, "s10").start();
      const keys = await batchesOf(storage);
      const key = keys[1] ?? "";
      const bytes = (await storage.get(key)) as Uint8Array;
      for (let at = 0; at < bytes.length; at += 37) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        await storage.put(key, flipped);
        const refused = await make()
          .start({ resume: true })
          .catch((error: unknown) => error);
        expect(refused).toMatchObject({ code: expect.stringMatching(/^(CORRUPT_CHECKPOINT|UNSUPPORTED_FORMAT)$/) });
        expect(await make().checkpoints.verify()).toMatchObject([{ key }]);
      }
      await storage.put(key, bytes.slice(0, -5));
      notes.called();
      const result = await make().start({ resume: true });
      expect(await result.output()).toBe(names(10).join(" "));
      expect(notes.called()).toEqual(expect.arrayContaining(["s4", "s5", "s6", "s10"]));
    });

    it("is signed, encrypted and compressed as single records are", async () => {
      const sealed = { secret: "hush", encryptionKey: "ab".repeat(32), compression: "gzip" } as const;
      const storage = new StorageMemory();
      const notes = new Notebook();
      await chain({ storage, checkpoint: { everySteps: 4 }, ...sealed }, notes).start();
      for (const key of await batchesOf(storage))
        expect(Buffer.from((await storage.get(key)) as Uint8Array).includes("s1 s2")).toBe(false);
      expect(await chain({ storage, ...sealed }, notes).start({ resume: true })).toMatchObject({ restored: 10 });
      await expect(chain({ storage, ...sealed, secret: "other" }, notes).start({ resume: true })).rejects.toMatchObject(
        {
          code: "CORRUPT_CHECKPOINT",
        },
      );
    });
  });

  eachSharedStorage((_name, open) => {
    const successors = [
      ["with a policy, and fails half way", { everySteps: 1 }, true],
      ["without one", undefined, false],
      ["with a policy", { everySteps: 2 }, false],
      ["without one, and fails half way", undefined, true],
    ] as const;
    it.each(open.some(successors))(
      "a process that wakes up within the writing of a batch brings nothing, when its successor goes on %s",
      async (_how, checkpoint, fails) => {
        const policy = JSON.stringify({ checkpoint: { everySteps: 2 } });
        const child = startChild("guarantee-zombie", ...open.args(), "job", "/batches/", "1s", policy);
        expect(await child.message()).toBe("stops");
        const make = (broken = ""): DotFlow =>
          signed({ workflowId: "job", storage: open(), checkpoint }, (taskId) => {
            if (taskId === broken) throw new Error("half way");
          });
        const second = await make(fails ? "third" : "").start({ resume: true, lock: "wait" });
        expect(second).toMatchObject({ status: fails ? "failed" : "completed", restored: 0 });
        child.process.kill("SIGCONT");
        expect(await child.message<HoldReport>()).toMatchObject({ code: "LEASE_LOST" });
        const last = await make().start({ resume: true });
        expect(last).toMatchObject({ runId: second.runId, status: "completed", restored: fails ? 2 : 3 });
        // All of it is of the successor: nothing fits to what the other one had computed.
        const by = process.pid;
        expect(await last.output()).toEqual({ by, after: { by, after: { by, after: null } } });
        expect(await make().checkpoints.verify()).toEqual([]);
      },
    );
  });

  it.each([
    {},
    { everySteps: 0 },
    { everySteps: 1.5 },
    { everySeconds: 0 },
    { everySeconds: NaN },
    { everySeconds: Infinity },
    { afterTasks: "load" },
    { afterTasks: [1] },
    { everyStep: 1 },
  ])("refuses %j", (checkpoint) => {
    expect(() => new DotFlow({ checkpoint: checkpoint as CheckpointOptions })).toThrow(
      expect.objectContaining({ code: "INVALID_WORKFLOW" }),
    );
  });
});

/** Ten steps in a row, one of which may fail. */
function chain(options: DotFlowOptions, notes: Notebook, broken = ""): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  for (const name of names(10))
    workflow.task.add(
      notes.step(name, (previous) => {
        if (name === broken) throw new Error("not here");
        return name === "s1" ? name : `${String(previous)} ${name}`;
      }),
    );
  return workflow;
}

/** The keys of the records that were created: batches, and those that lie alone. */
function written(storage: ReturnType<typeof faultyStorage>): string[] {
  return storage.log
    .filter(({ operation, key }) => operation === "create" && /\/(batches|steps|parts)\//.test(key))
    .map(({ key }) => key);
}

async function batchesOf(storage: Storage): Promise<string[]> {
  return (await keysOf(storage)).filter((key) => key.includes("/batches/"));
}
