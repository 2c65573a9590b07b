// Executes a single step with a clock that is moved by hand.
import { action, type ActionOptions, type Context, type StepContext, type WorkflowEvent } from "dotflow";
import { manualClock, type ManualClock } from "dotflow/testing";
import { type ActionDefinition, definitionOf } from "../../src/action.ts";
import { execute } from "../../src/attempt.ts";
import type { AttemptHost, ExecutedTask, Execution, Outcome } from "../../src/execution.ts";
import { Observers } from "../../src/observers.ts";
import { noChanges, RunState } from "../../src/run-state.ts";
import { valueCodec } from "../../src/serializer.ts";
import { IterationParts } from "../../src/step-parts.ts";
import { Stop } from "../../src/stop.ts";
import { unsavedParts } from "../../src/journal/task-parts.ts";
import { Turns } from "../../src/turns.ts";

export type Step = (previous: Context, step: StepContext) => unknown;

export interface Attempted {
  readonly clock: ManualClock;
  readonly stop: Stop;
  readonly events: WorkflowEvent[];
  readonly outcome: Promise<Outcome>;
}

/** Executes a step, and gives what a test needs to move it on. */
export function attempt(options: ActionOptions, step: Step, more: Partial<ExecutedTask & Execution> = {}): Attempted {
  const clock = manualClock();
  const stop = new Stop();
  const events: WorkflowEvent[] = [];
  const observers = new Observers([{ onEvent: (event) => void events.push(event) }], clock, "w");
  const codec = valueCodec([], undefined);
  const definition = definitionOf(action({ name: "step", ...options }, step)) as ActionDefinition;
  const host: AttemptHost = {
    workflowId: "w",
    runId: "r",
    clock,
    random: () => 0,
    codec,
    observers,
    stop,
    drain: new Stop(),
    state: new RunState(),
    turns: new Turns(clock),
    outermost: undefined,
    runWorkflow: () => Promise.reject(new Error("No workflow is a step here.")),
  };
  const task: ExecutedTask = {
    taskId: "t",
    beganIn: "r",
    isRecorded: true,
    action: definition,
    self: undefined,
    initial: () => 2,
    ensure: () => undefined,
    ...more,
  };
  const execution: Execution = {
    task,
    previous: () => 1,
    changes: noChanges,
    iteration: 1,
    parts: () => IterationParts.begin(unsavedParts(), 1),
    ...more,
  };
  return { clock, stop, events, outcome: execute(host, execution) };
}

export const valueOf = (outcome: Outcome): unknown =>
  outcome.status === "completed" ? valueCodec([], undefined).decode(outcome.value) : outcome.status;
export const messagesOf = ({ errors }: Outcome): string[] => errors.map(({ message }) => message);
export const never = (): Promise<never> => new Promise(() => {});
