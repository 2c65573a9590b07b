// Records that were gathered and written as one object, as the checkpoint policy asks for.
import { inParallel } from "../parallel.ts";
import type { Facts, RecordKind, StoredRecord } from "../record.ts";
import type { Store } from "./store.ts";

/** A record with the key that it would have alone. */
export type Gathered = readonly [key: string, record: StoredRecord];

type Entry = readonly [key: string, kind: RecordKind, writer: string, facts: Facts, size: number];

export function packBatch(records: readonly Gathered[], writer: string): StoredRecord {
  const entries = records.map(([key, { kind, writer: by, facts, payload }]): Entry => [
    key,
    kind,
    by,
    facts,
    payload.length,
  ]);
  const index = Buffer.from(`${JSON.stringify(entries)}\n`);
  const payload = Buffer.concat([index, ...records.map(([, record]) => record.payload)]);
  return { kind: "batch", writer, facts: { records: records.length }, payload };
}

/** Finds gathered records. What is kept in mind is where they are, and the batch that was read last. */
export class Batches {
  readonly #store: Store;
  /** By run, the batch of each record. */
  readonly #indexes = new Map<string, Promise<Map<string, string>>>();
  #last: { readonly batch: string; readonly records: ReadonlyMap<string, StoredRecord> } | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The keys of the records that a run has in batches. */
  async keys(run: string): Promise<string[]> {
    return [...(await this.#index(run)).keys()];
  }

  async read(run: string, key: string): Promise<StoredRecord | undefined> {
    const batch = (await this.#index(run)).get(key);
    if (batch === undefined) return undefined;
    if (this.#last?.batch !== batch) this.#last = { batch, records: new Map(await this.#unpack(batch)) };
    return this.#last.records.get(key);
  }

  /** Notes a batch that this process has written. */
  async add(run: string, batch: string, records: readonly Gathered[]): Promise<void> {
    const index = await this.#index(run);
    for (const [key] of records) index.set(key, batch);
  }

  #index(run: string): Promise<Map<string, string>> {
    let index = this.#indexes.get(run);
    if (!index) this.#indexes.set(run, (index = this.#makeIndex(run)));
    return index;
  }

  async #makeIndex(run: string): Promise<Map<string, string>> {
    // Of two records with one key that of the later owner counts: the names of batches are in that order.
    const batches = (await this.#store.list(this.#store.keys.batches(run))).sort();
    const found = await inParallel(batches, async (batch) =>
      (await this.#unpack(batch)).map(([key]) => [key, batch] as const),
    );
    return new Map(found.flat());
  }

  async #unpack(batch: string): Promise<Gathered[]> {
    const record = await this.#store.read(batch);
    return record ? unpackBatch(record) : [];
  }
}

/** The records in a batch. */
export function unpackBatch({ payload }: StoredRecord): Gathered[] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  let at = bytes.indexOf(10) + 1;
  const entries = JSON.parse(bytes.subarray(0, at).toString("utf8")) as Entry[];
  return entries.map(([key, kind, writer, facts, size]): Gathered => {
    const record = { kind, writer, facts, payload: bytes.subarray(at, at + size) };
    at += size;
    return [key, record];
  });
}
