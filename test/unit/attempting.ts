// Executes a single step with a clock that is moved by hand.
import { action, type ActionOptions, type Context, type StepContext, type WorkflowEvent } from "dotflow";
import { manualClock, type ManualClock } from "dotflow/testing";
import { type ActionDefinition, definitionOf } from "../../src/action.ts";
import { execute, type Execution, type Outcome } from "../../src/attempt.ts";
import { Observers } from "../../src/observers.ts";
import { valueCodec } from "../../src/serializer.ts";
import { Stop } from "../../src/stop.ts";

export type Step = (previous: Context, step: StepContext) => unknown;

export interface Attempted {
  readonly clock: ManualClock;
  readonly stop: Stop;
  readonly events: WorkflowEvent[];
  readonly outcome: Promise<Outcome>;
}

/** Executes a step, and gives what a test needs to move it on. */
export function attempt(options: ActionOptions, step: Step, more: Partial<Execution> = {}): Attempted {
  const clock = manualClock();
  const stop = new Stop();
  const events: WorkflowEvent[] = [];
  const observers = new Observers([{ onEvent: (event) => void events.push(event) }], clock, "w");
  const codec = valueCodec([], undefined);
  const definition = definitionOf(action({ name: "step", ...options }, step)) as ActionDefinition;
  const host = { workflowId: "w", runId: "r", clock, random: () => 0, codec, observers, stop };
  const execution = {
    taskId: "t",
    action: definition,
    self: undefined,
    previous: () => 1,
    initial: () => 2,
    ensure: async () => {},
    ...more,
  };
  return { clock, stop, events, outcome: execute(host, execution) };
}

export const valueOf = (outcome: Outcome): unknown =>
  outcome.status === "completed" ? valueCodec([], undefined).decode(outcome.value) : outcome.status;
export const messagesOf = ({ errors }: Outcome): string[] => errors.map(({ message }) => message);
export const never = (): Promise<never> => new Promise(() => {});
