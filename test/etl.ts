// The workflow that the tests of checkpoints look after: extract, transform, load, at a time that stands still.
import { action, DotFlow, type DotFlowOptions, type Storage } from "dotflow";
import { type ManualClock, manualClock } from "dotflow/testing";

export const beginning = Date.UTC(2026, 4, 1);

interface EtlOptions extends DotFlowOptions {
  readonly fails?: string;
  readonly inStep?: (id: string) => unknown;
  readonly clock?: ManualClock;
}

/** `fails` names a step that fails; `inStep` is called when one begins. */
export function etl(storage: Storage, { fails, inStep, clock = manualClock(beginning), ...options }: EtlOptions = {}) {
  const workflow = new DotFlow({ workflowId: "job", storage, clock, ...options });
  const step = (name: string, give: (previous: never) => unknown) =>
    action({ name }, async (previous) => {
      await inStep?.(name);
      if (name === fails) throw new Error(`${name} fails`);
      return give(previous.storage as never);
    });
  workflow.task.add(step("extract", () => [1, 2]));
  workflow.task.add(step("transform", (rows: number[] | null) => rows?.map((row) => row * 2)));
  workflow.task.add(step("load", (rows) => ["loaded", rows]));
  return { workflow, clock };
}
