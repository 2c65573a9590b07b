// Counts the calls to storages that are under way, for a clock that has to wait for them.
import type { Storage } from "../src/storage.ts";
import { Conditions } from "./conditions.ts";

export class PendingCalls {
  #count = 0;
  readonly #conditions = new Conditions();

  get count(): number {
    return this.#count;
  }

  /** Resolves as soon as none is under way. */
  untilNone(): Promise<void> {
    return this.#conditions.until(() => this.#count === 0);
  }

  /** The same storage, with its calls counted. */
  countedIn(storage: Storage): Storage {
    return {
      get durable() {
        return storage.durable;
      },
      get durability() {
        return storage.durability;
      },
      get: (key) => this.#during(() => storage.get(key)),
      put: (key, value) => this.#during(() => storage.put(key, value)),
      create: (key, value) => this.#during(() => storage.create(key, value)),
      list: (prefix) => this.#listed(storage.list(prefix)),
      delete: (key) => this.#during(() => storage.delete(key)),
      close: async () => storage.close?.(),
    };
  }

  /** While the reader of a listing does something else, nothing is under way. */
  async *#listed(keys: AsyncIterable<string>): AsyncGenerator<string> {
    const iterator = keys[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#during(() => iterator.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  async #during<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.#count++;
    try {
      return await call();
    } finally {
      this.#count--;
      this.#conditions.look();
    }
  }
}
