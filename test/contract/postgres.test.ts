// The storage contract over StoragePostgres: over a pool of its own, over a client that is handed in, and over PGlite.
import { PGlite } from "@electric-sql/pglite";
import { Client } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { StoragePostgres } from "dotflow/storage/postgres";
import { storageContract } from "dotflow/testing";
import { postgres as places } from "../places/postgres.ts";
import { postgres as server } from "../servers/postgres.ts";

const missing = server.missing();
const because = missing === undefined ? "" : `, skipped: ${missing}`;

const needsProcesses = "needs `processes` in the options of storageContract";

type Placed = { readonly connectionString: string; readonly table: string };
type Open = (place: Placed) => Promise<{ storage: Storage; end?: () => Promise<void> }>;

const own = "connections of its own";

const ways: Record<string, Open> = {
  [own]: async (place) => ({ storage: new StoragePostgres(place) }),
  "a single client": async ({ connectionString, table }) => {
    const client = new Client({ connectionString });
    await client.connect();
    return { storage: new StoragePostgres({ client, table }), end: () => client.end() };
  },
};

describe.skipIf(missing).each(Object.entries(ways))(`over %s${because}`, (way, open) => {
  const opened = new Map<Storage, { place: string; end: (() => Promise<void>) | undefined }>();
  const openAt = async (place: string): Promise<Storage> => {
    const { storage, end } = await open(JSON.parse(place) as Placed);
    opened.set(storage, { place, end });
    return storage;
  };
  const placeOf = (storage: Storage): string => opened.get(storage)?.place ?? "";

  const processes = {
    module: new URL("./open-postgres.ts", import.meta.url),
    place: placeOf,
    execArgv: ["--import", "tsx"],
  };
  const checks = storageContract({
    open: async () => openAt(await places.make()),
    reopen: (storage) => openAt(placeOf(storage)),
    cleanUp: async (first) => {
      await places.remove(placeOf(first));
      for (const { end } of opened.values()) await end?.();
      opened.clear();
    },
    // The other processes would have connections of their own, whatever this one has.
    ...(way === own ? { processes } : { largest: 2 * 1024 * 1024 }),
  });

  it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });

  it(`skips ${way === own ? "nothing" : "what needs several processes, and nothing else"}`, () => {
    const skipped = checks.flatMap(({ skip }) => skip ?? []).filter((why) => way === own || why !== needsProcesses);
    expect(skipped).toEqual([]);
  });
});

describe("over PGlite, which lives in this process", () => {
  const database = new PGlite();
  const tables = new WeakMap<Storage, string>();
  let count = 0;
  const openAt = (table: string): Storage => {
    const storage = new StoragePostgres({ client: database, table, durable: false });
    tables.set(storage, table);
    return storage;
  };
  afterAll(() => database.close());

  const checks = storageContract({
    open: () => openAt(`table-${count++}`),
    reopen: (storage) => openAt(tables.get(storage) ?? ""),
    // In there 32 MB take a quarter of a minute.
    largest: 2 * 1024 * 1024,
    cleanUp: async (storage) => void (await database.query(`DROP TABLE IF EXISTS "${tables.get(storage)}"`)),
  });

  it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });

  it("skips what needs several processes or a disk, and nothing else", () => {
    const reasons = new Set(checks.flatMap(({ skip }) => skip ?? []));
    expect([...reasons].sort()).toEqual([needsProcesses, "the storage does not call itself durable"]);
  });
});
