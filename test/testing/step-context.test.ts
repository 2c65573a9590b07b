// A step called as a plain function, with what a run would hand it.
import { describe, expect, it } from "vitest";
import { action, Context, type StepContext } from "dotflow";
import { stepContext } from "dotflow/testing";

describe("stepContext", () => {
  it("lets a step use once, progress and state as in a run", async () => {
    const load = action(async function load(previous: Context<number[]>, step: StepContext) {
      const before = step.progress.value as number | undefined;
      await step.progress.save(previous.storage.length);
      const receipt = await step.once("insert", () => ({ inserted: previous.storage.length }), { atMostOnce: true });
      step.state.set("loaded", [...(step.state.get<number[]>("loaded") ?? []), receipt.inserted]);
      return { before, receipt };
    });
    const step = stepContext({ progress: 1, state: { loaded: [7] } });
    expect(await load(new Context([1, 2, 3]), step)).toEqual({ before: 1, receipt: { inserted: 3 } });
    expect(step.progress.value).toBe(3);
    expect(step.state.get("loaded")).toEqual([7, 3]);
    await expect(load(new Context([4]), step)).rejects.toThrow("called twice");
  });

  it("has the facts of an execution, and the ones that it is given", () => {
    const signal = AbortSignal.abort();
    expect(stepContext()).toMatchObject({ workflowId: "workflow", taskId: "task", attempt: 1, iteration: 1 });
    const given = stepContext({ runId: "r", attempt: 2, iteration: 3, initial: { day: 1 }, signal });
    expect([given.runId, given.attempt, given.iteration, given.initial.storage.day]).toEqual(["r", 2, 3, 1]);
    expect(given.signal.aborted).toBe(true);
    expect(given.idempotencyKey).toBe(given.idempotencyKey);
    expect(stepContext().initial.storage).toBeNull();
  });

  it("gives the signals that it was given, without waiting for any time", async () => {
    const step = stepContext({ signals: { approval: { by: "Ada" } } });
    expect(await step.waitFor("approval")).toEqual({ by: "Ada" });
    await step.sleep("30d");
    await step.sleepUntil(new Date("2999-01-01"));
    await expect(step.waitFor("payment", { timeout: "1h" })).rejects.toMatchObject({
      code: "WAIT_TIMEOUT",
      signal: "payment",
    });
    await expect(step.waitFor("payment")).rejects.toThrow('stepContext({ signals: { "payment": payload } })');
  });
});
