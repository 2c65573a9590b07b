// Looks whether what tasks wait for has come: now and then while the run goes on, and once more at its end.
import { pauseUnless } from "./attempt.ts";
import type { AttemptHost } from "./execution.ts";
import { limits } from "./defaults.ts";
import { inParallel } from "./parallel.ts";
import { Stop } from "./stop.ts";
import type { TaskStates } from "./task-states.ts";

export interface WaitingTasksOptions {
  readonly states: TaskStates;
  readonly host: AttemptHost;
  readonly hasSignal: (name: string) => Promise<boolean>;
  /** Called with each task whose time or signal has come. */
  readonly wake: (index: number) => void;
  /** Called when the looking has come to an end, with what went wrong where it did. */
  readonly ended: (failure: { readonly error: unknown } | undefined) => void;
}

export class WaitingTasks {
  readonly #options: WaitingTasksOptions;
  /** Requested when the run has come to its end. */
  readonly #over = new Stop();
  #isWatching = false;

  constructor(options: WaitingTasksOptions) {
    this.#options = options;
  }

  get any(): boolean {
    return this.#waits().length > 0;
  }

  /** Begins to look now and then, as long as tasks wait. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const ended = (failure?: { readonly error: unknown }): void => {
      this.#isWatching = false;
      this.#options.ended(failure);
    };
    this.#watch().then(
      () => ended(),
      (error: unknown) => ended({ error }),
    );
  }

  /** Wakes the tasks whose time or signal has come, and says whether there are any. */
  async look(): Promise<boolean> {
    const { states, host, hasSignal, wake } = this.#options;
    const arrived = await inParallel(this.#waits(), async ({ index, wait: { signal, until } }) => {
      const isOver = until !== undefined && host.clock.now() >= until;
      return isOver || (signal !== undefined && (await hasSignal(signal))) ? [index] : [];
    });
    // Looked at twice at the same time, one may have been woken already.
    const woken = new Set(arrived.flat().filter((index) => states.of(index).status === "waiting"));
    for (const index of woken) wake(index);
    return woken.size > 0;
  }

  /** Ends the looking. */
  stop(): void {
    this.#over.request("the run is over");
  }

  /** What follows from a failure saves nothing, so that nothing it waits for can arrive: it waits for the next start. */
  #waits(): ReturnType<TaskStates["waiting"]> {
    const { states } = this.#options;
    return states.waiting().filter(({ index }) => !states.of(index).tainted);
  }

  async #watch(): Promise<void> {
    const { host } = this.#options;
    const { clock, stop, drain } = host;
    for (let count = 0; this.any; count++) {
      const next = Math.min(...this.#waits().map(({ wait }) => wait.until ?? Infinity));
      const pause = Math.min(limits.longestLook, limits.firstLook * 2 ** count, next - clock.now());
      await pauseUnless(clock, Math.max(0, pause), stop, drain, this.#over);
      if (stop.requested || drain.requested || this.#over.requested) return;
      if (await this.look()) count = 0;
    }
  }
}
