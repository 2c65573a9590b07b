// The options of `start`, checked once and with every default filled in.
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { type GraphMode, modes } from "./graph.ts";
import { refuseUnknown, requireFunction, requireOneOf, requireWhole, show } from "./options.ts";
import { changePolicies, type OnChange } from "./restore.ts";
import type { RunResult } from "./result.ts";

export interface StartOptions {
  /**
   * What orders the tasks: `sequential` chains them in the order they were added, `sequential_group` chains those of a
   * group and runs groups side by side, `parallel` has no order, `graph` goes by `after` and `ref.add`. Edges drawn with
   * `after` hold in every mode. `background` is the derived mode, without waiting for the end.
   *
   * @default `graph` if a task has `after` or follows a ref that is not the last task, else `sequential_group` if there are several groups, else `sequential`
   */
  mode?: GraphMode | "background";
  /** `true` continues the last run, or begins one where there is none; `"required"` rejects with a `NothingToResumeError` then. @default false */
  resume?: boolean | "required";
  /** With `resume`: the id of a task that runs again, with all that follows from it. The rest is kept. Begins a new run. */
  from?: string;
  /**
   * What to do when saved tasks no longer match their definitions or inputs: `raise` rejects with a `WorkflowChangedError`
   * that lists what differs, `restart` begins anew, `rerun` runs what changed and what follows from it, `reuse` takes what is saved.
   *
   * @default "raise"
   */
  onChange?: OnChange;
  /** Run the dependents of a failed task too, with `null` from it. What they give is in the result but not saved: a resume runs them again. @default false */
  keepGoing?: boolean;
  /** How many tasks may run at a time. @default unlimited */
  concurrency?: number;
  /** Cancels the run: `step.signal` is aborted, what is done is saved, the run ends `cancelled`. */
  signal?: AbortSignal;
  /** For every task that has none of its own. A resume that gives none uses the one that was saved. */
  initialContext?: unknown;
  /**
   * When another process drives this workflow: `fail` rejects with a `WorkflowLockedError` as soon as that process is known
   * to live, and takes over when it stays silent; `wait` waits until it ends or falls silent.
   *
   * @default "fail"
   */
  lock?: "fail" | "wait";
  /** Stay and wait in place for signals and times, instead of ending `suspended`. Looks for signals every five seconds at least. @default false */
  wait?: boolean;
  /**
   * From then on nothing new begins: running steps end and are saved, and the run ends `suspended`, for a resume to go on.
   * A date, or a duration from the start, such as `"14m"` in a function that may run for fifteen minutes.
   *
   * @default none
   */
  deadline?: Date | Duration;
  /** Called once with the result of a run that completed. What it throws becomes a warning event. */
  onSuccess?: (result: RunResult) => unknown;
  /** Called once with the result of a run that failed. What it throws becomes a warning event. */
  onFailure?: (result: RunResult) => unknown;
}

export interface ResolvedStart {
  /** `undefined` derives it. */
  readonly mode: GraphMode | undefined;
  readonly resume: boolean | "required";
  readonly from: string | undefined;
  readonly onChange: OnChange;
  readonly keepGoing: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly initialContext: { readonly value: unknown } | undefined;
  readonly lock: "fail" | "wait";
  readonly wait: boolean;
  /** A duration is in milliseconds. */
  readonly deadline: Date | number | undefined;
  readonly onSuccess: StartOptions["onSuccess"];
  readonly onFailure: StartOptions["onFailure"];
}

export const startOptionNames = [
  "mode",
  "resume",
  "from",
  "onChange",
  "keepGoing",
  "concurrency",
  "signal",
  "initialContext",
  "lock",
  "wait",
  "deadline",
  "onSuccess",
  "onFailure",
];

export function resolveStart(options: StartOptions): ResolvedStart {
  refuseUnknown(options, startOptionNames, "start");
  const {
    mode,
    resume = false,
    from,
    onChange = "raise",
    keepGoing = false,
    concurrency = Infinity,
    signal,
    initialContext,
    lock = "fail",
    wait = false,
  } = options;
  requireOneOf(mode, [...modes, "background"], "The mode");
  requireOneOf(resume, [true, false, "required"], "The option resume");
  requireOneOf(onChange, changePolicies, "The option onChange");
  requireOneOf(lock, ["fail", "wait"], "The option lock");
  requireOneOf(wait, [true, false], "The option wait");
  requireOneOf(keepGoing, [true, false], "The option keepGoing");
  requireWhole(concurrency, 1, "The option concurrency");
  requireFunction(options.onSuccess, "The option onSuccess");
  requireFunction(options.onFailure, "The option onFailure");
  if (signal !== undefined && typeof signal?.addEventListener !== "function")
    throw new InvalidWorkflowError(`The option signal is ${show(signal)}. Give an AbortSignal.`);
  if (from !== undefined && !resume)
    throw new InvalidWorkflowError(
      `The option from, "${from}", goes with resume: true: it takes what comes before it from the saved run.`,
    );
  return {
    mode: mode === "background" ? undefined : mode,
    resume,
    from,
    onChange,
    keepGoing,
    concurrency,
    signal,
    initialContext: initialContext === undefined ? undefined : { value: initialContext },
    lock,
    wait,
    deadline: resolveDeadline(options.deadline),
    onSuccess: options.onSuccess,
    onFailure: options.onFailure,
  };
}

function resolveDeadline(deadline: Date | Duration | undefined): Date | number | undefined {
  if (deadline === undefined) return undefined;
  if (!(deadline instanceof Date)) return toMilliseconds(deadline, "The option deadline");
  if (Number.isNaN(deadline.getTime())) throw new InvalidWorkflowError("The option deadline is a date that is none.");
  return deadline;
}
