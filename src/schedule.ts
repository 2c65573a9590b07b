// A schedule: starts runs of a workflow at the times of a cron pattern, until it is stopped.
import { Checkpoints } from "./checkpoints.ts";
import { limits } from "./defaults.ts";
import { isDotFlowError } from "./errors.ts";
import { Store } from "./journal/store.ts";
import { Observers } from "./observers.ts";
import type { RunResult } from "./result.ts";
import type { ResolvedSchedule, Tick } from "./schedule-options.ts";
import { ScheduleTimes } from "./schedule-times.ts";
import type { Settings } from "./settings.ts";
import { Start } from "./start.ts";
import { resolveStart } from "./start-options.ts";
import type { TaskList } from "./task-list.ts";

const stopped = "the schedule was stopped";

/** A schedule that goes on while the program does other things. It keeps the process alive until it has ended. */
export class Schedule {
  /** Resolves when the schedule was stopped, or no time to come fits its pattern, and its last run has ended. Never rejects. */
  readonly finished: Promise<void>;
  readonly #settings: Settings;
  readonly #list: TaskList;
  readonly #options: ResolvedSchedule;
  readonly #times: ScheduleTimes;
  readonly #observers: Observers;
  readonly #cancelling = new AbortController();
  /** Which of the ids `<workflowId>`, `<workflowId>#2` … a run of this schedule goes by now. */
  readonly #lanes = new Set<number>();
  /** Runs that go on or are about to begin. */
  #active = 0;
  #queued: number | undefined;
  #next: number | undefined;
  #looked: number;
  #stopped = false;
  #cancelTimer = (): void => {};
  #finish = (): void => {};

  /** Throws an `InvalidWorkflowError` where the pattern can't be used. @internal */
  constructor(settings: Settings, list: TaskList, options: ResolvedSchedule) {
    this.#settings = settings;
    this.#list = list;
    this.#options = options;
    this.#times = ScheduleTimes.of(options.cron, options.timezone, settings.clock.now());
    this.#observers = new Observers(settings.observers, settings.clock, settings.workflowId);
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#looked = settings.clock.now();
    this.#next = this.#times.after(this.#looked);
    this.#watch(options.signal);
    this.#wait();
  }

  /** When the next run is due; `undefined` when none is, as after `stop`. */
  get next(): Date | undefined {
    return this.#next === undefined ? undefined : new Date(this.#next);
  }

  /** How many runs go on now. */
  get running(): number {
    return this.#active;
  }

