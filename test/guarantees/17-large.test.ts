// Guarantee 17: large values, many tasks. Nothing here asserts a time; what hangs runs into the timeout of its test.
import { createHash, randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions } from "dotflow";
import { eachSharedStorage, eachStorage, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";

const megabyte = 1_048_576;
const timeout = 120_000;

const protections: readonly [string, Partial<DotFlowOptions>][] = [
  ["as they are", {}],
  ["signed, encrypted and compressed", { secret: "secret", encryptionKey: Buffer.alloc(32, 1), compression: "gzip" }],
];

describe("17. Results of many megabytes, thousands of parallel tasks, a million-row map: no hang, memory as budgeted", () => {
  eachStorage((name, open) => {
    it.each(open.some(protections))(
      "values of many megabytes %s, live and restored",
      { timeout },
      async (_, protection) => {
        const values: Record<string, unknown> = {
          text: "a text of many megabytes, ü\u{1f389}\n".repeat(megabyte / 2),
          bytes: randomBytes(16 * megabyte),
          rows: Array.from({ length: 50_000 }, (_case, index) => ({
            index,
            name: `row ${index}`,
            tags: ["a", "b"],
            nested: { half: index / 2 },
          })),
          dates: Array.from({ length: 50_000 }, (_case, index) => new Date(index)),
        };
        const notes = new Notebook();
        const workflow = (fails: boolean): DotFlow => {
          const flow = new DotFlow({ workflowId: "job", storage: open(), ...protection });
          const after = Object.fromEntries(
            Object.entries(values).map(([id, value]) => [id, flow.task.add(notes.step(id, () => value))]),
          );
          const compare = notes.step("compare", (previous) => {
            if (fails) throw new Error("fails");
            return Object.entries(previous as object).map(([id, value]) => [
              id,
              digestOf(value) === digestOf(values[id]),
            ]);
          });
          flow.task.add(compare, { after });
          return flow;
        };
        expect((await workflow(true).start()).succeeded).toBe(4);
        const result = await workflow(false).start({ resume: true });
        expect(await result.output()).toEqual(Object.keys(values).map((id) => [id, true]));
        expect(notes.called()).toEqual([...Object.keys(values), "compare", "compare"]);
      },
    );

    it("a Map with very many rows", { timeout }, async () => {
      // What it holds does not depend on where it lies.
      const rows = name === "memory" ? 1_000_000 : Math.round(200_000 / open.every);
      const give = (): Map<string, string> =>
        new Map(Array.from({ length: rows }, (_, index) => [`key ${index}`, `row ${index}`]));
      let fails = true;
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(action({ name: "give" }, give));
      const look = action({ name: "look" }, (previous: Context<Map<string, string>>) => {
        if (fails) throw new Error("fails");
        return [previous.storage.size, previous.storage.get(`key ${rows - 1}`)];
      });
      workflow.task.add(look);
      expect((await workflow.start()).succeeded).toBe(1);
      fails = false;
      const result = await workflow.start({ resume: true });
      expect(result.restored).toBe(1);
      expect(await result.output()).toEqual([rows, `row ${rows - 1}`]);
    });

    it.each(name === "memory" ? [64, Infinity] : [Infinity])(
      "two thousand tasks side by side, %d at a time, and a join of all",
      { timeout },
      async (concurrency) => {
        const count = 10 * Math.round(200 / open.every);
        const notes = new Notebook();
        let running = 0;
        let most = 0;
        const workflow = (fails: boolean): DotFlow => {
          const flow = new DotFlow({ workflowId: "job", storage: open() });
          const step = notes.step("part", async (_, { taskId }) => {
            most = Math.max(most, ++running);
            await Promise.resolve();
            running--;
            if (fails && taskId.endsWith("7")) throw new Error("fails");
            return 1;
          });
          const after = Array.from({ length: count }, () => flow.task.add(step));
          flow.task.add(
            notes.step("sum", (previous) => (previous as number[]).reduce((sum, one) => sum + one)),
            { after },
          );
          return flow;
        };
        const first = await workflow(true).start({ concurrency });
        expect(first).toMatchObject({ status: "failed", failed: count / 10, succeeded: 0.9 * count, skipped: 1 });
        expect(most).toBeLessThanOrEqual(concurrency);
        notes.called();
        const second = await workflow(false).start({ concurrency, resume: true });
        expect(await second.output()).toBe(count);
        expect(notes.called()).toHaveLength(count / 10 + 1);
        expect((await workflow(true).start({ concurrency, resume: true })).restored).toBe(count + 1);
        expect(await keysOf(open(), `job/runs/${second.runId}/steps/`)).toHaveLength(count + 1);
      },
    );
  });

  eachSharedStorage((_name, open) => {
    // What lies in such a storage lies outside of this process, so that what is held here is what the engine holds.
    it("a chain that hands on 200 MB in all holds a few values at a time", { timeout }, async () => {
      const memory = new Memory();
      // Twice as much as may be held is the least that shows anything.
      const count = Math.max(48, 100 / open.every);
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const step = action({ name: "step" }, (previous: Context<string | null>) => {
        memory.look();
        return `${previous.storage?.length ?? 0}`.padEnd(2 * megabyte, "x");
      });
      for (let index = 0; index < count; index++) workflow.task.add(step);
      const result = await workflow.start();
      expect(result.status).toBe("completed");
      expect(memory.grown).toBeLessThan(48 * megabyte);
      expect(await result.output()).toHaveLength(2 * megabyte);
    });

    it(
      "1,000 tasks that give 200 MB, eight at a time, hold what eight of them give, also when they are restored",
      { timeout },
      async () => {
        const memory = new Memory();
        const workflow = new DotFlow({ workflowId: "job", storage: open() });
        let calls = 0;
        const step = action({ name: "step" }, async () => {
          if (++calls % 50 === 0) memory.look();
          return randomBytes(megabyte / 10).toString("hex");
        });
        const count = Math.max(480, Math.round(1_000 / open.every));
        for (let index = 0; index < count; index++) workflow.task.add(step);
        const options = { mode: "parallel", concurrency: 8 } as const;
        expect((await workflow.start(options)).succeeded).toBe(count);
        const resumed = await workflow.start({ ...options, resume: true });
        memory.look();
        expect(resumed.restored).toBe(count);
        expect(memory.grown).toBeLessThan(48 * megabyte);
      },
    );
  });
});

/** How much memory is held more than at first, at most, once all that can be freed is. */
class Memory {
  readonly #collect: () => void;
  readonly #before: number;
  grown = 0;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc") as () => void;
    this.#before = this.#held();
  }

  look(): void {
    this.grown = Math.max(this.grown, this.#held() - this.#before);
  }

  #held(): number {
    this.#collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
}

function digestOf(value: unknown): string {
  return createHash("sha1")
    .update(Buffer.isBuffer(value) ? value : JSON.stringify(value))
    .digest("hex");
}
