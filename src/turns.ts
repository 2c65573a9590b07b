// Gives timers and I/O their turn where only settled promises are awaited for a while: the lease has to be renewed, a deadline heard.
import { type Clock, eventLoopTurn } from "./clock.ts";
import { limits } from "./defaults.ts";

export class Turns {
  readonly #clock: Clock;
  #last: number;
  #turning: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  /** Whether it is time for one. */
  get isDue(): boolean {
    return this.#clock.monotonic() - this.#last > limits.eventLoopTurn;
  }

  /** Waits for a turn where it is time for one. */
  async give(): Promise<void> {
    while (this.isDue) {
      this.#turning ??= eventLoopTurn().then(() => {
        this.#turning = undefined;
        this.#last = this.#clock.monotonic();
      });
      await this.#turning;
    }
  }
}
