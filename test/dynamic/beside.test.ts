// What was begun and not done, when another part of the workflow runs again, or its own definition changed.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type StartOptions, type StepContext, type Storage } from "dotflow";
import { eachStorage } from "../storages.ts";

interface Beside {
  readonly storage: Storage;
  /** Which start this is: from the third one on nothing fails any more. */
  readonly start: number;
  readonly version?: number;
  /** What was executed, in its order. */
  readonly done: string[];
  readonly idempotencyKeys?: Set<string>;
  /** Another task before the loop. */
  readonly before?: boolean;
}

/** One task that is done, beside a loop, a map, a payment and a workflow within this one that fail half way. */
function beside({ storage, start, version = 1, done, idempotencyKeys, before }: Beside): DotFlow {
  const workflow = new DotFlow({ workflowId: "beside", storage });
  const fails = (): void => {
    if (start < 3) throw new Error("not yet");
  };
  const alone = workflow.task.add(
    action({ name: "alone", version }, () => void done.push("alone")),
    { id: "alone", groupName: "alone" },
  );
  const first =
    before &&
    workflow.task.add(
      action({ name: "first" }, () => "first"),
      { id: "first", after: alone },
    );
  workflow.task.add(
    action({ name: "loop" }, async ({ storage: previous }: Context, step: StepContext): Promise<unknown> => {
      done.push(`iteration ${step.iteration}`);
      step.state.set("iterations", [...(step.state.get<number[]>("iterations") ?? []), step.iteration]);
      if (step.iteration === 3) fails();
      if (step.iteration < 4)
        return step.again([...(step.iteration === 1 ? [] : (previous as number[])), step.iteration]);
      return { previous, state: step.state.get("iterations") };
    }),
    { id: "loop", groupName: "loop", ...(first && { after: first }) },
  );
  workflow.task.map(
    action({ name: "map" }, async ({ storage: item }: Context<string>, step: StepContext) => {
      if (item === "c") fails();
      return step.once("give", () => (done.push(`item ${item}`), item));
    }),
    { id: "map", groupName: "map", over: () => ["a", "b", "c"] },
  );
  workflow.task.add(
    action({ name: "pay" }, async (_: Context, step: StepContext) => {
      idempotencyKeys?.add(step.idempotencyKey);
      const receipt = await step.once("charge", () => (done.push("charge"), "paid"), { atMostOnce: true });
      const seen = step.progress.value;
      await step.progress.save("half way");
      fails();
      return { receipt, seen };
    }),
    { id: "pay", groupName: "pay" },
  );
  const inner = new DotFlow({ workflowId: "inner" });
  inner.task.add(action({ name: "inner first" }, () => void done.push("inner first")));
  inner.task.add(action({ name: "inner last" }, () => (fails(), done.push("inner last"), "inner")));
  workflow.task.add(inner, { id: "child", groupName: "child" });
  return workflow;
}

describe("what was begun and not done", () => {
  eachStorage((_name, open) => {
    it.each<[what: string, version: number, options: StartOptions]>([
      ["something else runs again", 1, { from: "alone" }],
      ["something else changed", 2, { onChange: "rerun" }],
    ])("goes on where it was when %s, twice", async (_, version, options) => {
      const done: string[] = [];
      const idempotencyKeys = new Set<string>();
      const storage = open();
      const make = (start: number): DotFlow =>
        beside({ storage, start, version: start > 1 ? version : 1, done, idempotencyKeys });
      const first = await make(1).start();
      expect(first.status).toBe("failed");
      const once = ["alone", "charge", "inner first", "item a", "item b", "iteration 1", "iteration 2", "iteration 3"];
      expect(done.splice(0).toSorted()).toEqual(once);

      const second = await make(2).start({ resume: true, ...options });
      expect(second.status).toBe("failed");
      expect(second.runId).not.toBe(first.runId);
      expect(done.splice(0).toSorted()).toEqual(["alone", "iteration 3"]);

      const third = await make(3).start({ resume: true, from: "alone" });
      expect(third.status).toBe("completed");
      expect(done.splice(0).toSorted()).toEqual(["alone", "inner last", "item c", "iteration 3", "iteration 4"]);
      expect((await third.context("loop")).storage).toEqual({ previous: [1, 2, 3], state: [1, 2, 3, 4] });
      expect((await third.context("map")).storage).toEqual(["a", "b", "c"]);
      expect((await third.context("pay")).storage).toEqual({ receipt: "paid", seen: "half way" });
      expect((await third.context("child")).storage).toBe("inner");
      // Others see one execution, which was interrupted twice.
      expect(idempotencyKeys.size).toBe(1);
      const { checkpoints } = make(3);
      expect(await checkpoints.verify()).toEqual([]);
      // All three are needed.
      expect(await checkpoints.prune({ keep: 1 })).toBe(0);
    });

    it("is a change where its own definition is another one", async () => {
      const done: string[] = [];
      const make = (start: number, before = true): DotFlow => beside({ storage: open(), start, done, before });
      await make(1, false).start();
      done.splice(0);
      const changed = {
        code: "WORKFLOW_CHANGED",
        changes: [{ taskId: "loop", what: expect.stringMatching(/^had begun, and/) }],
      };
      await expect(make(2).start({ resume: true })).rejects.toMatchObject(changed);
      expect(done).toEqual([]);
      const result = await make(3).start({ resume: true, onChange: "rerun" });
      expect(result.status).toBe("completed");
      expect(done.filter((what) => what.startsWith("iteration"))).toHaveLength(4);
      expect(done).not.toContain("charge");
    });

    it("is taken as it is where the user says so", async () => {
      const done: string[] = [];
      const make = (start: number, before = true): DotFlow => beside({ storage: open(), start, done, before });
      await make(1, false).start();
      done.splice(0);
      expect((await make(3).start({ resume: true, onChange: "reuse" })).status).toBe("completed");
      expect(done.filter((what) => what.startsWith("iteration"))).toEqual(["iteration 3", "iteration 4"]);
    });

    it("is left behind by a restart", async () => {
      const done: string[] = [];
      const make = (start: number, version: number): DotFlow => beside({ storage: open(), start, version, done });
      await make(1, 1).start();
      done.splice(0);
      expect((await make(3, 2).start({ resume: true, onChange: "restart" })).status).toBe("completed");
      expect(done.filter((what) => what === "charge" || what.startsWith("item"))).toHaveLength(4);
    });
  });
});
