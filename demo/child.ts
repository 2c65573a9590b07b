// A process of the demo: starts the workflow as any program would, and tells its parent what happens.
import type { RunStatus, TaskResult, WorkflowEvent } from "dotflow";
import { flightDelays, type FlightDelayOptions } from "./workflow.ts";

export interface ChildOptions extends Omit<FlightDelayOptions, "observers" | "onJoin"> {
  /** Whether to stop in the middle of the join, so that the kill lands there on slow and on fast machines. */
  readonly stopHalfway: boolean;
}

export type Message =
  | { readonly type: "event"; readonly event: WorkflowEvent }
  | { readonly type: "halfway" }
  | { readonly type: "result"; readonly status: RunStatus; readonly tasks: readonly TaskResult[] };

// The parent is gone: so is the purpose.
process.on("disconnect", () => process.exit(1));

const { stopHalfway, ...options } = JSON.parse(process.argv[2] ?? "{}") as ChildOptions;
const workflow = flightDelays({
  ...options,
  observers: [{ onEvent: (event) => tell({ type: "event", event }) }],
  onJoin: (share) => (stopHalfway && share >= 0.5 ? waitForTheEnd() : undefined),
});
const { status, tasks } = await workflow.start({ resume: true });
await tell({ type: "result", status, tasks });
process.exit(status === "completed" ? 0 : 1);

async function waitForTheEnd(): Promise<never> {
  await tell({ type: "halfway" });
  return new Promise(() => {});
}

function tell(message: Message): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}
