// What was saved is found again wherever it lies: ahead of a record that is torn, still held back, in a batch of
// another run, in the run that a snapshot is of.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type Storage, StorageMemory } from "dotflow";
import { faultyStorage } from "dotflow/testing";
import { Notebook } from "../guarantees/notebook.ts";
import { eachStorage, keysOf } from "../storages.ts";
import { Sleeping } from "./sleeping.ts";

const gathering = { checkpoint: { everySteps: 100 } };

describe("what a task saved, though the record of the one before it is torn", () => {
  /** `second` saves at once what `first` came before, and then the process is gone. */
  function ahead(storage: Storage, notes: Notebook, owner: number, firstFails = false): DotFlow {
    const workflow = new DotFlow({ workflowId: "ahead", storage });
    workflow.task.add(
      notes.step("first", () => {
        if (firstFails) throw new Error("not yet");
        return owner;
      }),
    );
    workflow.task.add(
      notes.step("second", async (_, step) => {
        const seen = step.progress.value;
        await step.progress.save("half way");
        const once = await step.once("once", () => `once by ${owner}`);
        const charged = await step.once("charge", () => `charged by ${owner}`, { atMostOnce: true });
        if (owner === 1) await step.once("the end", () => owner);
        return { seen, once, charged };
      }),
    );
    return workflow;
  }
  const expected = { seen: "half way", once: "once by 1", charged: "charged by 1" };

  eachStorage((_name, open) => {
    it.each(["at once", "after a start that failed in order"])("is found %s", async (when) => {
      const notes = new Notebook();
      const storage = open();
      const dying = new Sleeping(storage, /the=032end/);
      await expect(ahead(dying, notes, 1).start()).rejects.toMatchObject({ code: "STORAGE" });
      const key = (await keysOf(storage)).find((each) => each.endsWith("/steps/first")) ?? "";
      const record = (await storage.get(key)) as Uint8Array;
      await storage.put(key, record.subarray(0, record.length - 3));
      if (when !== "at once")
        expect((await ahead(open(), notes, 2, true).start({ resume: true })).status).toBe("failed");
      const result = await ahead(open(), notes, 3).start({ resume: true });
      expect(result.tasks.flatMap(({ errors }) => errors)).toEqual([]);
      expect(await result.output()).toEqual(expected);
      expect((await result.context("first")).storage).toBe(3);
    });
  });
});

describe("what is held back", () => {
  it("is found by a loop that waits in place", async () => {
    const iterations: number[] = [];
    const workflow = new DotFlow({ workflowId: "held", storage: new StorageMemory(), ...gathering });
    const loop = action(async function loop(_: Context, step) {
      iterations.push(step.iteration);
      if (step.iteration === 3) await step.waitFor("go");
      if (step.iteration < 3) return step.again(step.iteration);
      return "done";
    });
    const sends = action(async function sends() {
      await expect.poll(() => iterations).toHaveLength(3);
      await workflow.checkpoints.signal("go");
    });
    workflow.task.add(loop, { groupName: "one" });
    workflow.task.add(sends, { groupName: "other" });
    expect((await workflow.start({ wait: true })).status).toBe("completed");
    expect(iterations).toEqual([1, 2, 3, 3]);
  });

  it("is found by a map of which one item waits", async () => {
    const items: string[] = [];
    const workflow = new DotFlow({ workflowId: "held", storage: new StorageMemory(), ...gathering });
    const each = action(async function each({ storage: item }: Context<string>, step) {
      items.push(item);
      if (item === "b") await step.waitFor("go");
      return item;
    });
    const sends = action(async function sends() {
      await expect.poll(() => items).toHaveLength(3);
      await workflow.checkpoints.signal("go");
    });
    workflow.task.map(each, { over: () => ["a", "b", "c"], groupName: "one" });
    workflow.task.add(sends, { groupName: "other" });
    const result = await workflow.start({ wait: true });
    expect((await result.context("one.each")).storage).toEqual(["a", "b", "c"]);
    expect(items.toSorted()).toEqual(["a", "b", "b", "c"]);
  });
});

