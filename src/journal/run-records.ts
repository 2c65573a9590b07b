// The records of the run that is driven: written at once, or gathered as the checkpoint policy says, and found wherever they are.
import type { Clock } from "../clock.ts";
import type { StoredRecord } from "../record.ts";
import { Batches, type Gathered, packBatch } from "./batches.ts";
import { type CheckpointPolicy, Gatherer, type Gathering } from "./gatherer.ts";
import type { Lease } from "./lease.ts";
import type { RunPointer } from "./lease-body.ts";
import type { Store } from "./store.ts";

/** What a run can have beside the records of its tasks. The lease says so, so that a resume looks only for what there is. */
export type Extra = "parts" | "state" | "batches";

export interface RunRecordsOptions {
  readonly store: Store;
  readonly lease: Lease;
  readonly clock: Clock;
  /** When records are written; each at once where it is missing. */
  readonly policy: CheckpointPolicy | undefined;
  readonly runId: () => string;
}

export class RunRecords {
  readonly #options: RunRecordsOptions;
  readonly #batches: Batches;
  readonly #gatherer: Gatherer | undefined;
  /** The batches that were written under the lease's present generation. */
  #written = { generation: 0, count: 0 };
  /** The keys of records that are not to be held back. */
  readonly #urgent = new Set<string>();
  /** Settled once the lease says what the run has. */
  readonly #noted = new Map<Extra, Promise<void>>();

  constructor(options: RunRecordsOptions) {
    this.#options = options;
    const { store, clock, policy } = options;
    this.#batches = new Batches(store);
    if (policy) this.#gatherer = new Gatherer(policy, clock, (records) => this.#writeBatch(records));
  }

  /** What the lease says of the run. */
  get pointer(): RunPointer | undefined {
    return this.#options.lease.runs[0];
  }

  /** Another run begins: what was noted is not so of that one. */
  reset(): void {
    this.#noted.clear();
  }

  /** Lets the lease say what the run has, before the first of it is there. */
  note(what: Extra): Promise<void> {
    const note = async (): Promise<void> => {
      const { pointer } = this;
      const run = this.#options.runId();
      if (!pointer?.[what]) await this.#options.lease.point([{ run, plan: 0, ...pointer, [what]: true }]);
    };
    let noted = this.#noted.get(what);
    if (!noted) this.#noted.set(what, (noted = note()));
    return noted;
  }

  /** Writes a record at once. Gives the record of a rival that was first and counts; `undefined` when ours was written. */
  async create(key: string, record: StoredRecord): Promise<StoredRecord | undefined> {
    const { store, lease } = this.#options;
    const { created, existing } = await store.create(key, record);
    if (created) return undefined;
    await lease.confirm();
    if (existing) return existing;
    // Torn: whoever wrote it died in the middle, and only the holder of the lease may replace it.
    await store.put(key, record);
    return undefined;
  }

  /** Writes a record at once, or holds it back as the policy says. */
  async gather(key: string, record: StoredRecord, gathering: Gathering): Promise<StoredRecord | undefined> {
    if (!this.#gatherer) return this.create(key, record);
    await this.#gatherer.add(key, record, gathering);
    if (this.#urgent.delete(key)) await this.flush();
    return undefined;
  }

  /** Has the record under `key`, which is about to come, written at once, with all that is held back. */
  hurry(key: string): void {
    if (this.#gatherer) this.#urgent.add(key);
  }

  /** Reads a record of any run wherever it is: held back, alone, or written together with others. */
  async read(key: string): Promise<StoredRecord | undefined> {
    const held = this.#gatherer?.get(key);
    if (held) return held;
    const { store } = this.#options;
    const run = store.keys.runOf(key);
    if (!this.#mayHaveBatches(run)) return store.read(key);
    // An owner that wrote records together did not see one that lies alone.
    return (await this.#batches.read(run, key)) ?? store.read(key);
  }

  /** The keys of records under a folder of a run, behind the name of the folder: wherever they are, held back ones too. */
  async names(run: string, folder: string): Promise<string[]> {
    const alone = await this.#options.store.list(folder);
    const batched = this.#mayHaveBatches(run) ? await this.#batches.keys(run) : [];
    const held = this.#gatherer?.keys() ?? [];
    const keys = [...alone, ...[...batched, ...held].filter((key) => key.startsWith(folder))];
    return [...new Set(keys)].map((key) => key.slice(folder.length));
  }

  /**
   * Takes the place of the next batch of each owner before this one that did not end in order. What such a one, asleep in the
   * middle of a write, would still bring is refused then: unlike a record of its own, a batch meets no other under its key.
   * An empty one in the last place says that it is taken: only here are such written.
   */
  async closeBatches(run: string): Promise<void> {
    const { store, lease } = this.#options;
    const places = new Map<number, number>();
    for (const key of await store.list(store.keys.batches(run))) {
      const [owner = 0, place = 0] = key.slice(store.keys.batches(run).length).split("-").map(Number);
      places.set(owner, Math.max(places.get(owner) ?? 0, place + 1));
    }
    for (const generation of await lease.unsettled()) {
      const nothing = packBatch([], lease.writer);
      let place = places.get(generation) ?? 0;
      const last = place > 0 ? await store.read(store.keys.batch(run, generation, place - 1)) : undefined;
      if (last?.facts["records"] === 0) continue;
      while (!(await store.create(store.keys.batch(run, generation, place), nothing)).created) place++;
    }
  }

  /** Writes what is held back. */
  async flush(): Promise<void> {
    await this.#gatherer?.flush();
  }

  /** The same before something is written at once that may follow from it; items of the map in `folder` don't follow from one another. */
  async flushBefore(folder: string): Promise<void> {
    // Through the shared state they may.
    await this.#gatherer?.flushBefore(this.pointer?.state ? undefined : folder);
  }

  /** Forgets what is held back: this process drives no more. */
  drop(): void {
    this.#gatherer?.drop();
  }

  /** Of other runs nobody knows without a look. */
  #mayHaveBatches(run: string): boolean {
    return run !== this.#options.runId() || (this.pointer?.batches ?? false);
  }

  async #writeBatch(records: readonly Gathered[]): Promise<void> {
    const { store, lease, runId } = this.#options;
    await this.note("batches");
    await lease.ensure();
    const { generation } = lease;
    if (this.#written.generation !== generation) this.#written = { generation, count: 0 };
    const key = store.keys.batch(runId(), generation, this.#written.count++);
    await this.create(key, packBatch(records, lease.writer));
    await this.#batches.add(runId(), key, records);
  }
}
