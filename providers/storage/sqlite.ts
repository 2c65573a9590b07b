// Keeps values in a table of an SQLite file: which call does what, and which writes share a commit.
// Drivers are left to sqlite-driver.ts, tables and settings to sqlite-schema.ts, statements to sqlite-connection.ts.
import { resolve } from "node:path";
import type { Storage } from "../../src/storage.ts";
import { GroupCommit } from "../shared/group-commit.ts";
import { Connection, removed, type Write } from "./sqlite-connection.ts";
import { loadDriver, type SqliteDatabase } from "./sqlite-driver.ts";
import { explained, isBreaking, isPassing, patiently } from "./sqlite-error.ts";
import { identityOf, openPrivately, prepareFolder } from "./sqlite-file.ts";
import { setUpConnection, setUpForeignConnection, setUpTables } from "./sqlite-schema.ts";

export type { SqliteDatabase, SqliteStatement } from "./sqlite-driver.ts";

export interface StorageSqliteOptions {
  /**
   * Where the database lies; made at the first write, open to its owner only. A relative path counts from the working
   * directory at the time of `new StorageSqlite()`. It must be on a disk of this machine. Beside it SQLite lays two
   * files of its own, `-wal` and `-shm`, which belong to it.
   *
   * @default ".dotflow/checkpoints.db"
   */
  file?: string;
  /**
   * The table for the values; a second one, `<table>_schema`, holds its version. Both are made when they are missing.
   *
   * @default "dotflow"
   */
  table?: string;
  /**
   * How long a call waits while another process writes, in milliseconds. The event loop goes on meanwhile. A call that
   * has waited in vain fails, and is tried again a few times by dotflow.
   *
   * @default 5000
   */
  busyTimeout?: number;
  /**
   * An open database to use instead of `file`: a `DatabaseSync` of `node:sqlite`, a `Database` of better-sqlite3, or
   * what has their methods. It is never closed here. Its `synchronous` is raised so that a write is on the disk when it
   * is acknowledged, which holds for your own writes through it as well; nothing else of it is changed.
   * Keep no transaction open in it while dotflow writes.
   */
  database?: SqliteDatabase;
}

/** A value with its key must stay below the billion bytes that SQLite keeps in a row. */
const largestValue = 1_000_000_000 - 4_096;

/**
 * Keeps checkpoints in a file of SQLite, by `node:sqlite` where this Node has it (from 22.13 on), else by better-sqlite3.
 *
 * A value that was acknowledged is on the disk and survives a crash of the machine; a process that is killed, a full disk
 * or a failed write leaves the value before it. Writes that wait at the same time share one commit, and so one sync.
 * Any number of processes of one machine may share the file. One that is removed or replaced while it is in use fails
 * the next write instead of starting afresh without its records.
 */
