// The changes of guarantee 4: a workflow before and after, which tasks are found to differ, and which run under each policy.
import type { StartOptions } from "dotflow";

export interface Task {
  readonly id: string;
  readonly version?: string | number;
  readonly initialContext?: unknown;
  readonly groupName?: string;
  readonly after?: readonly string[] | { readonly [name: string]: string };
  readonly retry?: number;
}

export interface Definition {
  readonly tasks: readonly Task[];
  readonly mode?: Exclude<StartOptions["mode"], "background">;
  readonly initialContext?: unknown;
}

export interface Change {
  readonly before?: Definition;
  readonly after: Definition;
  /** The tasks that `raise` lists; none where it is no change. */
  readonly found: string;
  /** What runs, in order. */
  readonly rerun: string;
  readonly reuse: string;
}

export const plain: Definition = { tasks: tasks("a b c d") };
const graph: Definition = {
  tasks: [
    { id: "a" },
    { id: "b", after: ["a"] },
    { id: "c", after: ["b", "a"] },
    { id: "d", after: { first: "a", last: "c" } },
  ],
};

export const changes: Record<string, Change> = {
  "added in the middle": { after: { tasks: tasks("a x b c d") }, found: "b c", rerun: "x b c d", reuse: "x d" },
  "added in front": { after: { tasks: tasks("x a b c d") }, found: "a b c", rerun: "x a b c d", reuse: "x d" },
  "added behind": { after: { tasks: tasks("a b c d x") }, found: "", rerun: "d x", reuse: "d x" },
  "added before the one that failed": { after: { tasks: tasks("a b c x d") }, found: "", rerun: "x d", reuse: "x d" },
  removed: { after: { tasks: tasks("a c d") }, found: "b c", rerun: "c d", reuse: "d" },
  "removed, the one that failed": { after: { tasks: tasks("a b c") }, found: "", rerun: "", reuse: "" },
  reordered: { after: { tasks: tasks("a c b d") }, found: "b c", rerun: "c b d", reuse: "d" },
  renamed: { after: { tasks: tasks("a b2 c d") }, found: "b c", rerun: "b2 c d", reuse: "b2 d" },
  "moved to another group, which renames it": {
    after: { tasks: [{ id: "a" }, { id: "x.b", groupName: "x" }, { id: "c" }, { id: "d" }] },
    found: "b c",
    rerun: "x.b c d",
    reuse: "x.b d",
  },
  "re-versioned": {
    after: withTask("b", { version: 2 }),
    before: withTask("b", { version: 1 }),
    found: "b c",
    rerun: "b c d",
    reuse: "d",
  },
  "re-versioned from a number to its text": {
    after: withTask("b", { version: "1" }),
    before: withTask("b", { version: 1 }),
    found: "b c",
    rerun: "b c d",
    reuse: "d",
  },
  "given a version": { after: withTask("c", { version: 0 }), found: "c", rerun: "c d", reuse: "d" },
  "re-versioned, the one that failed": { after: withTask("d", { version: 2 }), found: "", rerun: "d", reuse: "d" },
  "given another initial context": {
    before: withTask("b", { initialContext: { limit: 1 } }),
    after: withTask("b", { initialContext: { limit: 2 } }),
    found: "b c",
    rerun: "b c d",
    reuse: "d",
  },
  "given an initial context of null": {
    after: withTask("b", { initialContext: null }),
    found: "b c",
    rerun: "b c d",
    reuse: "d",
  },
  "started with another initial context": {
    before: { ...withTask("b", { initialContext: "own" }), initialContext: 1 },
    after: { ...withTask("b", { initialContext: "own" }), initialContext: 2 },
    found: "a b c",
    rerun: "a b c d",
    reuse: "d",
  },
  "started without its initial context, which is saved": {
    before: { ...plain, initialContext: 1 },
    after: plain,
    found: "",
    rerun: "d",
    reuse: "d",
  },
  "started in another mode": { after: { ...plain, mode: "parallel" }, found: "b c", rerun: "b c d", reuse: "d" },
  "rewired to another task": { before: graph, after: rewired("c", ["a"]), found: "c", rerun: "c d", reuse: "d" },
  "rewired in another order": { before: graph, after: rewired("c", ["a", "b"]), found: "c", rerun: "c d", reuse: "d" },
  "rewired from a list to an object": {
    before: graph,
    after: rewired("c", { b: "b", a: "a" }),
    found: "c",
    rerun: "c d",
    reuse: "d",
  },
  "rewired, the one that failed": { before: graph, after: rewired("d", ["c"]), found: "", rerun: "d", reuse: "d" },
  "given other retries": { after: withTask("b", { retry: 7 }), found: "", rerun: "d", reuse: "d" },
};

export function tasks(ids: string): Task[] {
  return words(ids).map((id) => ({ id }));
}

export function words(text: string): string[] {
  return text.split(" ").filter(Boolean);
}

export function withTask(id: string, more: Partial<Task>): Definition {
  return { tasks: plain.tasks.map((task) => (task.id === id ? { ...task, ...more } : task)) };
}

function rewired(id: string, after: NonNullable<Task["after"]>): Definition {
  return { tasks: graph.tasks.map((task) => (task.id === id ? { ...task, after } : task)) };
}
