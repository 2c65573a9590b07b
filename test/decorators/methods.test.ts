// The ways to write @action before a method, and what stays of the method. Runs without reflect-metadata.
import { expect, it } from "vitest";
import { action, Context, DotFlow, type StepContext } from "dotflow";
import { stepContext } from "dotflow/testing";

class Sums {
  readonly base: number;

  constructor(base: number) {
    this.base = base;
  }

  @action
  bare(previous: Context<number | null>): number {
    return this.base + (previous.storage ?? 0);
  }

  @action()
  called(previous: Context<number>): number {
    return this.base + previous.storage;
  }

  @action({ name: "renamed", retry: 2, retryDelay: 0 })
  async optioned(previous: Context<number>, step: StepContext): Promise<number> {
    if (step.attempt === 1) throw new Error("not yet");
    return this.base + previous.storage;
  }

  undecorated(): never {
    throw new Error("This is no task.");
  }
}

it("makes a step of each decorated method, called with its instance as this", async () => {
  const workflow = new DotFlow({ workflowId: "forms" });
  workflow.task.add(new Sums(10));
  const result = await workflow.start();
  expect(result.tasks.map(({ id, attempts }) => [id, attempts])).toEqual([
    ["Sums.bare", 1],
    ["Sums.called", 1],
    ["Sums.renamed", 2],
  ]);
  expect(await result.output()).toBe(30);
});

it("leaves a decorated method what it was: it is called without a workflow, and once", async () => {
  const sums = new Sums(1);
  expect(sums.bare(new Context(2))).toBe(3);
  await expect(sums.optioned(new Context(2), stepContext({ attempt: 1 }))).rejects.toThrow("not yet");
  expect(await sums.optioned(new Context(2), stepContext({ attempt: 2 }))).toBe(3);
  expect([sums.optioned.name, sums.optioned.length]).toEqual(["optioned", 2]);
  expect(Object.keys(Sums.prototype)).toEqual([]);
});

it("passes on to an overridden method with super", async () => {
  class More extends Sums {
    @action
    override bare(previous: Context<number | null>): number {
      return super.bare(previous) * 2;
    }
  }
  const workflow = new DotFlow({ workflowId: "super" });
  workflow.task.add(new More(10));
  const result = await workflow.start();
  expect((await result.context("More.bare")).storage).toBe(20);
});

it("needs no reflect-metadata", () => {
  expect(Reflect).not.toHaveProperty("getMetadata");
});
