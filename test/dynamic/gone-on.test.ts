// What tasks had begun when others were run again: it goes on in the new run, and the next one, and from there a snapshot,
// a file or a copy takes it along.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, StorageMemory } from "dotflow";

/** Tasks that stand side by side; but for the first they come further with each stage, and to their end in the last. */
class Stages {
  readonly #options: DotFlowOptions;
  readonly #called: string[] = [];
  readonly #last = 4;
  stage = 1;

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
    const again = action(function again(_: Context, step) {
      call("again");
      step.state.set("again", this.stage);
    }.bind(this));
    const loop = action(async (_: Context, step) => {
      await step.once("pay", () => call(`loop pays in ${step.iteration}`));
      call(`loop ${step.iteration}`);
      if (fails() && step.iteration === 2 * this.stage) throw new Error("not yet");
      return step.iteration < 8 ? step.again(null) : "looped";
    });
    const map = action(async ({ storage: item }: Context<number>, step) => {
      await step.once("pay", () => call(`item ${item} pays`));
      if (fails() && item > 2 * this.stage) throw new Error("not yet");
      call(`item ${item}`);
      return item;
    });
    const pay = action(async (_: Context, step) => {
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
