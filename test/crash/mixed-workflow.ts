// The workflow that the crash tests kill: a chain, three branches, one of them tried twice, and a join; values of 100 KB
// and more, each made from what the step was given.
import { createHash } from "node:crypto";
import { action, type Context, DotFlow, type DotFlowOptions, type StepContext } from "dotflow";

export const workflowId = "mixed";

/** What a step tells of itself. */
export interface Marks {
  /** Called at the begin of a step's first attempt in a start. */
  readonly begin: (task: string) => void;
  /** What a step waits for before it gives its value. */
  readonly work: () => Promise<void>;
}

export function mixedWorkflow(options: DotFlowOptions, { begin, work }: Marks): DotFlow {
  const step = (name: string, size = 100_000) =>
    action({ name, retry: 2, retryDelay: 0 }, async ({ storage }: Context, { attempt }: StepContext) => {
      if (attempt === 1) begin(name);
      await work();
      if (name === "flaky" && attempt === 1) throw new Error("not yet");
      return { name, given: digest(storage), filler: name.padEnd(size, ".") };
    });
  const workflow = new DotFlow({ workflowId, ...options });
  const clean = workflow.task.add(step("extract")).add(step("clean"));
  const left = workflow.task.add(step("left"), { after: clean });
  const flaky = workflow.task.add(step("flaky"), { after: clean });
  const right = workflow.task.add(step("right"), { after: clean }).add(step("more"));
  // Above 256 KB a file is written in another way.
  workflow.task.add(step("join", 300_000), { after: { left, flaky, right } }).add(step("report", 10));
  return workflow;
}

export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
