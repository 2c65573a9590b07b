// Writes of an owner that died, or slept, in the middle of them, and that arrive when others have gone on. Whatever counts in
// the end hangs together: no step is left with a value that it was not given.
import { describe, expect, it } from "vitest";
import { action, type CheckpointOptions, type Context, DotFlow, type Storage } from "dotflow";
import { eachStorage } from "../storages.ts";
import { Sleeping } from "./sleeping.ts";

/** What a step gives tells who ran it, and what it was given. */
interface Signed {
  readonly by: number;
  readonly given: unknown;
  readonly drawn?: unknown;
}

interface ChainOptions {
  readonly storage: Storage;
  /** Which owner of the run this is, from 1. */
  readonly owner: number;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** The task in which the owner fails; of the loop, in its second iteration. */
  readonly failsIn?: string | undefined;
}

function chain({ storage, owner, checkpoint, failsIn }: ChainOptions): DotFlow {
  const workflow = new DotFlow({ workflowId: "chain", storage, ...(checkpoint && { checkpoint }) });
  const first = action(function first(): Signed {
    return { by: owner, given: null };
  });
  const loop = action(async function loop({ storage: given }: Context, step): Promise<Signed> {
    if (failsIn === "loop" && step.iteration === 2) throw new Error("not yet");
    await step.progress.save({ by: owner });
    const drawn = await step.once("draw", () => ({ by: owner }));
    step.state.set("last", owner);
    const signed = { by: owner, given, drawn };
    if (step.iteration < 2) return step.again(signed);
    return signed;
  });
  const map = action(async function map({ storage: given }: Context, step): Promise<Signed> {
    if (failsIn === "map" && (given as { name: string }).name === "b") throw new Error("not yet");
    return { by: owner, given, drawn: await step.once("draw", () => ({ by: owner }), { atMostOnce: true }) };
  });
  const last = action(function last({ storage: given }: Context): Signed {
    if (failsIn === "last") throw new Error("not yet");
    return { by: owner, given };
  });
  workflow.task.add([first, loop]);
  const over = ({ storage: from }: Context) => ["a", "b"].map((name) => ({ name, from }));
  workflow.task.map(map, { over, concurrency: 1 });
  workflow.task.add(last);
  return workflow;
}

/** What the tasks gave. Rejects where one of them was given something else than what the one before it has on record. */
async function connected(storage: Storage): Promise<Record<string, unknown>> {
  const workflow = chain({ storage, owner: 9 });
  const result = await workflow.start({ resume: "required" });
  expect(result).toMatchObject({ status: "completed", restored: 4 });
  const contexts = await result.contexts();
  const [first, loop, map, last] = ["first", "loop", "map", "last"].map((id) => contexts[id]?.storage);
  expect((loop as { given: Signed }).given.given).toEqual(first);
  for (const item of map as { given: { from: unknown } }[]) expect(item.given.from).toEqual(loop);
  expect((last as Signed).given).toEqual(map);
  expect(await workflow.checkpoints.verify()).toEqual([]);
  return { first, loop, map, last };
}

const writes: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["the record of a step", /steps\/first$/],
  ["an iteration", /iterations\/0*1$/],
  ["the record of a loop", /steps\/loop$/],
  ["a once", /loop\/once\//],
  ["progress", /progress\//],
  ["an item", /\/items\//],
  ["an intent", /\/intents\//],
  ["the record of a map", /steps\/map$/],
];
const batches: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["the first batch", /batches\/0*1-0*0$/],
  ["the second batch", /batches\/0*1-0*1$/],
  ["a once", /loop\/once\//],
  ["progress", /progress\//],
];
const failures = ["loop", "map", "last", undefined];
/** Two of these policies gather; how the owners differ in them must not matter. */
const policies: readonly (readonly [name: string, owners: readonly (CheckpointOptions | undefined)[]])[] = [
  ["gathered by all", [{ everySteps: 2 }, { everySteps: 2 }]],
  ["gathered, then not", [{ everySteps: 2 }, undefined]],
  ["gathered in another way", [{ everySteps: 3 }, { everySteps: 1 }]],
];

describe("a write that arrives late", () => {
  eachStorage((_name, open) => {
    it.each(open.some(writes))("%s: what counts hangs together", { timeout: 60_000 }, async (_, pattern) => {
      for (const failsIn of open.some(failures))
        await expectConnected(await open.another(), pattern, [undefined, undefined], failsIn);
    });

    it.each(open.some(batches))(
      "%s, where records are gathered: what counts hangs together",
      { timeout: 60_000 },
      async (_, pattern) => {
        for (const [, owners] of open.some(policies))
          for (const failsIn of open.some(failures))
            await expectConnected(await open.another(), pattern, owners, failsIn);
      },
    );
  });
});

/** The first owner falls asleep, the second one goes on and may fail, the write arrives, and the third one goes to the end. */
async function expectConnected(
  storage: Storage,
  pattern: RegExp,
  [one, two]: readonly (CheckpointOptions | undefined)[],
  failsIn: string | undefined,
): Promise<void> {
  const sleeping = new Sleeping(storage, pattern);
  await expect(chain({ storage: sleeping, owner: 1, checkpoint: one }).start()).rejects.toMatchObject({
    code: "STORAGE",
  });
  const second = await chain({ storage, owner: 2, checkpoint: two, failsIn }).start({ resume: true });
  // It does not come to what was recorded before the first one fell asleep.
  expect(second.status === "completed" || failsIn !== undefined).toBe(true);
  await sleeping.wakeUp();
  expect((await chain({ storage, owner: 3, checkpoint: two }).start({ resume: true })).status).toBe("completed");
  const values = await connected(storage);
  expect(await connected(storage)).toEqual(values);
  await storage.close?.();
}