  /**
   * Ends the schedule: no further run begins, one that was queued is left out, and what runs now runs to its end; with `cancel: true` it
   * is cancelled, so that what is done is saved. Resolves as `finished` does. May be called again, to cancel after all.
   */
  stop(options: { cancel?: boolean } = {}): Promise<void> {
    this.#stopped = true;
    this.#next = undefined;
    this.#cancelTimer();
    if (this.#queued !== undefined) this.#skip(this.#queued, stopped);
    this.#queued = undefined;
    if (options.cancel) this.#cancelling.abort(new DOMException("The schedule was stopped.", "AbortError"));
    this.#finishIfDone();
    return this.finished;
  }

  #watch(signal: AbortSignal | undefined): void {
    if (!signal) return;
    const onAbort = (): void => void this.stop({ cancel: true });
    signal.addEventListener("abort", onAbort, { once: true });
    void this.finished.then(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  }

  /** Timers stand still while the machine sleeps, and dates may be a year away: the clock is looked at now and then. */
  #wait(): void {
    if (this.#stopped || this.#next === undefined) return;
    const { clock } = this.#settings;
    const left = Math.max(0, this.#next - clock.now());
    this.#cancelTimer = clock.timer(Math.min(left, limits.scheduleLook), () => this.#look());
  }

  #look(): void {
    const now = this.#settings.clock.now();
    // It was wrong before, so that what was planned by it may be years away.
    if (now < this.#looked - limits.clockDifference) this.#next = this.#times.after(now);
    this.#looked = now;
    const due = this.#next;
    if (due !== undefined && now >= due) {
      // All that was due meanwhile is one run.
      this.#next = this.#times.after(now);
      this.#begin(due);
    }
    this.#wait();
    this.#finishIfDone();
  }

  #begin(due: number): void {
    const { overlap, limit } = this.#options;
    if (this.#active < limit) return void this.#run(due);
    if (overlap === "queue" && this.#queued === undefined) this.#queued = due;
    else this.#skip(due, limit === 1 ? "the run before it still goes on" : `${limit} runs still go on`);
  }

  async #run(due: number): Promise<void> {
    this.#active++;
    const tick: Tick = { scheduledAt: new Date(due) };
    const { onResult, onError } = this.#options;
    try {
      const result = await this.#startInLane(tick);
      if (result && onResult) this.#observers.call("onResult", () => onResult(result, tick));
    } catch (cause) {
      this.#report(`The run that was due at ${timeText(due)} could not go on: ${messageOf(cause)}`, cause);
      if (onError) this.#observers.call("onError", () => onError(cause, tick));
    }
    this.#active--;
    const queued = this.#queued;
    this.#queued = undefined;
    if (queued !== undefined) void this.#run(queued);
    this.#finishIfDone();
  }

  /** Gives nothing for a run that was left out. */
  async #startInLane(tick: Tick): Promise<RunResult | undefined> {
    const locked = new Set<number>();
    for (let lane = this.#freeLane(locked); lane !== undefined; lane = this.#freeLane(locked)) {
      this.#lanes.add(lane);
      try {
        return await this.#start(tick, laneSettings(this.#settings, lane));
      } catch (error) {
        if (!isDotFlowError(error, "WORKFLOW_LOCKED")) throw error;
        locked.add(lane);
      } finally {
        this.#lanes.delete(lane);
      }
    }
    this.#skip(tick.scheduledAt.getTime(), "another process drives this workflow");
    return undefined;
  }

  #freeLane(locked: ReadonlySet<number>): number | undefined {
    for (let lane = 1; lane <= this.#options.limit; lane++)
      if (!this.#lanes.has(lane) && !locked.has(lane)) return lane;
    return undefined;
  }

  async #start(tick: Tick, settings: Settings): Promise<RunResult | undefined> {
    const { start, resume } = this.#options;
    const { initialContext, ...others } = start;
    const isResumed = resume && (await hasUnfinishedRun(settings));
    const options = {
      ...others,
      resume: isResumed,
      signal: this.#cancelling.signal,
      // One that is made anew would not fit what a resumed run has saved.
      ...(typeof initialContext !== "function"
        ? { initialContext }
        : !isResumed && { initialContext: await (initialContext as (tick: Tick) => unknown)(tick) }),
    };
    if (this.#cancelling.signal.aborted) {
      this.#skip(tick.scheduledAt.getTime(), stopped);
      return undefined;
    }
    return new Start(settings, this.#list, resolveStart(options)).run(() => {});
  }

  #skip(due: number, why: string): void {
    this.#observers.warn(`The run that was due at ${timeText(due)} was left out: ${why}.`);
  }

  /** An error that nobody is told of would mean a schedule that has silently stopped to work. */
  #report(message: string, cause: unknown): void {
    this.#observers.warn(message, { cause });
    if (this.#settings.observers.length > 0 || this.#options.onError) return;
    process.emitWarning(`Workflow "${this.#settings.workflowId}": ${message}`, "DotFlowWarning");
  }

  #finishIfDone(): void {
    if (this.#active > 0 || this.#next !== undefined) return;
    void this.#observers.settle().then(this.#finish);
  }
}

/** Those of the id that runs go by which overlap with others. `#` stands in no id of a workflow that is a step of this one. */
function laneSettings(settings: Settings, lane: number): Settings {
  if (lane === 1) return settings;
  const workflowId = `${settings.workflowId}#${lane}`;
  return { ...settings, workflowId, store: new Store(workflowId, settings.storage, settings.seal) };
}

async function hasUnfinishedRun(settings: Settings): Promise<boolean> {
  const { exists, status } = await new Checkpoints(settings).info();
  return exists && status !== "completed";
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : "it was rejected with something that is no error";
}
