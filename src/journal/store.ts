// Records of one workflow under keys: what the journal, the lease and the history read and write through.
import { CorruptCheckpointError } from "../errors.ts";
import type { GuardedStorage } from "../guard.ts";
import { decodeRecord, encodeRecord, type StoredRecord } from "../record.ts";
import type { Seal } from "../seal.ts";
import { Keys } from "./keys.ts";
import { runIdPattern } from "./run-id.ts";

/** What the workflow writes, from behind its folder on. */
const part = String.raw`(iterations/\d{8,}|(once|intents|waits|arrivals)/\d{8,}/[^/]+|progress/\d{8,}/\d{8,})`;
const parts = String.raw`parts/[^/]+/(${part}|items/[^/]+|of/[^/]+/${part})`;
const own = new RegExp(
  `^(leases/\\d{8,}(\\.cancel)?|snapshots/[^/]+/${runIdPattern}\\.\\d{15}-[0-9a-f]{8}|runs/${runIdPattern}/(run|batches/\\d{8,}-\\d{8,}|(plans|ends)/\\d{8,}|steps/[^/]+|(signals|taken)/[^/]+/[^/]+|${parts}))$`,
);

export class Store {
  readonly workflowId: string;
  readonly keys: Keys;
  readonly #storage: GuardedStorage;
  readonly #seal: Seal;

  constructor(workflowId: string, storage: GuardedStorage, seal: Seal) {
    this.workflowId = workflowId;
    this.keys = new Keys(workflowId);
    this.#storage = storage;
    this.#seal = seal;
  }

  /** Of the workflow that is a task of this one. */
  within(taskId: string): Store {
    return new Store(`${this.workflowId}.${taskId}`, this.#storage, this.#seal);
  }

  /** Gives the record under `key`; `undefined` where there is none, or only a torn one, which counts as not written. */
  async read(key: string): Promise<StoredRecord | undefined> {
    const bytes = await this.#storage.get(key);
    return bytes && decodeRecord(this.#seal, key, bytes);
  }

  async put(key: string, record: StoredRecord): Promise<void> {
    await this.#storage.put(key, await encodeRecord(this.#seal, key, record));
  }

  /**
   * Writes `record` where nothing is yet. One's own write whose answer was lost is known by its writer, and counts as created.
   *
   * `existing` is the record of a rival that was first; it is missing where what lies there is torn.
   */
  async create(key: string, record: StoredRecord): Promise<{ created: boolean; existing?: StoredRecord }> {
    if (await this.#storage.create(key, await encodeRecord(this.#seal, key, record))) return { created: true };
    const existing = await this.read(key);
    if (!existing) return { created: false };
    return { created: existing.writer === record.writer, existing };
  }

  /** Gives the bytes under `key`, which have proved to be sound; `undefined` where there is nothing or only a torn write. */
  async readSound(key: string): Promise<{ bytes: Uint8Array; record: StoredRecord } | undefined> {
    const bytes = await this.#storage.get(key);
    const record = bytes && (await decodeRecord(this.#seal, key, bytes));
    return record && { bytes, record };
  }

  /** Writes `bytes` where nothing is yet, and reads them again. Rejects where something else lies there. */
  async createSound(key: string, bytes: Uint8Array): Promise<void> {
    await this.#storage.create(key, bytes);
    const written = await this.#storage.get(key);
    if (written && Buffer.compare(written, bytes) === 0) return;
    throw new CorruptCheckpointError(
      `"${key}" of workflow "${this.workflowId}" holds something else than what was copied there. It was left as it is.`,
      { workflowId: this.workflowId, key },
    );
  }

  /** The keys under `prefix` that the workflow writes. Whatever somebody else put beside them is not seen. */
  async list(prefix: string): Promise<string[]> {
    const keys = await this.#storage.list(prefix);
    const start = this.keys.workflow.length;
    return keys.filter((key) => own.test(key.slice(start)));
  }

  delete(key: string): Promise<void> {
    return this.#storage.delete(key);
  }
}
