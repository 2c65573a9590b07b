// Guarantee 8: values that can't be saved without loss, given by one of three steps that run side by side.
import { describe, expect, it } from "vitest";
import { DotFlow, type DotFlowOptions, type Storage } from "dotflow";
import { contentsOf, eachStorage, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";

class Money {
  amount = 5;
}

class Refusing {
  secret = 1;
}

class OddError extends Error {}

function endless(): object {
  return {
    get more() {
      return endless();
    },
  };
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return { proxy };
}

function nested(levels: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
  return value;
}

const unsavable: readonly [string, () => unknown, path: string][] = [
  ["a function", () => () => 1, "value"],
  ["a function deep inside", () => ({ rows: [1, { "by name": () => 1 }] }), 'value.rows[1]["by name"]'],
  ["a symbol", () => Symbol("x"), "value"],
  ["a symbol as a key", () => ({ [Symbol("x")]: 1 }), "value"],
  ["an instance of a class", () => ({ price: new Money() }), "value.price"],
  ["an instance in a Map", () => new Map([["price", new Money()]]), 'value.get("price")'],
  ["an instance in a Set", () => new Set([new Money()]), "value.values()"],
  ["an object with a prototype of its own", () => Object.create({ inherited: 1 }) as object, "value"],
  ["an error of a class of its own", () => new OddError("odd"), "value"],
  ["a promise", () => [Promise.resolve(1)], "value[0]"],
  ["a WeakMap", () => new WeakMap(), "value"],
  ["a generator", () => (function* () {})(), "value"],
  ["a list with a name", () => Object.assign([1], { name: "list" }), "value"],
  ["a Date with a name", () => ({ at: Object.assign(new Date(), { name: "now" }) }), "value.at"],
  ["a hidden property", () => Object.defineProperty({}, "hidden", { value: 1 }), "value"],
  [
    "a getter that throws",
    () => ({
      get broken() {
        throw new Error("no");
      },
    }),
    "value",
  ],
  ["an end that is never reached", endless, "value"],
  ["a proxy that was revoked", revoked, "value"],
  ["a million levels", () => nested(1_000_000), "value"],
  ["a million levels and a Date", () => [nested(1_000_000), new Date()], "value"],
  ["an instance whose encode throws", () => new Refusing(), "value"],
];

const classes: DotFlowOptions["classes"] = [
  {
    class: Refusing,
    name: "Refusing",
    encode: () => {
      throw new Error("encode fails");
    },
    decode: () => new Refusing(),
  },
];

describe("8. A result that cannot be saved fails its own task; siblings and earlier records are untouched", () => {
  eachStorage((_name, open) => {
    it.each(open.some(unsavable))("%s", async (_, give, path) => {
      const notes = new Notebook();
      const first = await siblings(open(), notes, give).start();
      expect(first.status).toBe("failed");
      expect(first.tasks.map(({ id, status }) => `${id} ${status}`)).toEqual([
        "root completed",
        "left completed",
        "bad failed",
        "right completed",
        "join skipped",
      ]);
      const bad = first.tasks[2];
      // Another attempt would give the same.
      expect(bad).toMatchObject({
        attempts: 1,
        errors: [{ code: "SERIALIZATION", path, taskId: "bad", workflowId: "job" }],
      });
      expect(bad?.errors[0]?.message).toContain(path);
      expect((await first.context("bad")).storage).toBeNull();
      expect(
        (await keysOf(open())).filter((key) => key.includes("/steps/")).map((key) => key.split("/").at(-1)),
      ).toEqual(["left", "right", "root"]);
      const records = await recordsOf(open());
      notes.called();

      // Once more in vain, then repaired: what was saved stays as it was, and is not run again.
      expect((await siblings(open(), notes, give).start({ resume: true })).failed).toBe(1);
      const repaired = await siblings(open(), notes, () => "repaired").start({ resume: true });
      expect(notes.called()).toEqual(["bad", "bad", "join"]);
      expect(await repaired.output()).toEqual(["left of root", "repaired", "right of root"]);
      expect(await recordsOf(open())).toMatchObject(records);
    });

    it("what the serializer of the workflow refuses, or makes no bytes of", async () => {
      for (const encode of [
        () => {
          throw new Error("encode fails");
        },
        () => "text" as unknown as Uint8Array,
      ]) {
        const workflow = new DotFlow({
          storage: open(),
          serializer: {
            encode: (value) => (value === "bad" ? encode() : Buffer.from(String(value))),
            decode: (bytes) => Buffer.from(bytes).toString(),
          },
        });
        const notes = new Notebook();
        workflow.task.add(notes.step("good", () => "good")).add(notes.step("bad", () => "bad"));
        const result = await workflow.start();
        expect(result.tasks.map(({ status, errors }) => [status, ...errors])).toMatchObject([
          ["completed"],
          ["failed", { code: "SERIALIZATION" }],
        ]);
        expect((await result.context("good")).storage).toBe("good");
      }
    });

    it("as initial context: the start is refused, and nothing is written or run", async () => {
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(
        notes.step("step", () => 1),
        { initialContext: { price: new Money() } },
      );
      await expect(workflow.start()).rejects.toMatchObject({ code: "SERIALIZATION", path: "value.price" });
      const other = new DotFlow({ workflowId: "job", storage: open() });
      other.task.add(notes.step("step", () => 1));
      await expect(other.start({ initialContext: () => 1 })).rejects.toMatchObject({ code: "SERIALIZATION" });
      expect(notes.called()).toEqual([]);
      expect(await keysOf(open())).toEqual([]);
    });

    it("what is changed after it was given changes neither the record nor what others get", async () => {
      const shared = { list: [1], map: new Map([["a", 1]]) };
      const expected = { list: [1], map: new Map([["a", 1]]) };
      const spoil = (value: unknown): void => {
        const { list, map } = value as typeof shared;
        list.push(2);
        map.clear();
      };
      const seen: unknown[] = [];
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const root = workflow.task.add(notes.step("root", () => shared));
      const look = notes.step("look", (previous) => {
        spoil(shared);
        seen.push(structuredClone(previous));
        spoil(previous);
        return previous;
      });
      const refs = ["a", "b", "c"].map((id) => workflow.task.add(look, { id, after: root }));
      workflow.task.add(
        notes.step("join", (previous) => seen.push(...(previous as unknown[]))),
        { after: [root, root, refs[0] as typeof root] },
      );
      const result = await workflow.start();
      const spoilt = { list: [1, 2], map: new Map() };
      expect(seen).toEqual([expected, expected, expected, expected, expected, spoilt]);
      const given = (await result.context("root")).storage;
      spoil(given);
      expect((await result.context("root")).storage).toEqual(expected);
      expect((await workflow.checkpoints.read("root")).storage).toEqual(expected);
    });
  });
});

/** A root, three steps side by side of which one gives what `give` says, and a join. */
function siblings(storage: Storage, notes: Notebook, give: () => unknown): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage, classes });
  const root = workflow.task.add(notes.step("root", () => "root"));
  const after = [
    workflow.task.add(
      notes.step("left", (previous) => `left of ${String(previous)}`),
      { after: root },
    ),
    workflow.task.add(notes.step("bad", give, { retry: 3, retryDelay: 0 }), { after: root }),
    workflow.task.add(
      notes.step("right", (previous) => `right of ${String(previous)}`),
      { after: root },
    ),
  ];
  workflow.task.add(
    notes.step("join", (previous) => previous),
    { after },
  );
  return workflow;
}

async function recordsOf(storage: Storage): Promise<Record<string, Uint8Array>> {
  return Object.fromEntries([...(await contentsOf(storage))].filter(([key]) => key.includes("/steps/")));
}
