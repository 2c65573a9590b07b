// Storages with the mistakes that people make, each with one: the contract must find every one of them.
import { setImmediate as turn } from "node:timers/promises";
import type { Storage } from "../src/storage.ts";

/** Does it right; each class below spoils one thing. A second one over the same map is a second process. */
export class SoundStorage implements Storage {
  readonly durable: boolean = false;
  readonly map: Map<string, Uint8Array>;

  constructor(map = new Map<string, Uint8Array>()) {
    this.map = map;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.map.get(key)?.slice();
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.map.set(key, new Uint8Array(value));
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    if (this.map.has(key)) return false;
    this.map.set(key, new Uint8Array(value));
    return true;
  }

  async *list(prefix: string): AsyncIterable<string> {
    for (const key of [...this.map.keys()]) if (key.startsWith(prefix)) yield key;
  }

  async delete(key: string): Promise<void> {
    this.map.delete(key);
  }
}

export class LooksFirstAndWritesAfter extends SoundStorage {
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    if ((await this.get(key)) !== undefined) return false;
    await this.put(key, value);
    return true;
  }
}

export class TearsPuts extends SoundStorage {
  override async put(key: string, value: Uint8Array): Promise<void> {
    const old = this.map.get(key) ?? new Uint8Array();
    const half = value.length >> 1;
    this.map.set(key, Buffer.concat([value.subarray(0, half), old.subarray(half)]));
    await turn();
    this.map.set(key, new Uint8Array(value));
  }
}

export class ReservesKeyBeforeItWrites extends SoundStorage {
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    if (!(await super.create(key, new Uint8Array()))) return false;
    await turn();
    this.map.set(key, new Uint8Array(value));
    return true;
  }
}

export class CreateReplaces extends SoundStorage {
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    const created = !this.map.has(key);
    this.map.set(key, new Uint8Array(value));
    return created;
  }
}

export class GivesItsOwnBuffer extends SoundStorage {
  override async get(key: string): Promise<Uint8Array | undefined> {
    return this.map.get(key);
  }
}

export class KeepsTheCallersBuffer extends SoundStorage {
  override async put(key: string, value: Uint8Array): Promise<void> {
    this.map.set(key, value);
  }
}

export class StoresTheWholeBuffer extends SoundStorage {
  override put(key: string, value: Uint8Array): Promise<void> {
    return super.put(key, new Uint8Array(value.buffer));
  }
}

export class LeavesTheTailOfTheOldValue extends SoundStorage {
  override async put(key: string, value: Uint8Array): Promise<void> {
    const old = this.map.get(key) ?? new Uint8Array();
    await super.put(key, Buffer.concat([value, old.subarray(value.length)]));
  }
}

export class KeepsText extends SoundStorage {
  override put(key: string, value: Uint8Array): Promise<void> {
    return super.put(key, Buffer.from(Buffer.from(value).toString("utf8")));
  }
}

export class TakesEmptyForMissing extends SoundStorage {
  override async get(key: string): Promise<Uint8Array | undefined> {
    const value = await super.get(key);
    return value?.length ? value : undefined;
  }
}

export class GivesNullForMissing extends SoundStorage {
  override async get(key: string): Promise<Uint8Array | undefined> {
    return (await super.get(key)) ?? (null as unknown as undefined); // what a caller without types does
  }
}

export class ThrowsOnDeleteOfMissing extends SoundStorage {
  override async delete(key: string): Promise<void> {
    if (!this.map.delete(key)) throw new Error(`no such key: ${key}`);
  }
}

export class ForgetsDeletes extends SoundStorage {
  readonly #seen = new Set<string>();
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    if (this.#seen.size === this.#seen.add(key).size) return false;
    return super.create(key, value);
  }
}

export class RemembersWhatItRead extends SoundStorage {
  readonly #read = new Map<string, Uint8Array>();
  override async get(key: string): Promise<Uint8Array | undefined> {
    const value = this.#read.get(key) ?? (await super.get(key));
    if (value) this.#read.set(key, value);
    return value?.slice();
  }
  override async put(key: string, value: Uint8Array): Promise<void> {
    this.#read.delete(key);
    await super.put(key, value);
  }
  override async delete(key: string): Promise<void> {
    this.#read.delete(key);
    await super.delete(key);
  }
}

export class RefusesLargeValues extends SoundStorage {
  override async put(key: string, value: Uint8Array): Promise<void> {
    if (value.length > 2 ** 20) throw new Error("value too large");
    await super.put(key, value);
  }
}

export class TakesASliceForACopy extends SoundStorage {
  override async put(key: string, value: Uint8Array): Promise<void> {
    this.map.set(key, value.slice()); // of a Buffer this is a view, not a copy
  }
}

export class LosesAllWhenClosed extends SoundStorage {
  override readonly durable = true;
  async close(): Promise<void> {
    this.map.clear();
  }
}
