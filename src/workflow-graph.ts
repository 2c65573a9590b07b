// From the tasks that were added to the graph of a start.
import { InvalidWorkflowError } from "./errors.ts";
import { buildGraph, type Graph, type GraphMode, type GraphTask, type Inputs } from "./graph.ts";
import type { AddedTask } from "./task-list.ts";
import { tasksAfter } from "./tasks.ts";

/** Rejects what can't run: an unknown mode, a cycle, a dependency that is no task of this workflow. */
export function workflowGraph(tasks: readonly AddedTask[], mode: GraphMode | undefined): Graph {
  const own = new Set(tasks);
  const idOf = (task: AddedTask, dependency: AddedTask): string => {
    if (own.has(dependency)) return dependency.id;
    throw new InvalidWorkflowError(
      `Task "${task.id}" comes after "${dependency.id}", which is no task of this workflow: it was removed, or added to another one.`,
      { taskId: task.id },
    );
  };
  const inputsOf = (task: AddedTask): Inputs | undefined => {
    if (task.follows) return { shape: "one", ids: [idOf(task, task.follows)] };
    if (task.after === undefined) return undefined;
    const { shape, tasks: before, names } = tasksAfter(task.after);
    return { shape, ids: before.map((dependency) => idOf(task, dependency)), ...(names && { names }) };
  };
  const graphTasks = tasks.map((task): GraphTask => ({
    id: task.id,
    group: task.group,
    after: inputsOf(task),
    chainedTo: task.chainedTo && idOf(task, task.chainedTo),
  }));
  return buildGraph(graphTasks, mode);
}

/** A task of a workflow with what it follows. */
export interface GraphTaskInfo {
  readonly id: string;
  /** The name of its action. */
  readonly name: string;
  readonly group: string;
  /** The ids of the tasks that have to end before it begins. */
  readonly after: readonly string[];
  /** Whether it has a condition. */
  readonly conditional: boolean;
  /** Whether it goes over a list. */
  readonly map: boolean;
}

/** The tasks of a workflow and what orders them. */
export interface WorkflowGraph {
  readonly workflowId: string;
  readonly mode: GraphMode;
  /** In the order in which they were added. */
  readonly tasks: readonly GraphTaskInfo[];
}

/** Describes a graph for people and drawings. */
export function describeGraph(workflowId: string, tasks: readonly AddedTask[], graph: Graph): WorkflowGraph {
  const described = tasks.map(({ id, name, group, when, map }, index): GraphTaskInfo => {
    const after = graph.nodes[index]?.dependencies.map((dependency) => graph.nodes[dependency]?.id ?? "") ?? [];
    return { id, name, group, after, conditional: when !== undefined, map: map !== undefined };
  });
  return { workflowId, mode: graph.mode, tasks: described };
}
