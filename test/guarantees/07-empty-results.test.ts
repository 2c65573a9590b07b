// Guarantee 7: results that a careless `if (value)` takes for none. Live, restored, and as all that a join gets.
import { describe, expect, it } from "vitest";
import { DotFlow, type StartOptions, type StepContext, type Storage } from "dotflow";
import { eachStorage } from "../storages.ts";
import { Notebook } from "./notebook.ts";

const values: readonly [string, () => unknown][] = [
  ["null", () => null],
  ["undefined", () => undefined],
  ["nothing at all", () => {}],
  ["[]", () => []],
  ["0", () => 0],
  ["-0", () => -0],
  ["0n", () => 0n],
  ["NaN", () => NaN],
  ["false", () => false],
  ["an empty text", () => ""],
  ["{}", () => ({})],
  ["a list of undefined", () => [undefined]],
  ["a list of null", () => [null]],
  ["a list with holes", () => Object.assign([], { length: 2 })],
  ["an object of undefined", () => ({ value: undefined })],
  ["an empty Map", () => new Map()],
  ["an empty Set", () => new Set()],
  ["no bytes", () => new Uint8Array()],
  ["an invalid Date", () => new Date(NaN)],
];

describe("7. `null`, `undefined`, `[]` and `0` are results like any other", () => {
  eachStorage((_name, open) => {
    it.each(open.some(values))("%s: given on, restored, and not run again", async (_, give) => {
      const notes = new Notebook();
      let seen: Record<string, unknown> = {};
      const workflow = (storage: Storage, fails: boolean): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage });
        const first = flow.task.add(notes.step("first", give));
        const look = (previous: unknown, { taskId }: StepContext): void => {
          seen[taskId] = previous;
          if (fails) throw new Error("fails");
        };
        first.add(notes.step("one", look));
        flow.task.add(notes.step("list", look), { after: [first] });
        flow.task.add(notes.step("record", look), { after: { only: first } });
        flow.task.add(notes.step("twice", look), { after: [first, first] });
        flow.task.add(notes.step("last", give), { after: first });
        return flow;
      };
      const value = give();
      const looks = ["one", "list", "record", "twice"];
      const expected = { one: value, list: [value], record: { only: value }, twice: [value, value] };
      expect((await workflow(open(), true).start()).failed).toBe(4);
      expect(notes.called().sort()).toEqual(["first", ...looks, "last"].sort());
      expect(seen).toStrictEqual(expected);
      seen = {};

      const flow = workflow(open(), false);
      const result = await flow.start({ resume: true });
      expect(result).toMatchObject({ status: "completed", restored: 2, succeeded: 4 });
      expect(notes.called().sort()).toEqual(looks.toSorted());
      expect(seen).toStrictEqual(expected);
      expect(await result.output()).toStrictEqual(value);
      expect((await result.context("first")).storage).toStrictEqual(value);
      expect((await result.contexts())["first"]?.storage).toStrictEqual(value);
      expect((await flow.checkpoints.read("first")).storage).toStrictEqual(value);
      expect((await flow.start({ resume: true })).restored).toBe(6);
    });

    it("all of them as the parts of one join", async () => {
      const given: unknown[] = [];
      const workflow = (fails: boolean): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        const notes = new Notebook();
        const after = values.map(([id, give]) => flow.task.add(notes.step("part", give), { id }));
        const join = notes.step("join", (previous) => {
          given.push(previous);
          if (fails) throw new Error("fails");
        });
        flow.task.add(join, { after });
        return flow;
      };
      expect((await workflow(true).start()).status).toBe("failed");
      expect((await workflow(false).start({ resume: true })).status).toBe("completed");
      const all = values.map(([, give]) => give());
      expect(given).toStrictEqual([all, all]);
    });

    it.each(open.some(values.filter(([, give]) => give() !== undefined)))(
      "%s as initial context, of the run and of a task",
      async (_, give) => {
        const seen: unknown[] = [];
        const workflow = (fails: boolean): DotFlow => {
          const flow = new DotFlow({ workflowId: "job", storage: open() });
          const look = new Notebook().step("look", (_case, step) => {
            seen.push(step.initial.storage);
            if (fails) throw new Error("fails");
          });
          flow.task.add(look, { id: "of the run" });
          flow.task.add(look, { id: "of the task", initialContext: give() });
          return flow;
        };
        const parallel: StartOptions = { mode: "parallel", resume: true };
        await workflow(true).start({ ...parallel, initialContext: give() });
        // What is saved counts where none is given again.
        expect(await workflow(false).start(parallel)).toMatchObject({ status: "completed" });
        expect(seen).toStrictEqual([give(), give(), give(), give()]);
      },
    );

    it("null stands where there is nothing to hand on", async () => {
      const seen: unknown[] = [];
      const flow = new DotFlow({ workflowId: "job", storage: open() });
      const notes = new Notebook();
      const failing = flow.task.add(
        notes.step("failing", (previous, step) => {
          seen.push(previous, step.initial.storage);
          throw new Error("fails");
        }),
      );
      const look = notes.step("look", (previous) => void seen.push(previous));
      flow.task.add(look, { id: "one", after: failing });
      flow.task.add(look, { id: "list", after: [failing] });
      flow.task.add(look, { id: "record", after: { failing } });
      const result = await flow.start({ keepGoing: true });
      expect(seen).toStrictEqual([null, null, null, [null], { failing: null }]);
      expect((await result.context("failing")).storage).toBeNull();
      expect(Object.keys(await result.contexts())).toEqual(["one", "list", "record"]);
    });
  });
});
