// Leases as several processes hold them: each with a copy of the modules of its own, so that none knows the others.
import { vi } from "vitest";
import { type LeaseOwner, type Storage, StorageMemory } from "dotflow";
import type { ManualClock } from "dotflow/testing";
import type { Lease, LeaseOptions } from "../../src/journal/lease.ts";
import type { LeaseBody } from "../../src/journal/lease-body.ts";
import type { LeaseStore } from "../../src/journal/lease-store.ts";

export const leaseTime = 30_000;

export interface LeaseProcess {
  readonly store: LeaseStore;
  /** The owners that it was told to watch. */
  readonly watched: LeaseOwner[];
  acquire(options?: Partial<LeaseOptions>): Promise<Lease>;
}

/** A process of its own, which reaches `storage` in its own way. */
export async function leaseProcess(storage: Storage, clock: ManualClock): Promise<LeaseProcess> {
  vi.resetModules();
  const { Lease } = await import("../../src/journal/lease.ts");
  const store = await leaseStore(storage, clock);
  const watched: LeaseOwner[] = [];
  const defaults: LeaseOptions = {
    store,
    clock,
    lease: leaseTime,
    lock: "fail",
    signal: undefined,
    onWatch: (owner) => watched.push(owner),
    point: (previous) => previous,
  };
  return { store, watched, acquire: (options) => Lease.acquire({ ...defaults, ...options }) };
}

async function leaseStore(storage: Storage, clock: ManualClock): Promise<LeaseStore> {
  const [{ LeaseStore }, { Store }, { guardStorage }, { makeSeal }] = await Promise.all([
    import("../../src/journal/lease-store.ts"),
    import("../../src/journal/store.ts"),
    import("../../src/guard.ts"),
    import("../../src/seal.ts"),
  ]);
  return new LeaseStore(
    new Store(
      "job",
      guardStorage(storage, clock, () => 0),
      makeSeal({}),
    ),
  );
}

/** A process on another machine, whose every write the test makes itself. */
export interface Foreigner {
  /** Writes its lease of this generation, anew where it is there. */
  write(generation: number, more?: Partial<LeaseBody>): Promise<void>;
}

export async function foreigner(storage: Storage, clock: ManualClock): Promise<Foreigner> {
  const store = await leaseStore(storage, clock);
  let count = 0;
  const owner = { host: "elsewhere", pid: 1, process: "foreign" };
  return {
    async write(generation, more = {}) {
      const runs = [{ run: "foreign-run", plan: 0 }];
      const body = { runs, lease: leaseTime, renewed: clock.now(), count: count++, released: false, owner, ...more };
      await store.put(generation, "foreign-writer", body);
    },
  };
}

/** The generations that are there, each with who wrote it last. */
export async function generations(storage: StorageMemory, { store }: LeaseProcess): Promise<string[]> {
  const texts: string[] = [];
  for await (const key of storage.list("job/leases/")) {
    const { body } = await store.read(Number(key.slice(-8)));
    texts.push(
      `${Number(key.slice(-8))} ${body.owner.host === "elsewhere" ? "foreign" : "own"}${body.released ? " released" : ""}`,
    );
  }
  return texts;
}

/** Whether `promise` is still open after all that can happen without time going on. */
export async function isPending(promise: Promise<unknown>, clock: ManualClock): Promise<boolean> {
  let pending = true;
  const settle = (): void => void (pending = false);
  promise.then(settle, settle);
  await clock.advance(0);
  return pending;
}
