// A small workflow that the tests of the guarantees and their child processes both build: one step, two side by side, a join, a last one.
import { action, type Context, DotFlow, type DotFlowOptions, type StepContext } from "dotflow";

export const pipelineTasks = ["extract", "left", "right", "join", "load"];
export const pipelineOutput = { rows: [11, 12, 13, 20, 40, 60], "loaded by": "load" };

/** Called when a step begins; the step goes on when it resolves. */
export type OnStep = (taskId: string) => unknown;

export function pipeline(options: DotFlowOptions, onStep: OnStep = () => {}): DotFlow {
  const step = <In, Out>(name: string, give: (previous: In) => Out) =>
    action({ name }, async (previous: Context<In>, { taskId }: StepContext) => {
      await onStep(taskId);
      return give(previous.storage);
    });
  const workflow = new DotFlow(options);
  const extract = workflow.task.add(step("extract", (): number[] => [1, 2, 3]));
  const left = extract.add(step("left", (rows: number[]) => rows.map((row) => row + 10)));
  const right = workflow.task.add(
    step("right", (rows: number[]) => rows.map((row) => row * 20)),
    { after: extract },
  );
  const join = step("join", ([first, second]: [number[], number[]]) => [...first, ...second]);
  workflow.task
    .add(join, { after: [left, right] })
    .add(step("load", (rows: number[]) => ({ rows, "loaded by": "load" })));
  return workflow;
}

/** Three steps in a row, each of which says which process ran it, and what it was given. */
export function signed(options: DotFlowOptions, onStep: OnStep = () => {}): DotFlow {
  const workflow = new DotFlow(options);
  for (const name of ["first", "second", "third"]) {
    const step = async (previous: Context, { taskId }: StepContext): Promise<unknown> => {
      await onStep(taskId);
      return { by: process.pid, after: previous.storage };
    };
    workflow.task.add(action({ name }, step));
  }
  return workflow;
}
