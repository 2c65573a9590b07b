// A module of steps that tests name by text.
import { action, type Context, DotFlow } from "dotflow";

export const double = action((previous: Context<number | null>) => (previous.storage ?? 1) * 2);

/** The name of the action does not count: the export names the task. */
export const tripled = action({ name: "triple", retry: 2, retryDelay: 0 }, (previous: Context<number>, { attempt }) => {
  if (attempt === 1) throw new Error("not yet");
  return previous.storage * 3;
});

export default double;

export function plain(): number {
  return 1;
}

/** Names a step relative to this file. */
export function addFromHere(): DotFlow {
  const workflow = new DotFlow({ workflowId: "from-here" });
  workflow.task.add("./doubling.ts#double");
  return workflow;
}
