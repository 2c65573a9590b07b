// A clock that stands still until a test moves it.
import type { Clock } from "../src/clock.ts";
import { eventLoopTurn } from "../src/clock.ts";
import type { Duration } from "../src/duration.ts";
import { toMilliseconds } from "../src/duration.ts";
import type { Storage } from "../src/storage.ts";
import { Conditions } from "./conditions.ts";
import { PendingCalls } from "./pending-calls.ts";

/** How many turns of the event loop are left to the code that a timer woke up. */
const turns = 10;

interface Timer {
  readonly due: number;
  readonly milliseconds: number;
  readonly callback: () => void;
}

/** Makes a clock that shows `start`, a date or milliseconds since 1970. @default 2026-01-01T00:00:00Z */
export function manualClock(start: Date | number = Date.UTC(2026, 0, 1)): ManualClock {
  return new ManualClock(Number(start));
}

export class ManualClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #moving: Promise<void> = Promise.resolve();
  readonly #timers = new Set<Timer>();
  readonly #conditions = new Conditions();
  readonly #pending = new PendingCalls();

  constructor(start: number) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  timer(milliseconds: number, callback: () => void, _options?: { background?: boolean }): () => void {
    const timer: Timer = { due: this.#monotonic + Math.max(0, milliseconds), milliseconds, callback };
    this.#timers.add(timer);
    this.#conditions.look();
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers are armed, those in the background included. */
  get waiting(): number {
    return this.#timers.size;
  }

  /**
   * Resolves as soon as `count` timers or more are armed; with `duration`, only those armed for just so long count.
   *
   * Call it before `advance` where the code under test does real I/O first, other than to a storage given to `watch`.
   */
  untilWaiting(count = 1, duration?: Duration): Promise<void> {
    const wanted = duration === undefined ? undefined : toMilliseconds(duration, "The duration given to untilWaiting");
    return this.#conditions.until(() => {
      const armed = [...this.#timers].filter((timer) => wanted === undefined || timer.milliseconds === wanted);
      return armed.length >= count;
    });
  }

  /**
   * The same storage, but time stands still while a call to it is under way: `advance` waits for the answer before it
   * fires the next timer, and before it ends.
   *
   * For storages that do real I/O, such as to a server. Without it the clock runs ahead of them: a call that takes a
   * millisecond is given up, because meanwhile the clock was moved on by half a minute. A storage that fails, or hangs,
   * on purpose goes around it: `faultyStorage(clock.watch(storage), { clock })`. A call that is really never answered
   * keeps `advance` waiting for ever.
   */
  watch(storage: Storage): Storage {
    return this.#pending.countedIn(storage);
  }

  /**
   * Moves wall and monotonic time on by `duration`, and fires the timers that are due on the way, each at its time and
   * in order. Between two of them, and at the end, the code that they woke up gets some turns of the event loop; what
   * it arms is fired as well where it is due. Calls that overlap follow one another. Rejects with what a timer throws.
   */
  async advance(duration: Duration): Promise<void> {
    const milliseconds = toMilliseconds(duration, "The duration given to advance");
    const moved = this.#moving.then(() => this.#advance(milliseconds));
    this.#moving = moved.catch(() => {});
    await moved;
  }

  /**
   * Moves the wall clock only, back where `milliseconds` is negative: the machine's clock is set, or the machine slept.
   * No timer fires.
   */
  jump(milliseconds: number): void {
    this.#wall += milliseconds;
  }

  async #advance(milliseconds: number): Promise<void> {
    const end = this.#monotonic + milliseconds;
    await this.#settle();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#moveTo(timer.due);
      this.#timers.delete(timer);
      timer.callback();
      await this.#settle();
    }
    this.#moveTo(end);
  }

  async #settle(): Promise<void> {
    for (let left = turns; left > 0; left--) {
      await eventLoopTurn();
      if (this.#pending.count === 0) continue;
      await this.#pending.untilNone();
      left = turns + 1;
    }
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.due <= end && (!first || timer.due < first.due)) first = timer;
    return first;
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}
