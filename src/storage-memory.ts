// The storage that is used where none is given: a map in this process.
import type { Storage } from "./storage.ts";

/** Keeps checkpoints in this process's memory. They are gone when the process ends: for tests and for runs that need no resume. */
export class StorageMemory implements Storage {
  readonly durable = false;
  readonly #values = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | undefined> {
    const value = this.#values.get(key);
    return value && copy(value);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#values.set(key, copy(value));
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    if (this.#values.has(key)) return false;
    this.#values.set(key, copy(value));
    return true;
  }

  async *list(prefix: string): AsyncIterable<string> {
    for (const key of [...this.#values.keys()]) if (key.startsWith(prefix)) yield key;
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }
}

/** `slice` of a `Buffer` would share its memory. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
