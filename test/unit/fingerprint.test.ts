// Fingerprints: what changes them, and that no two different definitions share one.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planTasks, type TaskFacts } from "../../src/fingerprint.ts";
import { buildGraph, type Inputs } from "../../src/graph.ts";

interface Definition extends Partial<TaskFacts> {
  readonly id: string;
  readonly after?: Inputs;
}

const one = (id: string): Inputs => ({ shape: "one", ids: [id] });
const list = (...ids: string[]): Inputs => ({ shape: "list", ids });
const record = (after: Readonly<Record<string, string>>): Inputs => ({
  shape: "record",
  ids: Object.values(after),
  names: Object.keys(after),
});

/** The fingerprint of every task, by its id. */
function fingerprints(...definitions: Definition[]): Record<string, string> {
  const tasks = definitions.map(({ id, after, group = "default" }) => ({ id, group, after, chainedTo: undefined }));
  const planned = planTasks(buildGraph(tasks, "graph"), ({ index }) => ({
    name: "",
    group: "default",
    ...definitions[index],
  }));
  return Object.fromEntries(planned.map(({ id, fingerprint }) => [id, fingerprint]));
}

const fingerprint = (definition: Omit<Definition, "id">): string | undefined =>
  fingerprints({ id: "a" }, { id: "b" }, { id: "x", ...definition })["x"];

describe("a fingerprint", () => {
  const plain = fingerprint({});

  it.each<[string, Omit<Definition, "id">]>([
    ["a version", { version: 1 }],
    ["the version 0", { version: 0 }],
    ["an empty version", { version: "" }],
    ["an initial context", { initial: "hash" }],
    ["an edge", { after: one("a") }],
    ["no edge where after is an empty list", { after: list() }],
  ])("differs with %s", (_, definition) => {
    expect(fingerprint(definition)).not.toBe(plain);
  });

  it("tells apart what reads alike", () => {
    const definitions: Omit<Definition, "id">[] = [
      { version: 1 },
      { version: "1" },
      { initial: "1" },
      { after: one("a") },
      { after: list("a") },
      { after: record({ a: "a" }) },
      { after: record({ b: "a" }) },
      { after: list("a", "b") },
      { after: list("b", "a") },
      { after: list("a", "a") },
      { after: record({ a: "a", b: "b" }) },
      { after: record({ b: "b", a: "a" }) },
      { after: record({ a: "b", b: "a" }) },
    ];
    expect(new Set(definitions.map(fingerprint)).size).toBe(definitions.length);
  });

  it("is the same for another name, another group, and another place in the list", () => {
    expect(fingerprint({ name: "renamed", group: "moved" })).toBe(plain);
    expect(fingerprints({ id: "x" }, { id: "a" })["x"]).toBe(plain);
  });

  it("includes those of all that the task follows from", () => {
    const chain = (version: number): Record<string, string> =>
      fingerprints({ id: "a", version }, { id: "b", after: one("a") }, { id: "c", after: one("b") }, { id: "d" });
    const [before, after] = [chain(1), chain(2)];
    const same = Object.keys(before).filter((id) => before[id] === after[id]);
    expect(same).toEqual(["d"]);
  });

  it("is not shared by any two definitions", () => {
    const text = fc.string({ unit: fc.constantFrom("a", '"', ",", "[", "]", "\\", "1"), maxLength: 4 });
    const anyDefinition = fc.record({
      version: fc.option(fc.oneof(text, fc.integer({ min: 0, max: 20 })), { nil: undefined }),
      initial: fc.option(text, { nil: undefined }),
    });
    fc.assert(
      fc.property(text, anyDefinition, text, anyDefinition, (id, definition, otherId, other) => {
        const same = id === otherId && definition.version === other.version && definition.initial === other.initial;
        const [first, second] = [fingerprints({ id, ...definition }), fingerprints({ id: otherId, ...other })];
        expect(first[id] === second[otherId]).toBe(same);
      }),
    );
  });
});
