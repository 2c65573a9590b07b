// `crashTest`: crashes a workflow at each of its storage operations, resumes it, and reports what went wrong.
import { isDeepStrictEqual } from "node:util";
import type { DotFlow } from "../src/dotflow.ts";
import type { Storage } from "../src/storage.ts";
import { StorageMemory } from "../src/storage-memory.ts";
import { type CrashStartOptions, Lab } from "./crash/lab.ts";
import type { CrashOutcome } from "./crash/outcome.ts";
import type { CrashOperation, CrashPoint, CrashReport } from "./crash/report.ts";
import { Selection } from "./crash/selection.ts";

export type { CrashStartOptions } from "./crash/lab.ts";
export type { CrashOutcome } from "./crash/outcome.ts";
export type {
  CrashOperation,
  CrashPoint,
  CrashProblem,
  CrashProblemKind,
  CrashReport,
  Strike,
} from "./crash/report.ts";

export interface CrashTestOptions {
  /** Makes a new, empty storage; called once per round, and closed at its end. @default `new StorageMemory()` */
  storage?: () => Storage | Promise<Storage>;
  /** How the workflow is started. The crash test adds `resume` where a run is to go on. @default none */
  start?: CrashStartOptions;
  /** Where at an operation the crash strikes. A read changes nothing, so that it is struck once, before. @default all three */
  points?: readonly CrashPoint[];
  /** Which operations are struck. @default all, reads too */
  operations?: (operation: CrashOperation) => boolean;
  /** Strikes only every nth of them, for workflows of many steps. @default 1 */
  every?: number;
  /**
   * Also crashes each resumed start at each of its writes, and also lets each write of a crashed start arrive late, at
   * each operation of the resumed one. The number of rounds grows with the square of the operations.
   *
   * @default whether the workflow makes at most 40 operations
   */
  twice?: boolean;
  /** Whether two outcomes are the same; for values that differ from run to run, such as times. @default deep equality */
  compare?: (expected: CrashOutcome, actual: CrashOutcome) => boolean;
}

const crashPoints: readonly CrashPoint[] = ["before", "within", "after"];

/** Above this many operations, crashing twice takes an option. */
const fewOperations = 40;

/**
 * Runs the workflow once to count its storage operations, then once per operation with a crash before, within and after
 * it, resumes each time, and reports every difference in the result, every completed step that was started again, and
 * every run that could not be loaded. `problems` of the report is empty when all is well.
 *
 * `makeWorkflow` is called for every start, as a new process would make it: with the storage of its round, and with the
 * number of the start, from 1. It gives a new workflow with always the same `workflowId`. A workflow that fails is
 * resumed once, so that a step may fail at start 1 and do its work at start 2.
 *
 * Rounds run one after the other and nothing is random. A crash is simulated: from it on the start reaches the storage
 * no more, but a step that is running then runs to its end, as no one can stop a function from outside.
 *
 * ```ts
 * const report = await crashTest((storage) => {
 *   const workflow = new DotFlow({ workflowId: "etl", storage });
 *   workflow.task.add(extract).add(transform).add(load);
 *   return workflow;
 * });
 * expect(report.problems).toEqual([]);
 * ```
 *
 * Rejects where the workflow can't run without a crash either.
 */
export async function crashTest(
  makeWorkflow: (storage: Storage, start: number) => DotFlow | Promise<DotFlow>,
  options: CrashTestOptions = {},
): Promise<CrashReport> {
  const { storage = () => new StorageMemory(), start = {}, compare = isDeepStrictEqual } = options;
  const { points = crashPoints, every = 1, operations: chosen = () => true } = options;
  if (points.length === 0 || points.some((point) => !crashPoints.includes(point))) {
    throw new TypeError(
      `The option points of crashTest is [${points.join(", ")}]. Give one or more of: ${crashPoints.join(", ")}.`,
    );
  }
  if (!Number.isInteger(every) || every < 1) {
    throw new TypeError(`The option every of crashTest is ${every}. Give a whole number from 1.`);
  }
  const lab = new Lab({ make: makeWorkflow, storage, start, compare });
  const selection = new Selection(points, every, chosen);

  const rehearsal = await lab.rehearse();
  const { first, resumed, outcome: expected } = rehearsal;
  const { operations } = first;
  if (!(await lab.repeats(rehearsal))) return lab.report(operations.length);

  for (const crash of selection.crashes(operations)) await lab.round([crash, undefined], expected);
  for (const crash of selection.crashes(resumed?.operations ?? [])) {
    await lab.round([undefined, crash, undefined], expected);
  }
  for (const { number } of selection.records(operations)) await lab.rival(number, first.outcome);
  if (options.twice ?? operations.length <= fewOperations) await crashTwice(lab, selection, operations, expected);
  const report = lab.report(operations.length);
  if (report.crashes > 0) return report;
  throw new TypeError("crashTest had nothing to crash: its option operations leaves none of them over.");
}

/** Crashes the resumed start too, and lets what was under way at the crash arrive while it runs. */
async function crashTwice(
  lab: Lab,
  selection: Selection,
  operations: readonly CrashOperation[],
  expected: CrashOutcome,
): Promise<void> {
  for (const crash of selection.distinct(operations)) {
    const resumed = await lab.round([crash, undefined], expected);
    for (const second of selection.distinct(resumed)) await lab.round([crash, second, undefined], expected);
  }
  for (const crash of selection.late(operations)) {
    const resumed = await lab.round([crash, undefined], expected);
    // The last one arrives when the resumed start has ended.
    for (let operation = 1; operation <= resumed.length + 1; operation++) {
      await lab.round([crash, { do: "deliver", operation }], expected);
    }
  }
}
