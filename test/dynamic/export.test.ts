// A run as one file: what it holds, where it goes on, and what is refused.
import { describe, expect, it } from "vitest";
import {
  action,
  Checkpoints,
  type Context,
  copyRun,
  DotFlow,
  type DotFlowOptions,
  type StepContext,
  type Storage,
} from "dotflow";
import { StorageMemory } from "dotflow/storage/memory";
import { faultyStorage } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { gateOf } from "../guarantees/time.ts";
import { contentsOf, eachStorage, keysOf } from "../storages.ts";

describe("export and import", () => {
  eachStorage((_name, open) => {
    it("a run that failed goes on in another storage, there and back", async () => {
      const notes = new Notebook();
      expect((await chain({ storage: open() }, notes, "three").start()).status).toBe("failed");
      const { runId } = await chain({ storage: open() }, notes).checkpoints.info();
      const before = await contentsOf(open());
      const file = await chain({ storage: open() }, notes).checkpoints.export();
      expect(await contentsOf(open())).toEqual(before);

      const elsewhere = new StorageMemory();
      const there = chain({ storage: elsewhere }, notes, "four");
      expect(await there.checkpoints.import(file)).toBe(runId);
      expect(await there.checkpoints.verify()).toEqual([]);
      expect(await there.checkpoints.info()).toMatchObject({ runId, status: "failed", completed: ["one", "two"] });
      notes.called();
      expect(await there.start({ resume: true })).toMatchObject({ status: "failed", runId, restored: 2 });
      expect(notes.called()).toEqual(["three", "four"]);

      const storage = await open.another();
      const back = chain({ storage }, notes);
      await back.checkpoints.import(await there.checkpoints.export());
      expect(await (await back.start({ resume: true })).output()).toBe("one two three four");
      expect(notes.called()).toEqual(["four"]);
      expect(await back.checkpoints.verify()).toEqual([]);
      await storage.close?.();
    });
  });

  it.each(["export", "copyRun"] as const)(
    "%s takes along the runs of the workflows within, which go on too",
    async (how) => {
      const called: string[] = [];
      const make = (storage: Storage, fixed: boolean): DotFlow => {
        const outer = new DotFlow({ workflowId: "outer", storage, secret: "s" });
        const [middle, inner] = ["middle", "inner"].map((workflowId) => new DotFlow({ workflowId })) as [
          DotFlow,
          DotFlow,
        ];
        const step = (name: string, fails = false) =>
          action({ name }, () => {
            called.push(name);
            if (fails) throw new Error("not yet");
            return name;
          });
        inner.task.add(step("first")).add(step("second", !fixed));
        middle.task.add(step("before")).add(inner);
        outer.task.add(middle).add(step("last"));
        return outer;
      };
      const from = new StorageMemory();
      const to = new StorageMemory();
      expect((await make(from, false).start()).status).toBe("failed");
      if (how === "export") await make(to, true).checkpoints.import(await make(from, false).checkpoints.export());
      else await copyRun(from, to, { workflowId: "outer", secret: "s" });
      expect(called.splice(0)).toEqual(["before", "first", "second"]);
      expect((await make(to, true).start({ resume: "required" })).status).toBe("completed");
      expect(called).toEqual(["second", "last"]);
      const inner = new Checkpoints(to, { workflowId: "outer.middle.inner", secret: "s" });
      expect(await inner.verify()).toEqual([]);
      expect((await inner.read("first")).storage).toBe("first");
    },
  );

  it("holds what a run has on its way: once, iterations, items, progress, state, waits, signals, batches", async () => {
    for (const checkpoint of [undefined, { everySteps: 2 }]) {
      const calls: string[] = [];
      const from = everything(new StorageMemory(), calls, { checkpoint });
      expect(await from.start({ mode: "parallel" })).toMatchObject({ status: "failed", waiting: ["go"] });
      await from.checkpoints.signal("go", "sent before");
      const storage = new StorageMemory();
      const to = everything(storage, calls, { checkpoint, fixed: true });
      await to.checkpoints.import(await from.checkpoints.export());
      calls.splice(0);
      const result = await to.start({ mode: "parallel", resume: true });
      expect(result.status).toBe("completed");
      expect(calls.toSorted()).toEqual(["ask", "item 2", "loop 3", "step"]);
      const values = Object.entries(await result.contexts()).map(([id, { storage: value }]) => [id, value]);
      expect(Object.fromEntries(values)).toEqual({
        step: ["once", 50, "shared"],
        loop: 3,
        items: [1, 2, 3],
        ask: "sent before",
        set: null,
      });
      expect(await to.checkpoints.verify()).toEqual([]);
    }
  });

  it("an older run, and one that rests on others, come with all they need", async () => {
    const notes = new Notebook();
    const storage = new StorageMemory();
    const make = (): DotFlow => chain({ storage, checkpoint: { everySteps: 10 } }, notes);
    const first = await make().start();
    const second = await make().start({ resume: true, from: "three" });
    const third = await make().start();
    const { checkpoints } = make();
    for (const [runId, restored] of [
      [first.runId, 4],
      [second.runId, 4],
      [third.runId, 4],
    ] as const) {
      const to = chain({ storage: new StorageMemory() }, notes);
      expect(await to.checkpoints.import(await checkpoints.export({ runId }))).toBe(runId);
      notes.called();
      const result = await to.start({ resume: true });
      expect(result).toMatchObject({ runId, restored, status: "completed" });
      expect(await result.output()).toBe("one two three four");
      expect(notes.called()).toEqual([]);
      expect(await to.checkpoints.runs()).toHaveLength(runId === second.runId ? 2 : 1);
    }
  });

  it("one that was restored from a snapshot comes with the run that it began in", async () => {
    const notes = new Notebook();
    const from = chain({ storage: new StorageMemory() }, notes);
    await from.start();
    await from.checkpoints.snapshot({ id: "all" });
    await from.checkpoints.restore("all");
    const to = chain({ storage: new StorageMemory() }, notes);
    await to.checkpoints.import(await from.checkpoints.export());
    expect(await to.start({ resume: true })).toMatchObject({ restored: 4 });
  });

  it("is kept beside the runs that are there, which stay as history", async () => {
    const notes = new Notebook();
    const from = chain({ storage: new StorageMemory() }, notes, "two");
    const { runId } = await from.start();
    const file = await from.checkpoints.export();
    const to = chain({ storage: new StorageMemory() }, notes);
    await to.start();
    await to.checkpoints.import(file);
    expect((await to.checkpoints.runs()).map((run) => run.runId)).toContain(runId);
    expect(await to.start({ resume: true })).toMatchObject({ runId, restored: 1, succeeded: 3 });
    expect(await to.checkpoints.runs()).toHaveLength(2);
  });

  it("twice is as good as once; a run that went on by itself is not overwritten", async () => {
    const notes = new Notebook();
    const from = chain({ storage: new StorageMemory() }, notes, "two");
    await from.start();
    const file = await from.checkpoints.export();
    const storage = new StorageMemory();
    const to = chain({ storage }, notes);
    await to.checkpoints.import(file);
    await to.checkpoints.import(file);
    await to.start({ resume: true });
    const before = await contentsOf(storage);
    await expect(to.checkpoints.import(file)).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    const after = await contentsOf(storage);
    for (const [key, bytes] of before) if (!key.includes("/leases/")) expect(after.get(key)).toEqual(bytes);
    expect(await to.start({ resume: true })).toMatchObject({ restored: 4 });
  });

  it("signed and encrypted records stay so, and are of use only to who has the keys", async () => {
    const sealed = { secret: "hush", encryptionKey: "ab".repeat(32) };
    const notes = new Notebook();
    const from = chain({ storage: new StorageMemory(), ...sealed, compression: "gzip" }, notes, "four");
    await from.start();
    const file = await from.checkpoints.export();
    expect(Buffer.from(file).includes("one two")).toBe(false);
    for (const wrong of [
      {},
      { secret: "hush" },
      { ...sealed, secret: "other" },
      { ...sealed, encryptionKey: "cd".repeat(32) },
    ]) {
      const storage = new StorageMemory();
      await expect(chain({ storage, ...wrong }, notes).checkpoints.import(file)).rejects.toMatchObject({
        code: "CORRUPT_CHECKPOINT",
      });
      expect((await keysOf(storage)).filter((key) => !key.includes("/leases/"))).toEqual([]);
    }
    const to = chain({ storage: new StorageMemory(), ...sealed }, notes);
    await to.checkpoints.import(file);
    expect(await (await to.start({ resume: true })).output()).toBe("one two three four");
    await expect(new Checkpoints(new StorageMemory(), { workflowId: "job" }).export()).rejects.toMatchObject({
      code: "NOTHING_TO_RESUME",
    });
  });

  describe("a damaged file", () => {
    it("with any byte flipped, cut anywhere, or with something behind it, is refused, and nothing is imported", async () => {
      const { file, storage, to } = await exported();
      const damaged: Uint8Array[] = [];
      for (let at = 0; at < file.length; at++) {
        const flipped = Uint8Array.from(file);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        damaged.push(flipped);
      }
      for (let length = 0; length < file.length; length += 7) damaged.push(file.slice(0, length));
      damaged.push(Buffer.concat([file, Buffer.from("\n")]), Buffer.concat([file, file]), file.toReversed());
      for (const bytes of damaged)
        await expect(to.checkpoints.import(bytes)).rejects.toSatisfy((error: { code: string }) =>
          // A flipped format number reads as that of a newer dotflow.
          ["CORRUPT_CHECKPOINT", "UNSUPPORTED_FORMAT"].includes(error.code),
        );
      expect(await keysOf(storage)).toEqual([]);
      await to.checkpoints.import(file);
      expect(await to.start({ resume: true })).toMatchObject({ restored: 3 });
    });

    it("that was put together anew from damaged objects is refused by their own checksums", async () => {
      const { file, storage, to } = await exported();
      const end = file.indexOf(10) + 1;
      const forged = Buffer.from(file.slice(0, -66));
      const at = forged.indexOf("one two", end);
      forged.write("ONE", at);
      await expect(to.checkpoints.import(await resealed(forged))).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
      // What is sound may be there by then, but no run.
      expect((await to.checkpoints.info()).exists).toBe(false);
      expect((await keysOf(storage)).filter((key) => key.endsWith("/run"))).toEqual([]);
    });

    it("cannot write outside of its workflow", async () => {
      const { file, storage, to } = await exported();
      const text = Buffer.from(file.slice(0, -66)).toString("latin1");
      const forged = Buffer.from(text.replace(/"job\/runs\/[^"]*\/steps\/two"/, '"other/runs/x/steps/two"'), "latin1");
      await to.checkpoints.import(await resealed(forged));
      expect((await keysOf(storage)).filter((key) => !key.startsWith("job/"))).toEqual([]);
    });
  });

  it("what is no export, of another workflow, or newer is refused with what it is", async () => {
    const { file, to } = await exported();
    for (const wrong of [new Uint8Array(), Buffer.from("hello"), Buffer.from("{}\n"), Buffer.from("null\n[]")])
      await expect(to.checkpoints.import(wrong)).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
    for (const wrong of ["run.dotflow", undefined, new ArrayBuffer(8), [1]])
      await expect(to.checkpoints.import(wrong as unknown as Uint8Array)).rejects.toMatchObject({
        code: "INVALID_WORKFLOW",
      });
    const other = new DotFlow({ workflowId: "job-b", storage: new StorageMemory() });
    await expect(other.checkpoints.import(file)).rejects.toMatchObject({
      code: "INVALID_WORKFLOW",
      workflowId: "job-b",
    });
    const newer = Buffer.from(
      Buffer.from(file).toString("latin1").replace('"dotflowExport":1', '"dotflowExport":2'),
      "latin1",
    );
    await expect(to.checkpoints.import(newer)).rejects.toMatchObject({ code: "UNSUPPORTED_FORMAT" });
    await expect(to.checkpoints.export({ runId: "none" })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
  });

  it("a buffer from a pool, and a view into a larger one, are read as they are", async () => {
    const { file, to } = await exported();
    const larger = Buffer.concat([Buffer.alloc(13, 1), file, Buffer.alloc(7, 2)]);
    await to.checkpoints.import(larger.subarray(13, 13 + file.length));
    expect(await to.start({ resume: true })).toMatchObject({ restored: 3 });
  });

  it("a run that is driven, on either side, is left alone", async () => {
    const { file } = await exported();
    const { opened, open } = gateOf();
    const begun = gateOf();
    const workflow = new DotFlow({ workflowId: "job" });
    workflow.task.add(action({ name: "slow" }, async () => (begun.open(), opened)));
    const ended = workflow.start();
    await begun.opened;
    await expect(workflow.checkpoints.export()).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
    await expect(workflow.checkpoints.import(file)).rejects.toMatchObject({ code: "WORKFLOW_LOCKED" });
    open();
    expect((await ended).status).toBe("completed");
  });

  it("an import that a failing storage broke off leaves no half of a run, and goes through when tried again", async () => {
    const { file } = await exported();
    const memory = new StorageMemory();
    for (let at = 1; at < 100; at++) {
      const storage = faultyStorage(memory, { faults: [{ operation: ["create", "put"], at, kind: "fail" }] });
      const failed = await chain({ storage }, new Notebook())
        .checkpoints.import(file)
        .then(
          () => false,
          (error: { code: string }) => error.code === "STORAGE",
        );
      if (!failed) break;
      const { checkpoints } = chain({ storage: memory }, new Notebook());
      expect((await checkpoints.info()).exists).toBe(false);
      expect(at).toBeLessThan(50);
    }
    const to = chain({ storage: memory }, new Notebook());
    await to.checkpoints.import(file);
    expect(await to.start({ resume: true })).toMatchObject({ restored: 3 });
  });
});

/** Four steps in a row, one of which may fail. */
function chain(options: DotFlowOptions, notes: Notebook, broken = ""): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", ...options });
  for (const name of ["one", "two", "three", "four"])
    workflow.task.add(
      notes.step(name, (previous) => {
        if (name === broken) throw new Error("not here");
        return name === "one" ? name : `${String(previous)} ${name}`;
      }),
    );
  return workflow;
}

/** The file of a run with three records, and where to put it. */
async function exported(): Promise<{ file: Uint8Array; storage: Storage; to: DotFlow }> {
  const from = chain({ storage: new StorageMemory() }, new Notebook(), "four");
  await from.start();
  const storage = new StorageMemory();
  return { file: await from.checkpoints.export(), storage, to: chain({ storage }, new Notebook()) };
}

/** Gives what was changed a checksum that fits. */
async function resealed(content: Uint8Array): Promise<Uint8Array> {
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(content));
  return Buffer.concat([content, Buffer.from(`\n${Buffer.from(digest).toString("hex")}\n`)]);
}

