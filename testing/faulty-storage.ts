// A storage that goes wrong where a test wants it to, and counts the calls that it gets.
import type { Clock } from "../src/clock.ts";
import { sleep, systemClock } from "../src/clock.ts";
import { toMilliseconds } from "../src/duration.ts";
import type { Storage } from "../src/storage.ts";
import { Conditions } from "./conditions.ts";
import type { Fault, StorageOperation } from "./fault.ts";
import { errorOf, striker } from "./fault.ts";

export interface FaultyStorageOptions {
  /** Where several strike the same call, the first in the list acts. @default none: a storage that only counts */
  faults?: readonly Fault[];
  /** What `delay` waits by. @default the clock of this machine */
  clock?: Clock;
}

/** One call, in the order in which they arrived. */
export interface LoggedOperation {
  readonly operation: StorageOperation;
  /** The prefix, for `list`. */
  readonly key: string;
  /** The kind of the fault that struck it. */
  readonly fault?: Fault["kind"];
}

/**
 * Wraps `storage` and lets it go wrong at chosen calls. Deterministic: the same calls meet the same faults.
 *
 * ```ts
 * const storage = faultyStorage(new StorageMemory(), {
 *   faults: [{ operation: "create", key: /steps/, at: 3, kind: "lose-answer", retryable: true }],
 * });
 * ```
 */
export function faultyStorage(storage: Storage, options: FaultyStorageOptions = {}): FaultyStorage {
  return new FaultyStorage(storage, options);
}

export class FaultyStorage implements Storage {
  readonly #log: LoggedOperation[] = [];
  readonly #operations: Record<StorageOperation, number> = { get: 0, put: 0, create: 0, list: 0, delete: 0 };
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #faults: { fault: Fault; strikes: (operation: StorageOperation, key: string) => boolean }[] = [];
  readonly #conditions = new Conditions();
  #releases: (() => void)[] = [];

  constructor(storage: Storage, options: FaultyStorageOptions) {
    this.#storage = storage;
    this.#clock = options.clock ?? systemClock;
    this.inject(...(options.faults ?? []));
  }

  get durable(): boolean {
    return this.#storage.durable;
  }

  get durability(): string | undefined {
    return this.#storage.durability;
  }

  get log(): readonly LoggedOperation[] {
    return this.#log;
  }

  /** How many calls of each verb arrived, those with a fault included. A listing counts once, however long it is. */
  get operations(): Readonly<Record<StorageOperation, number>> {
    return this.#operations;
  }

  /** Adds faults that count the calls from now on. */
  inject(...faults: Fault[]): void {
    for (const fault of faults) this.#faults.push({ fault, strikes: striker(fault) });
  }

  /** How many calls hang at present. */
  get hanging(): number {
    return this.#releases.length;
  }

  /** Resolves as soon as `count` calls or more hang. */
  untilHanging(count = 1): Promise<void> {
    return this.#conditions.until(() => this.hanging >= count);
  }

  /** Lets the calls that hang go through, in the order in which they arrived. Later ones may hang again. */
  release(): void {
    const releases = this.#releases;
    this.#releases = [];
    for (const release of releases) release();
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#call("get", key, () => this.#storage.get(key));
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.#call("put", key, (part) => this.#storage.put(key, part), value);
  }

  create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#call("create", key, (part) => this.#storage.create(key, part), value);
  }

  list(prefix: string): AsyncIterable<string> {
    return this.#list(prefix, this.#arrive("list", prefix));
  }

  delete(key: string): Promise<void> {
    return this.#call("delete", key, () => this.#storage.delete(key));
  }

  async close(): Promise<void> {
    await this.#storage.close?.();
  }

  async #call<Answer>(
    operation: StorageOperation,
    key: string,
    act: (value: Uint8Array) => Promise<Answer>,
    value: Uint8Array = new Uint8Array(),
  ): Promise<Answer> {
    const fault = this.#arrive(operation, key);
    switch (fault?.kind) {
      case "fail":
        throw errorOf(fault, operation, key);
      case "lose-answer":
        await act(value);
        throw errorOf(fault, operation, key);
      case "duplicate":
        await act(value);
        break;
      case "tear":
        await act(value.subarray(0, fault.bytes ?? value.length >> 1));
        throw errorOf(fault, operation, key);
      case "hang":
      case "delay":
        // The caller may give up meanwhile and use its buffer for something else.
        value = new Uint8Array(value);
        await (fault.kind === "hang" ? this.#hang() : this.#delay(fault));
    }
    return act(value);
  }

  async *#list(prefix: string, fault: Fault | undefined): AsyncGenerator<string> {
    if (fault?.kind === "fail") throw errorOf(fault, "list", prefix);
    if (fault?.kind === "hang") await this.#hang();
    if (fault?.kind === "lose-answer") {
      const keys: string[] = [];
      for await (const key of this.#storage.list(prefix)) keys.push(key);
      yield* keys.slice(0, keys.length >> 1);
      throw errorOf(fault, "list", prefix);
    }
    for await (const key of this.#storage.list(prefix)) {
      if (fault?.kind === "delay") await this.#delay(fault);
      yield key;
    }
    if (fault?.kind === "delay") await this.#delay(fault);
  }

  /** Notes the call, and gives the fault that strikes it. */
  #arrive(operation: StorageOperation, key: string): Fault | undefined {
    this.#operations[operation]++;
    // All are asked, so that each counts every call, also one that another fault strikes.
    const fault = this.#faults.filter(({ strikes }) => strikes(operation, key))[0]?.fault;
    this.#log.push(fault ? { operation, key, fault: fault.kind } : { operation, key });
    return fault;
  }

  #hang(): Promise<void> {
    return new Promise((resolve) => {
      this.#releases.push(resolve);
      this.#conditions.look();
    });
  }

  #delay(fault: Fault & { kind: "delay" }): Promise<void> {
    return sleep(this.#clock, toMilliseconds(fault.duration, "The duration of a fault"));
  }
}
