// What tasks had begun when others were run again: it goes on in the new run, and the next one, and from there a snapshot,
// a file or a copy takes it along.
import { describe, expect, it } from "vitest";
import { action, type Context, copyRun, DotFlow, type DotFlowOptions, StorageMemory } from "dotflow";

interface Options extends DotFlowOptions {
  readonly storage: StorageMemory;
}

/** Tasks that stand side by side; but for the first they come further with each stage, and to their end in the last. */
class Stages {
  readonly #options: DotFlowOptions;
  readonly #called: string[] = [];
  readonly #last = 4;
  stage = 1;
  againFails = false;

  constructor(options: DotFlowOptions) {
    this.#options = options;
  }

  /** What was called since it was asked for last. */
  called(): string[] {
    return this.#called.splice(0).sort();
  }

  make(options: DotFlowOptions = this.#options): DotFlow {
    const workflow = new DotFlow({ workflowId: "stages", ...options });
    const fails = (): boolean => this.stage < this.#last;
    const call = (what: string): void => void this.#called.push(what);
    const again = action({ name: "again" }, (_: Context, step) => {
      call("again");
      step.state.set("again", this.stage);
      if (this.againFails) throw new Error("not yet");
    });
    const loop = action({ name: "loop" }, async (_: Context, step) => {
      await step.once("pay", () => call(`loop pays in ${step.iteration}`));
      call(`loop ${step.iteration}`);
      if (fails() && step.iteration === 2 * this.stage) throw new Error("not yet");
      return step.iteration < 8 ? step.again(null) : "looped";
    });
    const map = action({ name: "map" }, async ({ storage: item }: Context<number>, step) => {
      await step.once("pay", () => call(`item ${item} pays`));
      if (fails() && item > 2 * this.stage) throw new Error("not yet");
      call(`item ${item}`);
      return item;
    });
    const pay = action({ name: "pay" }, async (_: Context, step) => {
      const paid = await step.once("pay", () => call("pays"), { atMostOnce: true });
      if (fails()) throw new Error("not yet");
      return paid;
    });
    workflow.task.add(again, { id: "again", groupName: "again" });
    workflow.task.add(loop, { id: "loop", groupName: "loop" });
    workflow.task.map(map, { id: "map", groupName: "map", over: () => [1, 2, 3, 4, 5, 6, 7], key: (item) => item });
    workflow.task.add(pay, { id: "pay", groupName: "pay" });
    return workflow;
  }
}

/** What is left to do after three stages, of which each began a run. */
const left = ["item 7", "loop 6", "loop 7", "loop 8", "loop pays in 7", "loop pays in 8"];

describe.each<[name: string, options: DotFlowOptions]>([
  ["each record at once", {}],
  ["records that are gathered", { checkpoint: { everySteps: 100 } }],
  ["encrypted and compressed", { encryptionKey: "ab".repeat(32), compression: "gzip" }],
])("what had begun before two runs that from began, %s", (_name, given) => {
  async function threeStages(): Promise<{ options: Options; stages: Stages }> {
    const options = { ...given, storage: new StorageMemory() };
    const stages = new Stages(options);
    await stages.make().start();
    for (stages.stage = 2; stages.stage < 4; stages.stage++) await stages.make().start({ resume: true, from: "again" });
    stages.called();
    return { options, stages };
  }

  it("goes on, and keeps the runs that it needs", async () => {
    const { stages } = await threeStages();
    expect(await stages.make().checkpoints.prune({ keep: 1 })).toBe(0);
    expect((await stages.make().start({ resume: true })).status).toBe("completed");
    expect(stages.called()).toEqual(left);
    expect(await stages.make().checkpoints.verify()).toEqual([]);
  });

  it.each(["export", "copyRun"])("goes on elsewhere after %s", async (how) => {
    const { options, stages } = await threeStages();
    const elsewhere = { ...options, storage: new StorageMemory() };
    if (how === "export") await stages.make(elsewhere).checkpoints.import(await stages.make().checkpoints.export());
    else {
      const { encryptionKey } = options;
      await copyRun(options.storage, elsewhere.storage, encryptionKey === undefined ? {} : { encryptionKey });
    }
    expect((await stages.make(elsewhere).start({ resume: true })).status).toBe("completed");
    expect(stages.called()).toEqual(left);
    expect(await stages.make(elsewhere).checkpoints.verify()).toEqual([]);
  });

  it("is where a snapshot from outside begins", async () => {
    const { stages } = await threeStages();
    const { checkpoints } = stages.make();
    await checkpoints.snapshot({ id: "three" });
    await checkpoints.restore("three");
    expect((await stages.make().start({ resume: true })).status).toBe("completed");
    // What was done once in what was not saved is not a part of a snapshot.
    expect(stages.called()).toEqual([...left, "item 7 pays", "loop pays in 6", "pays"].sort());
  });

  it("is where a snapshot from outside begins of a run that has nothing of its own", async () => {
    const options = { ...given, storage: new StorageMemory() };
    const stages = new Stages(options);
    await stages.make().start();
    stages.againFails = true;
    await stages.make().start({ resume: true, from: "again", concurrency: 1 });
    stages.againFails = false;
    const { checkpoints } = stages.make();
    await checkpoints.snapshot({ id: "one" });
    await checkpoints.restore("one");
    stages.called();
    stages.stage = 4;
    expect((await stages.make().start({ resume: true })).status).toBe("completed");
    const called = stages.called();
    expect(called.filter((each) => /^loop \d/.test(each))).toEqual([2, 3, 4, 5, 6, 7, 8].map((each) => `loop ${each}`));
    expect(called.filter((each) => /^item \d$/.test(each))).toEqual([3, 4, 5, 6, 7].map((each) => `item ${each}`));
  });
});