/** Steps that have saved something of every kind when the run fails for the first time. */
function everything(
  storage: Storage,
  calls: string[],
  { checkpoint, fixed = false }: { checkpoint: DotFlowOptions["checkpoint"]; fixed?: boolean },
): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, checkpoint });
  const failUnlessFixed = (): void => {
    if (!fixed) throw new Error("not here");
  };
  workflow.task.add(
    action({ name: "set" }, async (_: Context, step: StepContext) => (step.state.set("key", "shared"), null)),
  );
  workflow.task.add(
    action({ name: "step" }, async (_: Context, step: StepContext) => {
      calls.push("step");
      const once = await step.once("call", () => "once");
      if (step.progress.value === undefined) await step.progress.save(50);
      await new Promise((resolve) => setTimeout(resolve, 20));
      failUnlessFixed();
      return [once, step.progress.value, step.state.get("key")];
    }),
  );
  workflow.task.add(
    action({ name: "loop" }, async (previous: Context<number | null>, step: StepContext) => {
      calls.push(`loop ${step.iteration}`);
      if (step.iteration === 3) failUnlessFixed();
      const next = (previous.storage ?? 0) + 1;
      return next < 3 ? step.again(next) : next;
    }),
  );
  workflow.task.map(
    action({ name: "items" }, async (item: Context<number>) => {
      calls.push(`item ${item.storage}`);
      if (item.storage === 2) failUnlessFixed();
      return item.storage;
    }),
    { over: () => [1, 2, 3] },
  );
  workflow.task.add(
    action({ name: "ask" }, async (_: Context, step: StepContext) => {
      calls.push("ask");
      return step.waitFor("go");
    }),
  );
  return workflow;
}
