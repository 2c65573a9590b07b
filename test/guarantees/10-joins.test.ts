// Guarantee 10: joins of every shape, in every mode, with every one of their tasks failing first and every order of arrival.
import { describe, expect, it } from "vitest";
import { type After, DotFlow, type Storage, type TaskRef } from "dotflow";
import { faultyStorage } from "dotflow/testing";
import { eachStorage, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";
import { gateOf } from "./time.ts";

const modes = ["graph", "sequential", "sequential_group", "parallel"] as const;
type Shape = "tuple" | "object" | "one" | "twice";

/** What the join gets from left and right. */
const inputs: Record<Shape, unknown> = {
  tuple: ["left(root)", "right(root)"],
  object: { second: "right(root)", first: "left(root)" },
  one: "right(root)",
  twice: ["left(root)", "right(root)", "left(root)"],
};
const shapes = Object.keys(inputs) as Shape[];
const ids = ["root", "left", "right", "join", "inner", "outer"];

describe("10. A join runs once, after all it waits for, in every mode and after every resume", () => {
  eachStorage((_name, open) => {
    describe.each(modes)("in the mode %s", (mode) => {
      it.each(open.some(shapes))("of the shape %s, whichever task fails first", async (shape) => {
        const whole = await joined(new Notebook(), { storage: open(), workflowId: "whole", shape }).start({ mode });
        expect((await whole.context("join")).storage).toEqual(["join", inputs[shape]]);
        expect(await whole.output()).toEqual([
          "outer",
          [
            ["join", inputs[shape]],
            ["inner", "right(root)"],
          ],
        ]);
        for (const failing of open.some(ids)) {
          const notes = new Notebook();
          const options = { storage: open(), workflowId: failing, shape };
          expect((await joined(notes, { ...options, failing }).start({ mode })).status).toBe("failed");
          const result = await joined(notes, options).start({ mode, resume: true });
          expect(await result.output()).toEqual(await whole.output());
          expect(notes.succeeded().sort()).toEqual(ids.toSorted());
          expect((await joined(notes, options).start({ mode, resume: true })).restored).toBe(ids.length);
          expect(notes.succeeded()).toEqual([]);
        }
      });

      it.each(open.some([1, 2, Infinity]))(
        "after each of its tasks had to run again, %d at a time",
        async (concurrency) => {
          for (const from of open.some(ids)) {
            const notes = new Notebook();
            const options = { storage: open(), workflowId: from, shape: "tuple" } as const;
            const first = await joined(notes, options).start({ mode, concurrency });
            notes.called();
            const result = await joined(notes, options).start({ mode, concurrency, resume: true, from });
            expect(await result.output()).toEqual(await first.output());
            const called = notes.called();
            expect(called).toEqual([...new Set(called)]);
            // Of a join's tasks one may be kept: it runs again all the same.
            if (["root", "left", "right", "join"].includes(from)) expect(called).toContain("join");
            expect(called).toContain("outer");
          }
        },
      );
    });

    it("in whatever order what it waits for arrives", async () => {
      for (const order of permutations(["a", "b", "c", "d"])) {
        const notes = new Notebook();
        const gates = new Map(order.map((id) => [id, gateOf()]));
        let begun = 0;
        const allBegan = gateOf();
        const workflow = new DotFlow({
          workflowId: order.join(""),
          storage: open(),
          observers: [
            {
              onEvent: (event) =>
                event.type === "step.completed" && gates.get(order[order.indexOf(event.taskId) + 1] ?? "")?.open(),
            },
          ],
        });
        const after = ["a", "b", "c", "d"].map((id) => {
          const step = notes.step(id, async () => {
            if (++begun === 4) allBegan.open();
            await gates.get(id)?.opened;
            return id;
          });
          return workflow.task.add(step);
        });
        workflow.task.add(
          notes.step("join", (previous) => previous),
          { after },
        );
        const ended = workflow.start();
        await allBegan.opened;
        gates.get(order[0] ?? "")?.open();
        expect(await (await ended).output()).toEqual(["a", "b", "c", "d"]);
        expect(notes.succeeded()).toEqual([...order, "join"]);
      }
    });

    it("when all that it waits for arrives at once, a hundred of it", async () => {
      const notes = new Notebook();
      const workflow = (): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        const after = Array.from({ length: 100 }, (_, index) => flow.task.add(notes.step("part", () => index)));
        const join = flow.task.add(
          notes.step("join", (previous) => (previous as number[]).reduce((sum, part) => sum + part)),
          { after },
        );
        for (const id of ["x", "y"])
          flow.task.add(
            notes.step(id, (previous) => [id, ...(previous as number[])]),
            { after: [join, ...after] },
          );
        return flow;
      };
      for (const resume of [false, true]) {
        const result = await workflow().start({ resume });
        expect((await result.context("join")).storage).toBe(4_950);
        expect(await result.output()).toHaveLength(102);
      }
      expect(notes.called().filter((id) => !id.startsWith("part"))).toEqual(["join", "x", "y"]);
    });

    it("when its record could not be written, and after the run that was left behind", async () => {
      for (const kind of ["fail", "lose-answer"] as const) {
        const notes = new Notebook();
        const options = { workflowId: kind, shape: "object" } as const;
        const storage = faultyStorage(open(), { faults: [{ operation: "create", key: /steps\/join$/, kind }] });
        await expect(joined(notes, { ...options, storage }).start()).rejects.toMatchObject({ code: "STORAGE" });
        const succeeded = notes.succeeded();
        expect(succeeded.filter((id) => id === "join")).toEqual(["join"]);
        const result = await joined(notes, { ...options, storage: open() }).start({ resume: true });
        expect(result.status).toBe("completed");
        // Its value was lost with the write that failed, and is there where only the answer was lost.
        expect(notes.succeeded().includes("join")).toBe(kind === "fail");
      }
    });

    it("when what it waits for was torn, and has to run again beside it", async () => {
      const notes = new Notebook();
      const options = { storage: open(), workflowId: "job", shape: "tuple" } as const;
      await joined(notes, { ...options, failing: "join" }).start();
      notes.called();
      for (const key of await keysOf(open())) {
        if (/steps\/(root|left|right)$/.test(key))
          await open().put(key, ((await open().get(key)) ?? new Uint8Array()).slice(0, 100));
      }
      const result = await joined(notes, options).start({ resume: true });
      expect((await result.context("join")).storage).toEqual(["join", inputs.tuple]);
      const called = notes.called();
      expect(called.toSorted()).toEqual(["join", "left", "outer", "right", "root"]);
      expect(called.slice(-2)).toEqual(["join", "outer"]);
    });

    it("under keepGoing, with null from what failed, and again when it is there", async () => {
      const notes = new Notebook();
      const options = { storage: open(), workflowId: "job", shape: "object" } as const;
      const result = await joined(notes, { ...options, failing: "left" }).start({ keepGoing: true });
      expect((await result.context("join")).storage).toEqual(["join", { first: null, second: "right(root)" }]);
      expect(notes.called().filter((id) => id === "join")).toHaveLength(1);
      const resumed = await joined(notes, options).start({ resume: true });
      expect((await resumed.context("join")).storage).toEqual(["join", inputs.object]);
      expect(notes.called()).toEqual(["left", "join", "outer"]);
    });
  });
});

