// The storage contract: five verbs, bytes in and out. What the bytes mean is decided above (journal and record).

/**
 * A place where checkpoints live: a small conditional key-value store.
 *
 * Keys are texts of `a–z 0–9 - _ . =` whose parts are separated by `/`. A key has at most 600 characters, a part at
 * most 150; no part is empty, begins or ends with a dot, and no key is the folder of another (`a` beside `a/b`).
 * Keys are case-sensitive: dotflow writes no upper-case letter, and a storage that can't keep `A` and `a` apart must
 * refuse `A` with an error. Values are bytes of any length, 0 included. Prove your own storage with `storageContract`
 * from `dotflow/testing`.
 */
export interface Storage {
  /**
   * Whether a write that was acknowledged survives a crash of the machine.
   *
   * Resuming on a storage that is not durable works within its life, and gives a warning event.
   */
  readonly durable: boolean;

  /** Why it is durable or is not, where that is worth a word: a sentence without its full stop, for that warning. */
  readonly durability?: string | undefined;

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
