// Delays of one airport or one hour, counted row by row.

export interface Delays {
  readonly flights: number;
  /** Minutes. */
  readonly mean: number;
  readonly median: number;
  /** The share of flights that came 15 minutes late or more, as the airlines count it. */
  readonly late: number;
}

const lowest = -120;

export class Tally {
  readonly #minutes: number[] = [];
  #flights = 0;
  #sum = 0;
  #late = 0;

  add(delay: number): void {
    this.#flights++;
    this.#sum += delay;
    if (delay >= 15) this.#late++;
    const slot = delay - lowest;
    this.#minutes[slot] = (this.#minutes[slot] ?? 0) + 1;
  }

  delays(): Delays {
    return {
      flights: this.#flights,
      mean: this.#sum / this.#flights,
      median: this.#median(),
      late: this.#late / this.#flights,
    };
  }

  #median(): number {
    let below = 0;
    for (const [slot, flights] of Object.entries(this.#minutes)) {
      below += flights;
      if (below * 2 >= this.#flights) return Number(slot) + lowest;
    }
    return Number.NaN;
  }
}
