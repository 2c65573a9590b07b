// Names of what a step saves, sends and waits for: whatever text they are, each finds its own again, or is refused.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type Storage, StorageMemory } from "dotflow";
import { eachStorage } from "../storages.ts";

const names = [
  "__proto__",
  "constructor",
  "x/y",
  "x_y",
  "..",
  ".",
  " ",
  "\u0000",
  "=",
  "A",
  "a",
  "\u00e9",
  "e\u0301",
  "😀",
  "con",
  `${"a".repeat(9_999)}b`,
  `${"a".repeat(9_999)}c`,
];

/** Nothing of it is done before `isMended` but for what comes before the last item. */
function namesWorkflow(storage: Storage, isMended: boolean, called: string[]): DotFlow {
  const workflow = new DotFlow({ workflowId: "__proto__", storage });
  workflow.task.add(
    action(async function onces(_: Context, step) {
      const values: string[] = [];
      for (const name of names)
        values.push(
          await step.once(name, () => {
            called.push(`once ${name}`);
            return name;
          }),
        );
      for (const name of names) {
        step.state.set(name, name);
        step.checkpoint({ id: name, metadata: name });
      }
      if (!isMended) throw new Error("not yet");
      return values;
    }),
    { groupName: "onces" },
  );
  workflow.task.map(
    action(function items({ storage: item }: Context<string>) {
      called.push(`item ${item}`);
      if (!isMended && item === names.at(-1)) throw new Error("not yet");
      return item;
    }),
    { over: () => names, key: (item) => item, groupName: "items" },
  );
  workflow.task.add(
    action(async function waits(_: Context, step) {
      const payloads: unknown[] = [];
      for (const name of names) payloads.push(await step.waitFor(name));
      return payloads;
    }),
    { groupName: "waits" },
  );
  for (const id of ["__proto__", "constructor"])
    workflow.task.add(
      action({ name: id }, function loop(_: Context, step) {
        called.push(`${id} ${step.iteration}`);
        if (!isMended && step.iteration === 3) throw new Error("not yet");
        return step.iteration < 3 ? step.again(null) : id;
      }),
      { id, groupName: id },
    );
  return workflow;
}

eachStorage((_name, open) => {
  it("each name finds its own again", { timeout: 120_000 }, async () => {
    const called: string[] = [];
    expect((await namesWorkflow(open(), false, called).start()).status).toBe("failed");
    for (const name of names) await namesWorkflow(open(), false, called).checkpoints.signal(name, `to ${name}`);
    called.splice(0);
    const workflow = namesWorkflow(open(), true, called);
    const result = await workflow.start({ resume: true });
    expect(result.status).toBe("completed");
    expect(called.sort()).toEqual(["__proto__ 3", "constructor 3", `item ${names.at(-1)}`]);
    const { storage: onces } = await result.context("onces.onces");
    const { storage: items } = await result.context("items.items");
    const { storage: waits } = await result.context("waits.waits");
    expect([onces, items]).toEqual([names, names]);
    expect(waits).toEqual(names.map((name) => `to ${name}`));
    const snapshots = await workflow.checkpoints.snapshots();
    expect(snapshots.map(({ id }) => id).sort()).toEqual([...names].sort());
    for (const { id, metadata } of snapshots) expect(metadata).toBe(id);
    expect(await workflow.checkpoints.verify()).toEqual([]);
  });
});

describe("a task called like a part of every object", () => {
  it("goes on from a snapshot that was made from outside", async () => {
    const storage = new StorageMemory();
    const called: string[] = [];
    await namesWorkflow(storage, false, called).start();
    const { checkpoints } = namesWorkflow(storage, true, called);
    await checkpoints.snapshot({ id: "outside" });
    await checkpoints.restore("outside");
    called.splice(0);
    await namesWorkflow(storage, true, called).start({ resume: true });
    expect(called.filter((each) => /^(__proto__|constructor) /.test(each)).sort()).toEqual([
      "__proto__ 3",
      "constructor 3",
    ]);
  });
});

describe("a text that is not well-formed", () => {
  // Written as UTF-8, each of them would be the same.
  it.each(["\ud800", "a\udc00b"])("is no name for a signal or a snapshot (%j)", async (name) => {
    const errors: unknown[] = [];
    const noted = async (work: () => unknown): Promise<void> => {
      await Promise.resolve(work()).catch((error: unknown) => errors.push((error as { code?: unknown }).code));
    };
    const workflow = new DotFlow({ workflowId: "job" });
    workflow.task.add(
      action(async function first(_: Context, step) {
        await noted(() => step.waitFor(name));
        await noted(async () => step.checkpoint({ id: name }));
        return step.once("after", () => "done");
      }),
    );
    const result = await workflow.start();
    expect(result.status).toBe("completed");
    await noted(() => workflow.checkpoints.snapshot({ id: name }));
    await noted(() => workflow.checkpoints.signal(name));
    expect(errors).toEqual(Array.from({ length: 4 }, () => "INVALID_WORKFLOW"));
  });
});
