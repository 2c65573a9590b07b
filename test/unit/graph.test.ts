// Tasks and a mode in, nodes and edges out.
import { describe, expect, it } from "vitest";
import { InvalidWorkflowError } from "dotflow";
import { buildGraph, deriveMode, type GraphMode, type GraphTask, type Inputs, withFollowers } from "../../src/graph.ts";

interface Given {
  readonly group?: string;
  readonly after?: readonly string[];
  readonly chainedTo?: string;
}

const list = (ids: readonly string[]): Inputs => ({ shape: "list", ids });

function tasksOf(given: Readonly<Record<string, Given>>): GraphTask[] {
  return Object.entries(given).map(([id, { group = "default", after, chainedTo }]) => ({
    id,
    group,
    after: after && list(after),
    chainedTo,
  }));
}

/** What each task waits for, by id. */
function edges(given: Readonly<Record<string, Given>>, mode?: GraphMode): Record<string, string[]> {
  const { nodes } = buildGraph(tasksOf(given), mode);
  const idOf = (index: number): string => nodes[index]?.id ?? "";
  return Object.fromEntries(nodes.map(({ id, dependencies }) => [id, dependencies.map(idOf)]));
}

describe("the mode decides the edges", () => {
  const given: Record<string, Given> = { a: {}, b: { group: "g" }, c: { chainedTo: "b" }, d: { group: "g" } };

  it.each<[GraphMode, Record<string, string[]>]>([
    ["sequential", { a: [], b: ["a"], c: ["b"], d: ["c"] }],
    ["sequential_group", { a: [], b: [], c: ["a"], d: ["b"] }],
    ["parallel", { a: [], b: [], c: [], d: [] }],
    ["graph", { a: [], b: [], c: ["b"], d: [] }],
  ])("%s", (mode, expected) => {
    expect(edges(given, mode)).toEqual(expected);
  });

  it.each<GraphMode>(["sequential", "sequential_group", "parallel", "graph"])("keeps after in the mode %s", (mode) => {
    const waits = edges({ a: {}, b: {}, c: { after: ["a"] }, d: { group: "g", after: ["a", "b"] } }, mode);
    expect(waits["c"]).toContain("a");
    expect(waits["d"]).toEqual(["a", "b", ...(mode === "sequential" ? ["c"] : [])]);
  });

  it("takes the previous value from after, not from the order", () => {
    const { nodes } = buildGraph(tasksOf({ a: {}, b: {}, c: { after: ["a"] } }), "sequential");
    expect(nodes[2]).toMatchObject({ inputs: list(["a"]), sources: [0], dependencies: [0, 1] });
  });
});

describe("the derived mode", () => {
  const modeOf = (given: Readonly<Record<string, Given>>): GraphMode => deriveMode(tasksOf(given));

  it("is graph with after, else sequential_group with several groups, else sequential", () => {
    expect(modeOf({ a: {}, b: { chainedTo: "a" } })).toBe("sequential");
    expect(modeOf({ a: { group: "x" }, b: { group: "x" } })).toBe("sequential");
    expect(modeOf({ a: {}, b: { group: "x" } })).toBe("sequential_group");
    expect(modeOf({ a: {}, b: { group: "x", after: ["a"] } })).toBe("graph");
    expect(modeOf({ a: { after: [] } })).toBe("graph");
    expect(buildGraph(tasksOf({ a: {}, b: { group: "x" } })).mode).toBe("sequential_group");
  });

  it("is no other than the four", () => {
    expect(() => buildGraph([], "background" as GraphMode)).toThrow(InvalidWorkflowError);
    expect(() => buildGraph([], "sequentially" as GraphMode)).toThrow(
      'The mode is "sequentially". It can be sequential, sequential_group, parallel, graph, background.',
    );
  });
});

describe("a join", () => {
  it("waits once for a task that it names twice, and gets its value twice", () => {
    const { nodes } = buildGraph(tasksOf({ a: {}, join: { after: ["a", "a"] } }));
    expect(nodes[0]?.dependents).toEqual([1]);
    expect(nodes[1]).toMatchObject({ sources: [0, 0], dependencies: [0] });
  });

  it("may name tasks that were added later", () => {
    const { order, nodes } = buildGraph(tasksOf({ join: { after: ["b", "a"] }, a: {}, b: { after: ["a"] } }));
    expect(order.map((index) => nodes[index]?.id)).toEqual(["a", "b", "join"]);
  });
});

describe("what can't run", () => {
  it("names the tasks of a cycle, and those that wait for it", () => {
    const cycle = () =>
      buildGraph(tasksOf({ a: {}, b: { after: ["a", "d"] }, c: { after: ["b"] }, d: { after: ["c"] } }));
    expect(cycle).toThrow(InvalidWorkflowError);
    expect(cycle).toThrow('wait for each other in a cycle, or for one: "b", "c", "d".');
  });

  it("finds a task that waits for itself", () => {
    expect(() => buildGraph(tasksOf({ a: { after: ["a"] } }))).toThrow('cycle, or for one: "a".');
  });

  it("finds an order that contradicts after", () => {
    expect(() => buildGraph(tasksOf({ a: { after: ["b"] }, b: {} }), "sequential")).toThrow('"a", "b"');
  });

  it("names a dependency that is no task, and an id that is there twice", () => {
    expect(() => buildGraph(tasksOf({ a: { after: ["z"] } }))).toThrow('Task "a" comes after "z", which is no task');
    const twice = [...tasksOf({ a: {} }), ...tasksOf({ a: {} })];
    expect(() => buildGraph(twice)).toThrow('Two tasks have the id "a".');
  });
});

it("orders a chain of 100,000 tasks", () => {
  const tasks = Array.from({ length: 100_000 }, (_, index) => ({
    id: String(index),
    group: "default",
    after: undefined,
    chainedTo: undefined,
  }));
  const { order } = buildGraph(tasks.toReversed(), "sequential");
  expect(order).toHaveLength(100_000);
});

it("finds all that follows from a task, itself included, once", () => {
  const graph = buildGraph(
    tasksOf({ a: {}, b: { after: ["a"] }, c: { after: ["a", "b"] }, d: {}, e: { after: ["c", "d"] } }),
  );
  expect(withFollowers(graph, [1])).toEqual(new Set([1, 2, 4]));
  expect(withFollowers(graph, [3, 4])).toEqual(new Set([3, 4]));
  expect(withFollowers(graph, [])).toEqual(new Set());
});