interface JoinOptions {
  readonly storage: Storage;
  readonly workflowId: string;
  readonly shape: Shape;
  readonly failing?: string;
}

/** root → left, right → join; right → inner; join and inner → outer. A join looks whether all it waits for is saved. */
function joined(notes: Notebook, { storage, workflowId, shape, failing }: JoinOptions): DotFlow {
  const workflow = new DotFlow({ workflowId, storage });
  const add = (
    id: string,
    after: readonly TaskRef[],
    edges?: After,
    give = (previous: unknown): unknown => [id, previous],
  ): TaskRef => {
    const step = notes.step(id, async (previous, { runId, taskId }) => {
      if (taskId === failing) throw new Error(`${id} fails`);
      const { completed } = await workflow.checkpoints.info();
      if (failing === undefined) expect(completed, runId).toEqual(expect.arrayContaining(after.map((ref) => ref.id)));
      return give(previous);
    });
    return workflow.task.add(step, { id, ...(edges && { after: edges }) });
  };
  const root = add("root", [], undefined, () => "root");
  const left = add("left", [root], root, (previous) => `left(${String(previous)})`);
  const right = add("right", [root], root, (previous) => `right(${String(previous)})`);
  const edges: Record<Shape, After> = {
    tuple: [left, right],
    object: { second: right, first: left },
    one: right,
    twice: [left, right, left],
  };
  const join = add("join", shape === "one" ? [right] : [left, right], edges[shape]);
  const inner = add("inner", [right], right);
  add("outer", [join, inner], [join, inner]);
  return workflow;
}

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
