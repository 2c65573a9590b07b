// Reads and writes the leases of a workflow, and finds the newest run where a lease can't tell.
import { decodePart, generationOf } from "./keys.ts";
import { ownIdentity } from "./identity.ts";
import type { LeaseBody, Pointers } from "./lease-body.ts";
import { newestFirst } from "./run-id.ts";
import type { StoredRecord } from "../record.ts";
import type { Store } from "./store.ts";

export interface SeenLease {
  readonly writer: string;
  readonly body: LeaseBody;
  /** Changes with every renewal. */
  readonly text: string;
}

export class LeaseStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get workflowId(): string {
    return this.#store.workflowId;
  }

  list(): Promise<string[]> {
    return this.#store.list(this.#store.keys.leases);
  }

  /** Reads a lease. One that is torn or gone had no owner that lives to tell: it reads as released. */
  async read(generation: number): Promise<SeenLease> {
    const record = await this.#store.read(this.#store.keys.lease(generation));
    if (!record) return { writer: "", text: "", body: await this.#recover() };
    const text = Buffer.from(record.payload).toString("utf8");
    return { writer: record.writer, text, body: JSON.parse(text) as LeaseBody };
  }

  /** Creates a generation, and says whether it is ours. */
  async create(generation: number, writer: string, body: LeaseBody): Promise<boolean> {
    return (await this.#store.create(this.#store.keys.lease(generation), encode(writer, body))).created;
  }

  put(generation: number, writer: string, body: LeaseBody): Promise<void> {
    return this.#store.put(this.#store.keys.lease(generation), encode(writer, body));
  }

  /** Asks the owner of a generation to end its run. `writer` is its mark: the request is for nobody else who has that number. */
  async requestCancel(generation: number, writer: string): Promise<void> {
    const payload = Buffer.alloc(0);
    await this.#store.put(this.#store.keys.cancel(generation), { kind: "cancel", writer, facts: {}, payload });
  }

  /** Whom the request of a generation is for; `undefined` where it is torn or can't be trusted. */
  async readCancel(generation: number): Promise<string | undefined> {
    const record = await this.#store.read(this.#store.keys.cancel(generation)).catch(() => undefined);
    return record?.kind === "cancel" ? record.writer : undefined;
  }

  async #recover(): Promise<LeaseBody> {
    return {
      runs: await newestRuns(this.#store),
      lease: 0,
      renewed: 0,
      count: 0,
      released: true,
      owner: ownIdentity(),
    };
  }
}

/** The runs that are in the storage, newest first, as far as their names tell. */
export async function newestRuns(store: Store): Promise<Pointers> {
  const plans = new Map<string, number>();
  for (const key of await store.list(store.keys.runs)) {
    const [encoded = "", what, number] = key.slice(store.keys.runs.length).split("/");
    const run = decodePart(encoded);
    if (run === undefined) continue;
    if (what === "run") plans.set(run, plans.get(run) ?? 0);
    if (what === "plans" && number) plans.set(run, Math.max(plans.get(run) ?? 0, generationOf(key)));
  }
  return [...plans]
    .map(([run, plan]) => ({ run, plan, parts: true, state: true, batches: true }))
    .sort((a, b) => newestFirst(a.run, b.run));
}

function encode(writer: string, body: LeaseBody): StoredRecord {
  return { kind: "lease", writer, facts: {}, payload: Buffer.from(JSON.stringify(body)) };
}