export class StorageSqlite implements Storage {
  /** `false` only for a database in memory that was handed in. */
  readonly durable: boolean;
  /** The absolute path of the file; `undefined` for a database in memory. */
  readonly file: string | undefined;
  readonly #handle: SqliteDatabase | undefined;
  readonly #table: string;
  readonly #busyTimeout: number;
  readonly #writes = new GroupCommit<Write, boolean>({
    commit: (writes) => this.#use(async () => (await this.#connect()).write(writes)),
    isOwnFault: (error) => !isPassing(error) && !isBreaking(error),
    size: (write) => (write.verb === "delete" ? 0 : write.value.byteLength),
  });
  #connection: Promise<Connection> | undefined;
  /** Of the file when it was first used. */
  #identity: string | undefined;
  #isClosed = false;

  constructor(options: StorageSqliteOptions = {}) {
    const { file, table = "dotflow", busyTimeout = 5_000, database } = options;
    if (!/^[a-z_][a-z0-9_]{0,59}$/i.test(table) || /^sqlite_/i.test(table))
      throw new TypeError(
        `The option table of StorageSqlite is ${JSON.stringify(table)}. Give up to 60 letters, digits and _, such as "dotflow".`,
      );
    if (!Number.isFinite(busyTimeout) || busyTimeout < 0)
      throw new TypeError(
        `The option busyTimeout of StorageSqlite is ${String(busyTimeout)}. Give milliseconds, such as 5000.`,
      );
    if (file !== undefined && database !== undefined)
      throw new TypeError("StorageSqlite was given both file and database. Give one: a database knows its file.");
    this.#table = table;
    this.#busyTimeout = busyTimeout;
    this.#handle = database;
    this.file = database === undefined ? pathOf(file ?? ".dotflow/checkpoints.db") : fileOf(database);
    this.durable = this.file !== undefined;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    if (this.#isNothingThere()) return undefined;
    return this.#use(async () => (await this.#connect()).get(key));
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    refuseTooLarge(key, value);
    await this.#writes.add({ verb: "put", key, value });
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    refuseTooLarge(key, value);
    return this.#writes.add({ verb: "create", key, value });
  }

  async *list(prefix: string): AsyncIterable<string> {
    if (this.#isNothingThere()) return;
    for (let last: string | undefined; ;) {
      const { keys, isLast } = await this.#use(async () => (await this.#connect()).keysAfter(last, prefix));
      yield* keys;
      if (isLast) return;
      last = keys.at(-1);
    }
  }

  async delete(key: string): Promise<void> {
    await this.#writes.add({ verb: "delete", key });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#disconnect();
  }

  /** Reading makes no file. */
  #isNothingThere(): boolean {
    return this.#handle === undefined && this.#identity === undefined && identityOf(this.file ?? "") === undefined;
  }

  async #use<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await patiently(this.#busyTimeout, work);
    } catch (error) {
      if (isBreaking(error)) await this.#disconnect();
      throw explained(error, this.file);
    }
  }

  #connect(): Promise<Connection> {
    if (this.#isClosed) throw new Error("this StorageSqlite was closed");
    const connecting = (this.#connection ??= this.#handle ? this.#adopt(this.#handle) : this.#open());
    connecting.catch(() => {
      if (this.#connection === connecting) this.#connection = undefined;
    });
    return connecting;
  }

  /** A file that several processes open for the first time at once is set up by one of them, and the others wait. */
  async #open(): Promise<Connection> {
    const file = this.file as string; // Without a handle there is always a file.
    const driver = await loadDriver();
    if (this.#identity !== undefined && identityOf(file) !== this.#identity) throw removed(file);
    prepareFolder(file);
    const database = openPrivately(file, driver);
    try {
      setUpConnection(database);
      setUpTables(database, this.#table);
      this.#identity ??= identityOf(file);
      return this.#connectionTo(database, true);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  async #adopt(database: SqliteDatabase): Promise<Connection> {
    setUpForeignConnection(database, this.durable);
    setUpTables(database, this.#table);
    this.#identity ??= this.file && identityOf(this.file);
    return this.#connectionTo(database, false);
  }

  #connectionTo(database: SqliteDatabase, cutsLog: boolean): Connection {
    return new Connection(database, { table: this.#table, file: this.file, identity: this.#identity, cutsLog });
  }

  async #disconnect(): Promise<void> {
    const connecting = this.#connection;
    this.#connection = undefined;
    // What failed to open left nothing to close.
    const connection = await connecting?.catch(() => undefined);
    if (this.#handle === undefined) connection?.close();
  }
}

function pathOf(file: string): string {
  if (file === "")
    throw new TypeError('The option file of StorageSqlite is empty. Give a path such as ".dotflow/checkpoints.db".');
  if (file === ":memory:")
    throw new TypeError(
      'The option file of StorageSqlite is ":memory:", which no other connection sees. Use StorageMemory.',
    );
  if (/^file:/i.test(file))
    throw new TypeError(`The option file of StorageSqlite is ${JSON.stringify(file)}. Give a path instead of a URL.`);
  return resolve(file);
}

/** The file of a database that was handed in. */
function fileOf(database: SqliteDatabase): string | undefined {
  const missing = (["exec", "prepare", "close"] as const).filter((name) => typeof database?.[name] !== "function");
  const databases = missing.length === 0 && database.prepare("PRAGMA database_list").all();
  if (!Array.isArray(databases))
    throw new TypeError(
      "The option database of StorageSqlite is no open database of node:sqlite or better-sqlite3, which answer without promises.",
    );
  const main = (databases as { name?: unknown; file?: unknown }[]).find(({ name }) => name === "main");
  return typeof main?.file === "string" && main.file !== "" ? main.file : undefined;
}

function refuseTooLarge(key: string, value: Uint8Array): void {
  if (value.byteLength <= largestValue) return;
  throw new RangeError(
    `the value under ${JSON.stringify(key)} has ${value.byteLength} bytes, and SQLite keeps at most ${largestValue}; save it elsewhere and return where it is`,
  );
}
