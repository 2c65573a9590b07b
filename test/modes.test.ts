// Which tasks run after, beside and with the value of which others, in each mode; and how many at a time.
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type WorkflowEvent } from "dotflow";
import { Notebook } from "./guarantees/notebook.ts";
import { gateOf } from "./guarantees/time.ts";
import { eachStorage } from "./storages.ts";

const chain = ["a", "b", "c", "d"];

describe("the mode that is derived", () => {
  it.each([
    [
      "sequential",
      "of a chain",
      (flow: DotFlow, notes: Notebook) => flow.task.add(give(notes, "a")).add(give(notes, "b")),
    ],
    [
      "sequential",
      "of tasks that are added one by one",
      (flow: DotFlow, notes: Notebook) => [flow.task.add(give(notes, "a")), flow.task.add(give(notes, "b"))],
    ],
    [
      "sequential",
      "of one group with a name",
      (flow: DotFlow, notes: Notebook) => flow.task.add(give(notes, "a"), { groupName: "x" }),
    ],
    [
      "sequential_group",
      "of several groups",
      (flow: DotFlow, notes: Notebook) => [
        flow.task.add(give(notes, "a")),
        flow.task.add(give(notes, "b"), { groupName: "x" }),
      ],
    ],
    [
      "graph",
      "with after",
      (flow: DotFlow, notes: Notebook) => flow.task.add(give(notes, "b"), { after: flow.task.add(give(notes, "a")) }),
    ],
    [
      "graph",
      "with after, in groups",
      (flow: DotFlow, notes: Notebook) =>
        flow.task.add(give(notes, "b"), { after: flow.task.add(give(notes, "a")), groupName: "x" }),
    ],
    [
      "graph",
      "of two that follow one ref",
      (flow: DotFlow, notes: Notebook) => {
        const a = flow.task.add(give(notes, "a"));
        a.add(give(notes, "b"));
        a.add(give(notes, "c"));
      },
    ],
  ] as const)("is %s %s, also in the background", async (mode, _, build) => {
    const events: WorkflowEvent[] = [];
    const flow = new DotFlow({ observers: [{ onEvent: (event) => void events.push(event) }] });
    build(flow, new Notebook());
    await flow.start();
    await (await flow.start({ mode: "background" })).result();
    expect(events.filter(({ type }) => type === "run.started")).toMatchObject([{ mode }, { mode }]);
  });
});

eachStorage((_name, open) => {
  describe("each mode", () => {
    it.each([
      ["sequential", { a: null, b: "a", c: "b", d: "c" }],
      ["sequential_group", { a: null, b: null, c: "a", d: "b" }],
      ["parallel", { a: null, b: null, c: null, d: null }],
      ["graph", { a: null, b: null, c: null, d: null }],
    ] as const)("%s orders the tasks, and hands on accordingly", async (mode, expected) => {
      const got: Record<string, unknown> = {};
      const together = new Together();
      const flow = new DotFlow({ storage: open() });
      for (const [index, id] of chain.entries()) {
        const step = action({ name: "step" }, async (previous: Context) => {
          got[id] = previous.storage;
          await together.run(id, Object.values(expected).filter((before) => before === null).length);
          return id;
        });
        flow.task.add(step, { id, groupName: index % 2 === 0 ? "even" : "odd" });
      }
      const result = await flow.start({ mode });
      expect(result.tasks.map(({ id, status }) => `${id} ${status}`)).toEqual(chain.map((id) => `${id} completed`));
      expect(got).toEqual(expected);
      for (const [id, before] of Object.entries(expected))
        if (before) expect(together.ended.get(before)).toBeLessThan(together.begun.get(id) ?? 0);
    });

    it("keeps the edges that were drawn, beside its own", async () => {
      for (const mode of ["sequential", "sequential_group", "parallel", "graph"] as const) {
        const notes = new Notebook();
        const flow = new DotFlow({ storage: open() });
        const a = flow.task.add(give(notes, "a"), { groupName: "x" });
        const b = flow.task.add(give(notes, "b"), { groupName: "y" });
        flow.task.add(give(notes, "join"), { after: { second: b, first: a }, groupName: "z" });
        flow.task.add(give(notes, "after join"), { groupName: "x" });
        const result = await flow.start({ mode });
        const join = { first: { a: null }, second: mode === "sequential" ? { b: { a: null } } : { b: null } };
        expect((await result.context("z.join")).storage, mode).toEqual({ join });
        const last = { sequential: { join }, sequential_group: { a: null }, parallel: null, graph: null }[mode];
        expect(await result.output(), mode).toEqual({ "after join": last });
      }
    });

    it("refuses a workflow without tasks, and one that runs in circles", async () => {
      const flow = new DotFlow({ storage: open() });
      await expect(flow.start()).rejects.toMatchObject({ code: "INVALID_WORKFLOW" });
      const after = [flow.task.add(give(new Notebook(), "a"))];
      after.push(flow.task.add(give(new Notebook(), "b"), { after }));
      await expect(flow.start()).rejects.toThrow("cycle");
      const reversed = new DotFlow({ storage: open() });
      reversed.task.add(give(new Notebook(), "b"), { after: reversed.task.add(give(new Notebook(), "a")) });
      reversed.task.reverse();
      expect((await reversed.start()).status).toBe("completed");
      await expect(reversed.start({ mode: "sequential" })).rejects.toThrow("cycle");
    });
  });

  describe("concurrency", () => {
    it.each([1, 2, 5, 100])("of %d is reached, and not exceeded", async (concurrency) => {
      const flow = new DotFlow({ storage: open() });
      const together = new Together();
      for (let index = 0; index < 12; index++)
        flow.task.add(action({ name: "step" }, (_, step) => together.run(step.taskId, Math.min(concurrency, 12))));
      expect((await flow.start({ mode: "parallel", concurrency })).succeeded).toBe(12);
      expect(together.most).toBe(Math.min(concurrency, 12));
    });
  });
});

function give(notes: Notebook, name: string) {
  return notes.step(name, (previous) => ({ [name]: previous }));
}

/** Notes who runs beside whom. The first steps wait until so many run at once as there should be. */
class Together {
  readonly begun = new Map<string, number>();
  readonly ended = new Map<string, number>();
  most = 0;
  #running = 0;
  #tick = 0;
  readonly #gate = gateOf();

  async run(id: string, expected: number): Promise<void> {
    this.begun.set(id, ++this.#tick);
    this.most = Math.max(this.most, ++this.#running);
    if (this.#running === expected) this.#gate.open();
    await this.#gate.opened;
    this.#running--;
    this.ended.set(id, ++this.#tick);
  }
}
