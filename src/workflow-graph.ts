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
