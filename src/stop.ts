// Tells everything that runs to stop: a cancelled run, a lost lease. Lighter than an AbortSignal, which warns of many listeners.

export class Stop {
  readonly #listeners = new Set<() => void>();
  #reason: unknown;
  #requested = false;

  get requested(): boolean {
    return this.#requested;
  }

  /** Why; the first reason counts. */
  get reason(): unknown {
    return this.#reason;
  }

  request(reason: unknown): void {
    if (this.#requested) return;
    this.#requested = true;
    this.#reason = reason;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` once when the stop is requested, and gives a function that takes that back. */
  onRequest(listener: () => void): () => void {
    if (this.#requested) {
      listener();
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
