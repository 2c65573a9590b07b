// A durable storage over LMDB, an embedded database of npm: all of it, as docs/storage-own.md explains it.
import { open, type RootDatabase } from "lmdb";
import type { Storage } from "dotflow";

export class StorageLmdb implements Storage {
  readonly durable = true;
  readonly path: string;
  readonly #database: RootDatabase<Uint8Array, string>;

  constructor(path: string) {
    this.path = path;
    this.#database = open({ path, encoding: "binary" });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    // Another process may have written since the last look.
    this.#database.resetReadTxn();
    const value = this.#database.getBinary(key);
    return value && new Uint8Array(value);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#database.put(key, new Uint8Array(value));
    await this.#database.flushed;
  }

  // `ifNoExists` decides within the transaction that writes: of several processes one wins.
  async create(key: string, value: Uint8Array): Promise<boolean> {
    const bytes = new Uint8Array(value);
    const created = await this.#database.ifNoExists(key, () => void this.#database.put(key, bytes));
    // The loser too: its `false` says that the winner's value is on the disk.
    await this.#database.flushed;
    return created;
  }

  async *list(prefix: string): AsyncIterable<string> {
    this.#database.resetReadTxn();
    for (const key of [...this.#database.getKeys({ start: prefix, end: `${prefix}\uffff` })]) yield key;
  }

  async delete(key: string): Promise<void> {
    await this.#database.remove(key);
    await this.#database.flushed;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