describe("records in batches", () => {
  function three(storage: Storage, notes: Notebook, fails: boolean): DotFlow {
    const workflow = new DotFlow({ workflowId: "three", storage, ...gathering });
    for (const name of ["a", "b", "c"])
      workflow.task.add(
        notes.step(name, async (_, { once, state, ...rest }) => {
          void [once, state, rest];
          if (fails && name === "c") throw new Error("not yet");
          return name;
        }),
      );
    return workflow;
  }

  it("of an older run are found where that is exported and goes on elsewhere", async () => {
    const storage = new StorageMemory();
    const notes = new Notebook();
    const { runId } = await three(storage, notes, true).start();
    await three(storage, notes, true).start();
    const file = await three(storage, notes, true).checkpoints.export({ runId });
    const elsewhere = three(new StorageMemory(), notes, false);
    await elsewhere.checkpoints.import(file);
    notes.called();
    expect(await elsewhere.start({ resume: "required" })).toMatchObject({ status: "completed", restored: 2 });
    expect(notes.called()).toEqual(["c"]);
  });

  it("that a newer run refers to are not missing", async () => {
    const storage = new StorageMemory();
    const notes = new Notebook();
    await three(storage, notes, false).start();
    const workflow = three(storage, notes, false);
    expect(await workflow.start({ resume: true, from: "c" })).toMatchObject({ restored: 2 });
    expect(await workflow.checkpoints.verify()).toEqual([]);
  });
});

describe("a snapshot", () => {
  it("that was interrupted before the record that it belongs to does not count, and is made again", async () => {
    const memory = new StorageMemory();
    const make = (storage: Storage): DotFlow => {
      const workflow = new DotFlow({ workflowId: "asks", storage });
      workflow.task.add(
        action(function asks(_: Context, step) {
          step.checkpoint({ id: "here", metadata: { attempt: step.attempt } });
          return "asked";
        }),
      );
      return workflow;
    };
    const dying = faultyStorage(memory, { faults: [{ operation: "create", key: /steps/, kind: "fail" }] });
    await expect(make(dying).start()).rejects.toMatchObject({ code: "STORAGE" });
    const { checkpoints } = make(memory);
    expect(await checkpoints.snapshots()).toEqual([]);
    await expect(checkpoints.restore("here")).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
    await make(memory).start({ resume: true });
    expect(await checkpoints.snapshots()).toMatchObject([{ id: "here", completed: ["asks"] }]);
  });

  it("of a run that was restored itself refers to the iteration where it lies", async () => {
    const storage = new StorageMemory();
    const iterations: number[] = [];
    const make = (start: number): DotFlow => {
      const workflow = new DotFlow({ workflowId: "twice", storage });
      const loop = action(async function loop(_: Context, step) {
        iterations.push(step.iteration);
        if (step.iteration === 2) step.checkpoint({ id: "second" });
        if (step.iteration === 3 && start < 3) await step.waitFor("go on");
        if (step.iteration < 3) return step.again(step.iteration);
        return "done";
      });
      const beside = action(async function beside(_: Context, step) {
        // Only when the loop goes on from where it was.
        if (start === 2) await expect.poll(() => iterations).toEqual([1, 2, 3, 3]);
        if (start === 2) step.checkpoint({ id: "beside" });
        if (start === 1) throw new Error("not yet");
      });
      workflow.task.add(loop, { groupName: "one" });
      workflow.task.add(beside, { groupName: "other" });
      return workflow;
    };
    await make(1).start();
    await make(1).checkpoints.restore("second");
    await make(2).start({ resume: true });
    await make(3).checkpoints.restore("beside");
    iterations.splice(0);
    expect((await make(3).start({ resume: true })).status).toBe("completed");
    expect(iterations).toEqual([3]);
  });
});
