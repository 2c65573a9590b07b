// The storage contract: five verbs, bytes in and out. What the bytes mean is decided above (journal and record).

/**
 * A place where checkpoints live: a small conditional key-value store.
 *
 * Keys are ASCII texts of at most 600 characters whose parts are separated by `/`; no part is empty, begins with a dot
 * or is longer than 150 characters. Values are bytes of any length, 0 included. Prove your own storage with
 * `storageContract` from `dotflow/testing`.
 */
export interface Storage {
  /**
   * Whether a write that was acknowledged survives a crash of the machine.
   *
   * Resuming on a storage that is not durable works within its life, and gives a warning event.
   */
  readonly durable: boolean;

  /** Gives the value under `key`, or `undefined` where there is none. A value that is there is never half of one. */
  get(key: string): Promise<Uint8Array | undefined>;

  /**
   * Stores `value` under `key`, replacing what was there.
   *
   * A reader sees the old value or the new one, never a mix, also when the writer is killed in the middle.
   */
  put(key: string, value: Uint8Array): Promise<void>;

  /**
   * Stores `value` under `key` if nothing is there yet, and says whether it did.
   *
   * Must be atomic across processes: of any number of callers at once, exactly one gets `true`.
   * Records and leases rest on this; a provider that looks first and writes after lets two processes drive one run.
   */
  create(key: string, value: Uint8Array): Promise<boolean>;

  /**
   * Gives the keys that begin with `prefix`, in any order, each once.
   *
   * Must show every key whose write was acknowledged before the listing began; what is written or deleted meanwhile
   * may show or not. `prefix` is empty or ends with `/`.
   */
  list(prefix: string): AsyncIterable<string>;

  /** Removes `key`. Removing what is not there is no error. */
  delete(key: string): Promise<void>;

  /** Frees connections and handles that the storage opened itself. Nothing is called after it. */
  close?(): Promise<void>;
}
