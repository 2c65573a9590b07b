// What happened over all starts of one run, and what must not have: looked up in the storage, below all faults and engines.
import type { Storage } from "dotflow";
import { writtenIn } from "../../testing/crash/written.ts";
import { keysOf } from "../storages.ts";

export class Ledger {
  /** What must not happen, as sentences. */
  readonly wrong: string[] = [];
  readonly #storage: Storage;
  readonly #counts = new Map<string, number>();
  #charges = 0;
  #start = 1;
  /** Which start writes under which name. */
  readonly #writers = new Map<string, number>();
  /** What an earlier start wrote arrived behind the back of the present one, which may do it once more. */
  readonly #late = new Set<string>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** From here on start `number` drives the run. */
  begin(number: number): void {
    this.#start = number;
  }

  /** The storage, with a look at what arrives late. */
  watched(): Storage {
    const storage = this.#storage;
    return {
      durable: storage.durable,
      get: (key) => storage.get(key),
      put: (key, value) => storage.put(key, value),
      list: (prefix) => storage.list(prefix),
      delete: (key) => storage.delete(key),
      create: async (key, value) => {
        const created = await storage.create(key, value);
        const writer = /"writer":"([^"]+)"/.exec(Buffer.from(value).toString("latin1"))?.[1] ?? "";
        if (key.includes("/leases/")) this.#writers.set(writer, this.#start);
        if (created && (this.#writers.get(writer) ?? this.#start) < this.#start) this.#late.add(key);
        return created;
      },
      close: async () => storage.close?.(),
    };
  }

  /** Notes an execution of what is saved under a key that ends with `part`, where `*` stands for anything. It must not be there. */
  async execute(part: string): Promise<void> {
    this.#counts.set(part, this.count(part) + 1);
    const pattern = new RegExp(`/${part.replaceAll(".", "[.]").replaceAll("*", "[^/]*")}$`);
    const saved = [...(await savedIn(this.#storage))].find((key) => pattern.test(key) && !this.#late.has(key));
    if (saved) this.wrong.push(`${part} was executed, though ${saved} was there.`);
  }

  count(part: string): number {
    return this.#counts.get(part) ?? 0;
  }

  /** What may happen once at most. */
  charge(what: string): string {
    if (++this.#charges > 1) this.wrong.push(`${what} was charged ${this.#charges} times.`);
    return "charged";
  }
}

/** The keys of everything that is saved whole, alone or gathered with others. */
export async function savedIn(storage: Storage): Promise<Set<string>> {
  const saved = new Set<string>();
  for (const key of await keysOf(storage)) {
    const written = writtenIn((await storage.get(key)) ?? new Uint8Array());
    if (!written?.whole) continue;
    saved.add(key);
    for (const gathered of written.gathered ?? []) saved.add(gathered.key);
  }
  return saved;
}
