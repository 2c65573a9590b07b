// Tasks and a mode in, nodes and edges out. Pure: nothing is run, read or written here.
import { InvalidWorkflowError } from "./errors.ts";
import { show } from "./options.ts";

export const modes = ["sequential", "sequential_group", "parallel", "graph"] as const;
export type GraphMode = (typeof modes)[number];

/** From which tasks a task gets its previous value, and in what form: one value, a tuple, or an object. */
export interface Inputs {
  readonly shape: "none" | "one" | "list" | "record";
  readonly ids: readonly string[];
  /** The keys of a record, in the order of `ids`. */
  readonly names?: readonly string[];
}

/** What the graph needs to know of a task. */
export interface GraphTask {
  readonly id: string;
  readonly group: string;
  /** Edges that the user drew with `after`, or by following a task that was not the last. They hold in every mode. */
  readonly after: Inputs | undefined;
  /** The task that this one was chained to. It is an edge in the mode `graph`, where nothing else orders it. */
  readonly chainedTo: string | undefined;
}

export interface GraphNode {
  readonly index: number;
  readonly id: string;
  readonly inputs: Inputs;
  /** Indexes of the nodes that `inputs` names, in that order. */
  readonly sources: readonly number[];
  /** Indexes of the nodes that must have ended before this one begins. */
  readonly dependencies: readonly number[];
  readonly dependents: readonly number[];
}

export interface Graph {
  readonly mode: GraphMode;
  readonly nodes: readonly GraphNode[];
  /** The indexes of the nodes, each after those it depends on. */
  readonly order: readonly number[];
}

const noInputs: Inputs = { shape: "none", ids: [] };

/** The mode where none is given. */
export function deriveMode(tasks: readonly GraphTask[]): GraphMode {
  if (tasks.some((task) => task.after)) return "graph";
  return new Set(tasks.map((task) => task.group)).size > 1 ? "sequential_group" : "sequential";
}

export function buildGraph(tasks: readonly GraphTask[], mode: GraphMode = deriveMode(tasks)): Graph {
  if (!modes.includes(mode))
    throw new InvalidWorkflowError(`The mode is ${show(mode)}. It can be ${modes.join(", ")}, background.`);
  const indexes = indexById(tasks);
  const before = predecessors(tasks, mode);
  const dependents: number[][] = tasks.map(() => []);
  const nodes = tasks.map((task, index): GraphNode => {
    const ordered = before[index];
    const inputs = task.after ?? (ordered === undefined ? noInputs : { shape: "one", ids: [ordered] });
    const indexOf = (id: string): number => indexes.get(id) ?? missing(task.id, id);
    const sources = inputs.ids.map(indexOf);
    const dependencies = [...new Set(ordered === undefined ? sources : [...sources, indexOf(ordered)])];
    for (const dependency of dependencies) dependents[dependency]?.push(index);
    return { index, id: task.id, inputs, sources, dependencies, dependents: dependents[index] ?? [] };
  });
  return { mode, nodes, order: orderOf(nodes) };
}

/** All nodes that follow from those of `roots`, themselves included. */
export function withFollowers(graph: Graph, roots: Iterable<number>): Set<number> {
  const found = new Set(roots);
  for (const index of found) for (const dependent of graph.nodes[index]?.dependents ?? []) found.add(dependent);
  return found;
}

/** For each task the id of the one that the mode puts before it. */
function predecessors(tasks: readonly GraphTask[], mode: GraphMode): (string | undefined)[] {
  const last = new Map<string, string>();
  return tasks.map((task) => {
    if (mode === "parallel") return undefined;
    if (mode === "graph") return task.chainedTo;
    const chain = mode === "sequential_group" ? task.group : "";
    const before = last.get(chain);
    last.set(chain, task.id);
    return before;
  });
}

function indexById(tasks: readonly GraphTask[]): Map<string, number> {
  const indexes = new Map<string, number>();
  for (const [index, task] of tasks.entries()) {
    if (indexes.has(task.id))
      throw new InvalidWorkflowError(`Two tasks have the id "${task.id}". Give one of them another id.`, {
        taskId: task.id,
      });
    indexes.set(task.id, index);
  }
  return indexes;
}

function missing(taskId: string, dependency: string): never {
  throw new InvalidWorkflowError(
    `Task "${taskId}" comes after "${dependency}", which is no task of this workflow. Add it first, or use the ref that adding it gave.`,
    { taskId },
  );
}

/** Takes what waits for nothing, again and again; what is never taken is in a cycle or follows one. */
function orderOf(nodes: readonly GraphNode[]): number[] {
  const open = nodes.map((node) => node.dependencies.length);
  const order = nodes.filter((node) => node.dependencies.length === 0).map((node) => node.index);
  for (const index of order) {
    for (const dependent of nodes[index]?.dependents ?? []) {
      open[dependent] = (open[dependent] ?? 0) - 1;
      if (open[dependent] === 0) order.push(dependent);
    }
  }
  if (order.length === nodes.length) return order;
  const stuck = nodes.filter((node) => (open[node.index] ?? 0) > 0).map((node) => `"${node.id}"`);
  throw new InvalidWorkflowError(
    `These tasks wait for each other in a cycle, or for one: ${stuck.join(", ")}. Remove one of the edges between them.`,
  );
}
