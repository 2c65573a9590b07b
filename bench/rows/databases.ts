// SQLite, PostgreSQL and Redis beside the same values written through their own drivers by hand.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Storage, StorageMemory } from "dotflow";
import { StoragePostgres } from "dotflow/storage/postgres";
import { StorageRedis } from "dotflow/storage/redis";
import { StorageSqlite } from "dotflow/storage/sqlite";
import { besideByHand, HandCalls } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { compare, repeat, scale, show, timed } from "../measure.ts";
import { withServer } from "../servers.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { chain, complete } from "../workflows.ts";

const steps = 1_000;
const rounds = 9;
const microseconds = 1_000 / steps;

/** A write by hand, and the end of its connection. */
interface Hand {
  readonly write: (name: string, value: Uint8Array) => unknown;
  readonly close: () => unknown;
}

export async function sqliteRows(): Promise<Row[]> {
  const sequential = await withFolder((folder) =>
    besideHand("sqlite", {
      open: () => new StorageSqlite({ file: join(folder, `${randomUUID()}.db`) }),
      hand: () => sqliteByHand(join(folder, `${randomUUID()}-by-hand.db`)),
      budget: 1.3,
    }),
  );
  return [sequential, await parallelRow()];
}

export function postgresRows(): Promise<Row[]> {
  return onServer("postgres", (connectionString) => ({
    open: () => new StoragePostgres({ connectionString, table: `ours-${randomUUID()}` }),
    hand: () => postgresByHand(connectionString),
  }));
}

export function redisRows(): Promise<Row[]> {
  return onServer("redis", (url) => ({
    open: () => new StorageRedis({ url, prefix: `ours-${randomUUID()}:` }),
    hand: () => redisByHand(url),
  }));
}

interface Sides {
  readonly open: () => Storage;
  readonly hand: () => Promise<Hand>;
  readonly budget?: number;
}

async function onServer(name: string, sides: (address: string) => Sides): Promise<Row[]> {
  return [await withServer(name, (address) => besideHand(name, sides(address)))];
}

async function besideHand(name: string, { open, hand, budget }: Sides): Promise<Row> {
  const watched = watch(new StorageMemory());
  await complete(chain(watched.storage, steps));
  const round = async (): Promise<{ ours: number; raw: number }> => {
    const storage = open();
    const { write, close } = await hand();
    const calls = new HandCalls(watched.written, write);
    // Connected, and the table made, before anything is measured.
    await storage.get("warm");
    const times = await besideByHand(calls, () => complete(chain(storage, steps, () => calls.writeNext())));
    await close();
    await storage.close?.();
    return times;
  };
  await round();
  const compared = await compare(rounds, round);
  return {
    work: `${name}: 1,000 steps, ${watched.written.length} writes`,
    ours: `${show(scale(compared.ours, microseconds), "µs")} a step`,
    raw: `${show(scale(compared.raw, microseconds), "µs")} a step`,
    compared: `× ${show(compared.ratio, "")}`,
    ...(budget !== undefined && { budget: `× ${budget}`, within: compared.ratio.median <= budget }),
  };
}

const tasks = 10_000;

/** Writes that wait at the same time share a commit. */
async function parallelRow(): Promise<Row> {
  const times = await repeat(3, () =>
    withFolder((folder) => {
      const workflow = chain(new StorageSqlite({ file: join(folder, "checkpoints.db") }), tasks);
      return timed(() => complete(workflow, { mode: "parallel", concurrency: 64 }));
    }),
  );
  return {
    work: "sqlite: 10,000 parallel tasks, 64 at a time",
    ours: show(times, "ms"),
    raw: `${Math.round((tasks * 1_000) / times.median).toLocaleString("en")} tasks/s`,
  };
}

const insert = "INSERT INTO by_hand (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING";

async function sqliteByHand(file: string): Promise<Hand> {
  const database = await openSqlite(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE by_hand (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)");
  const statement = database.prepare(insert);
  return { write: (name, value) => statement.run(name, value), close: () => database.close() };
}

interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): unknown };
  close(): unknown;
}

/** The driver that `StorageSqlite` takes as well. */
async function openSqlite(file: string): Promise<Sqlite> {
  // Newer than the types of Node that this is compiled with.
  const builtin = process.getBuiltinModule?.("node:sqlite") as
    | { DatabaseSync: new (path: string) => Sqlite }
    | undefined;
  if (builtin) return new builtin.DatabaseSync(file);
  const { default: Database } = await import("better-sqlite3");
  return new Database(file);
}

async function postgresByHand(connectionString: string): Promise<Hand> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString });
  await client.connect();
  const table = `"by-hand-${randomUUID()}"`;
  await client.query(`CREATE TABLE ${table} (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)`);
  const text = `INSERT INTO ${table} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING key`;
  return { write: (name, value) => client.query(text, [name, value]), close: () => client.end() };
}

async function redisByHand(url: string): Promise<Hand> {
  const { createClient } = await import("redis");
  const client = await createClient({ url }).connect();
  const prefix = `by-hand-${randomUUID()}:`;
  return {
    write: (name, value) => client.sendCommand(["SET", prefix + name, Buffer.from(value), "NX"]),
    close: () => client.close(),
  };
}
