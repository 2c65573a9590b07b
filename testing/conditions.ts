// Waiting for something to become true, without polling: who changes it says when to look.

export class Conditions {
  readonly #waiting = new Set<{ holds: () => boolean; resolve: () => void }>();

  /** Resolves as soon as `holds` gives true, at once where it does already. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ holds, resolve }));
  }

  look(): void {
    for (const each of this.#waiting) {
      if (!each.holds()) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }
}
