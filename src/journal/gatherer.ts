// Holds records back until the checkpoint policy says that they are to be written, and writes them as one object.
import type { Clock } from "../clock.ts";
import type { StoredRecord } from "../record.ts";
import type { Gathered } from "./batches.ts";

/** When gathered records are written: as soon as one of these is met, and at the end of the run. */
export interface CheckpointPolicy {
  readonly everySteps: number;
  /** Milliseconds from the first record that was held back. */
  readonly every: number;
  readonly afterTasks: ReadonlySet<string>;
}

/** What a record is of, as far as its writing depends on it. */
export interface Gathering {
  /** The task that it ends. */
  readonly task?: string;
  /** The folder of the map that it is an item of: no other item follows from it. */
  readonly items?: string;
}

export class Gatherer {
  readonly #policy: CheckpointPolicy;
  readonly #clock: Clock;
  readonly #write: (records: readonly Gathered[]) => Promise<void>;
  #held = new Map<string, StoredRecord>();
  /** The folders of the maps that held records are items of; empty for those that are none. */
  #folders = new Set<string>();
  /** What is being written. */
  #leaving = new Map<string, StoredRecord>();
  #steps = 0;
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer = (): void => {};
  #failure: { readonly error: unknown } | undefined;

  constructor(policy: CheckpointPolicy, clock: Clock, write: (records: readonly Gathered[]) => Promise<void>) {
    this.#policy = policy;
    this.#clock = clock;
    this.#write = write;
  }

  get(key: string): StoredRecord | undefined {
    return this.#held.get(key) ?? this.#leaving.get(key);
  }

  /** The keys of what is held and of what is being written. */
  keys(): string[] {
    return [...this.#leaving.keys(), ...this.#held.keys()];
  }

  /** Takes a record. Resolves when it may go on: after the writing, where this record calls for it. */
  async add(key: string, record: StoredRecord, { task, items = "" }: Gathering): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    if (this.#held.size === 0) this.#arm();
    this.#held.set(key, record);
    this.#folders.add(items);
    this.#steps++;
    const isAfterTask = task !== undefined && this.#policy.afterTasks.has(task);
    if (this.#steps >= this.#policy.everySteps || isAfterTask) await this.flush();
  }

  /** Writes what is held before something that may follow from it: all but the other items of the map in `folder`. */
  async flushBefore(folder: string | undefined): Promise<void> {
    if ([...this.#folders].some((each) => each !== folder)) return this.flush();
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  /** Writes what is held. Rejects where it, or an earlier writing, failed. */
  async flush(): Promise<void> {
    const written = this.#writing.then(() => this.#writeHeld());
    this.#writing = written.catch(() => {});
    await written;
  }

  async #writeHeld(): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    this.#cancelTimer();
    if (this.#held.size === 0) return;
    this.#leaving = this.#held;
    this.#held = new Map();
    this.#folders = new Set();
    this.#steps = 0;
    try {
      await this.#write([...this.#leaving]);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    this.#leaving = new Map();
  }

  #arm(): void {
    if (this.#policy.every === Infinity) return;
    // What goes wrong shows at the next record, or at the end of the run.
    this.#cancelTimer = this.#clock.timer(this.#policy.every, () => void this.flush().catch(() => {}), {
      background: true,
    });
  }

  /** Forgets what is held: another process drives the run. */
  drop(): void {
    this.#cancelTimer();
    this.#held.clear();
  }
}
