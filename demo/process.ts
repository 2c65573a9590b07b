// Runs demo/child.ts as a process of its own, and hears from it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { TaskResult, WorkflowEvent } from "dotflow";
import type { ChildOptions, Message } from "./child.ts";

export interface EndedProcess {
  readonly pid: number | undefined;
  /** What killed it. */
  readonly signal: NodeJS.Signals | null;
  readonly seconds: number;
  /** Of a run that came to its end. */
  readonly tasks: readonly TaskResult[];
}

export interface ProcessOptions extends Omit<ChildOptions, "stopHalfway"> {
  /** Called in the middle of the join, which then waits: kills the process, for one. */
  readonly onHalfway?: (child: ChildProcess) => void;
  readonly onEvent?: (event: WorkflowEvent) => void;
}

export async function runProcess({ onHalfway, onEvent, ...options }: ProcessOptions): Promise<EndedProcess> {
  const begin = performance.now();
  const childOptions: ChildOptions = { ...options, stopHalfway: onHalfway !== undefined };
  // The advanced serialization keeps dates and errors.
  const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [JSON.stringify(childOptions)], {
    serialization: "advanced",
  });
  let tasks: readonly TaskResult[] = [];
  child.on("message", (message: Message) => {
    if (message.type === "event") onEvent?.(message.event);
    else if (message.type === "result") tasks = message.tasks;
    else onHalfway?.(child);
  });
  // Its last message can come after its end.
  await Promise.all([once(child, "exit"), once(child, "disconnect")]);
  return { pid: child.pid, signal: child.signalCode, seconds: (performance.now() - begin) / 1000, tasks };
}
