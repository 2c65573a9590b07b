// The workflows that are measured: steps that do next to nothing, so that what is left is dotflow.
import { action, type Context, DotFlow, type RunResult, type Storage } from "dotflow";

/** `length` trivial steps, one after the other. Each calls `during`, and waits for a promise that it gives. */
export function chain(storage: Storage, length: number, during: () => unknown = () => {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "bench", storage });
  const count = action(function count(previous: Context<number | null>): number | Promise<number> {
    const done = during();
    const next = (previous.storage ?? 0) + 1;
    return done instanceof Promise ? done.then(() => next) : next;
  });
  for (let index = 0; index < length; index++) workflow.task.add(count);
  return workflow;
}

/** A chain whose last step calls `reached`, and fails: every resume has that one step to run. */
export function unfinished(storage: Storage, length: number, reached: () => void = () => {}): DotFlow {
  const workflow = chain(storage, length);
  workflow.task.add(
    action(function last(): never {
      reached();
      throw new Error("not yet");
    }),
  );
  return workflow;
}

/** Starts a workflow, and makes sure that it did what was to be measured. */
export async function complete(workflow: DotFlow, options: Parameters<DotFlow["start"]>[0] = {}): Promise<RunResult> {
  const result = await workflow.start({ ...options, mode: options.mode === "background" ? undefined : options.mode });
  if (result.status !== "completed") await result.output();
  return result;
}
