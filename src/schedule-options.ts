// The options of `schedule`, checked once and with every default filled in.
import { defaults } from "./defaults.ts";
import type { Duration } from "./duration.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { type GraphMode, modes } from "./graph.ts";
import { refuseUnknown, requireFunction, requireOneOf, requireWhole, show } from "./options.ts";
import type { RunResult } from "./result.ts";
import { resolveStart, type StartOptions, startOptionNames } from "./start-options.ts";

/** One time at which the schedule is due. */
export interface Tick {
  /** The time that the pattern names. The run may begin later: after a sleep of the machine, or when it was queued. */
  readonly scheduledAt: Date;
}

/** What `start` takes, and when. `from` is not among it: a schedule has no single task to begin with. */
export interface ScheduleOptions extends Omit<StartOptions, "mode" | "resume" | "from" | "deadline"> {
  /**
   * When a run is due, as five fields (minute, hour, day of the month, month, day of the week), as six with seconds in front, or a
   * name such as `"@hourly"`. `"0 3 * * MON-FRI"` is three o'clock on workdays, `"0 9 L * *"` nine o'clock on the last day of a month.
   */
  cron: string;
  /**
   * The time zone that the pattern is read in, such as `"Europe/Berlin"`. When clocks change there, a fixed time that is
   * left out runs right after the gap, one that comes twice runs the first time only, and a pattern with `*` in its minutes or
   * hours goes on through both.
   *
   * @default that of this machine, which is often UTC on a server and not on your desk
   */
  timezone?: string;
  /**
   * What happens when a run is due and the one before it still goes on: `skip` leaves it out, `queue` runs it right after (one
   * at most: what is due meanwhile is left out), `parallel` runs it beside.
   *
   * A workflow is driven once at a time, so `parallel` puts the runs that overlap under ids of their own: `<workflowId>#2`,
   * `<workflowId>#3` and so on. A run that overlaps none goes by `workflowId`.
   *
   * @default "skip"
   */
  overlap?: "skip" | "queue" | "parallel";
  /** With `overlap: "parallel"`: how many runs at a time, those of other processes with the same schedule included. @default 4 */
  limit?: number;
  /**
   * `false` begins a new run every time, and leaves one that failed as it is. `true` goes on with the last run where it has not
   * completed (failed, suspended, cancelled, or interrupted by a crash), and begins a new one where it has.
   *
   * @default false
   */
  resume?: boolean;
  /** What orders the tasks, as in `start`. @default derived from the tasks */
  mode?: GraphMode;
  /** From this long after the beginning of a run on, nothing new begins in it: see `start`. @default none */
  deadline?: Duration;
  /** For every task that has none of its own. A function is called with the tick and gives it; not so for a run that is resumed. */
  initialContext?: unknown;
  /** Ends the schedule as `stop({ cancel: true })` does. */
  signal?: AbortSignal;
  /** Called with the result of every run, however it ended. What it throws becomes a warning event. */
  onResult?: (result: RunResult, tick: Tick) => unknown;
  /**
   * Called with what `start` rejects with, such as a `StorageError`: the run could not begin or go on. The schedule does. It is
   * a warning event too; where there is neither this nor an observer, it is a warning of the process.
   */
  onError?: (error: unknown, tick: Tick) => unknown;
}

export interface ResolvedSchedule {
  readonly cron: string;
  readonly timezone: string | undefined;
  readonly overlap: "skip" | "queue" | "parallel";
  /** Runs at a time. */
  readonly limit: number;
  readonly resume: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onResult: ScheduleOptions["onResult"];
  readonly onError: ScheduleOptions["onError"];
  /** What every run is started with, but for `resume`, `signal` and an `initialContext` that is a function. */
  readonly start: StartOptions;
}

const ownNames = ["cron", "timezone", "overlap", "limit", "onResult", "onError"];
const optionNames = [...ownNames, ...startOptionNames.filter((name) => name !== "from")];

export function resolveSchedule(options: ScheduleOptions): ResolvedSchedule {
  refuseUnknown(options, optionNames, "schedule");
  const { cron, timezone, overlap = "skip", limit, onResult, onError, resume = false, signal, ...start } = options;
  if (typeof cron !== "string" || cron.trim() === "")
    throw new InvalidWorkflowError(`The option cron is ${show(cron)}. Give a pattern such as "0 * * * *", every hour.`);
  checkTimezone(timezone);
  requireOneOf(overlap, ["skip", "queue", "parallel"], "The option overlap");
  requireWhole(limit, 1, "The option limit");
  if (limit !== undefined && overlap !== "parallel")
    throw new InvalidWorkflowError(`The option limit goes with overlap: "parallel". With ${show(overlap)} it is 1.`);
  requireOneOf(resume, [true, false], "The option resume");
  requireOneOf(start.mode, modes, "The mode of a schedule");
  if ((start.deadline as unknown) instanceof Date)
    throw new InvalidWorkflowError("The option deadline of a schedule is a duration from the beginning of each run.");
  requireFunction(onResult, "The option onResult");
  requireFunction(onError, "The option onError");
  // What a run would refuse is refused now, not every hour.
  resolveStart({ ...start, signal });
  return {
    cron,
    timezone,
    overlap,
    limit: overlap === "parallel" ? (limit ?? defaults.scheduleLimit) : 1,
    resume,
    signal,
    onResult,
    onError,
    start,
  };
}

function checkTimezone(timezone: unknown): void {
  if (timezone === undefined) return;
  try {
    if (typeof timezone === "string") return void new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    // Said below.
  }
  throw new InvalidWorkflowError(
    `The option timezone is ${show(timezone)}, which this machine does not know. Give a name such as "Europe/Berlin" or "UTC".`,
  );
}
