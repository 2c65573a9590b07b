// What the tests of StorageSqlite work with: a new folder for each test, and child processes that use it too.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { type SqliteDatabase, StorageSqlite, type StorageSqliteOptions } from "../../providers/storage/sqlite.ts";
import { loadDriver } from "../../providers/storage/sqlite-driver.ts";

/** A temporary folder, and a storage over a file that is not there yet, in a folder of it that is not there either. */
export interface Place {
  base: string;
  file: string;
  storage: StorageSqlite;
  /** Opens another storage over the same file. It is closed after the test. */
  another(options?: StorageSqliteOptions): StorageSqlite;
  /** Opens a file without dotflow. It is closed after the test. */
  database(file?: string): Promise<SqliteDatabase>;
}

const children = new Set<ChildProcess>();

/** Gives an object that is filled anew before each test of the file. */
export function placeForEach(): Place {
  const place = {} as Place; // Tests read it only after `beforeEach`.
  const storages: StorageSqlite[] = [];
  const databases: SqliteDatabase[] = [];
  beforeEach(() => {
    place.base = fs.mkdtempSync(join(tmpdir(), "storage-sqlite-"));
    place.file = join(place.base, "store", "checkpoints.db");
    place.another = (options = { file: place.file }) => {
      const storage = new StorageSqlite(options);
      storages.push(storage);
      return storage;
    };
    place.database = async (file = place.file) => {
      const database = (await loadDriver())(file);
      databases.push(database);
      return database;
    };
    place.storage = place.another();
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    children.clear();
    for (const storage of storages.splice(0)) await storage.close();
    for (const database of databases.splice(0)) database.close();
    fs.rmSync(place.base, { recursive: true, force: true });
  });
  return place;
}

export async function keysOf(storage: StorageSqlite, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const key of storage.list(prefix)) found.push(key);
  return found.toSorted();
}

/** Starts `storage-sqlite-<program>.ts`, and waits until it says that it has loaded. */
export async function start(program: string, ...args: string[]): Promise<ChildProcess> {
  const path = join(import.meta.dirname, `storage-sqlite-${program}.ts`);
  const child = fork(path, args, { execArgv: ["--import", "tsx"] });
  children.add(child);
  await orItsEnd(child, once(child, "message"));
  return child;
}

/** Sends a word to a child, and gives what it sends back. */
export async function ask<Answer>(child: ChildProcess, word = "go"): Promise<Answer> {
  const answered = once(child, "message");
  child.send(word);
  const [answer] = (await orItsEnd(child, answered)) as [Answer];
  return answer;
}

function orItsEnd<Answer>(child: ChildProcess, answer: Promise<Answer>): Promise<Answer> {
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`The child process ended (${code ?? signal}) without an answer.`);
  });
  ended.catch(() => {});
  return Promise.race([answer, ended]);
}

/** The first row that a statement gives. */
export function row(database: SqliteDatabase, sql: string): Record<string, unknown> {
  return database.prepare(sql).get() as Record<string, unknown>;
}
