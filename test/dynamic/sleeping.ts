// A storage as the process sees it that dies, or falls asleep, in the middle of a write.
import type { Storage } from "dotflow";

/** Holds back the first write of `pattern`, as an owner does that falls asleep in the middle of it, and fails from then on. */
export class Sleeping implements Storage {
  readonly durable: boolean;
  readonly #storage: Storage;
  readonly #pattern: RegExp;
  #late: (() => Promise<unknown>) | undefined;

  constructor(storage: Storage, pattern: RegExp) {
    this.durable = storage.durable;
    this.#storage = storage;
    this.#pattern = pattern;
  }

  /** Lets the write arrive. */
  async wakeUp(): Promise<void> {
    if (!this.#late) throw new Error("It never came to the write.");
    await this.#late();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#requireAwake();
    return this.#storage.get(key);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#fallAsleep(key, () => this.#storage.put(key, value));
    await this.#storage.put(key, value);
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    this.#fallAsleep(key, () => this.#storage.create(key, value));
    return this.#storage.create(key, value);
  }

  async *list(prefix: string): AsyncIterable<string> {
    this.#requireAwake();
    yield* this.#storage.list(prefix);
  }

  async delete(key: string): Promise<void> {
    this.#requireAwake();
    await this.#storage.delete(key);
  }

  #fallAsleep(key: string, write: () => Promise<unknown>): void {
    this.#requireAwake();
    if (!this.#pattern.test(key)) return;
    this.#late = write;
    this.#requireAwake();
  }

  #requireAwake(): void {
    if (this.#late) throw new Error("asleep");
  }
}
