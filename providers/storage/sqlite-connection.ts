// An open database with its prepared statements: reads, pages of keys, and groups of writes that are committed as one.
import { statSync } from "node:fs";
import type { SqliteDatabase, SqliteStatement } from "./sqlite-driver.ts";
import { identityOf } from "./sqlite-file.ts";
import { rollBack } from "./sqlite-schema.ts";

export type Write =
  | { readonly verb: "put" | "create"; readonly key: string; readonly value: Uint8Array }
  | { readonly verb: "delete"; readonly key: string };

/** A listing reads so many keys at a time: between two pages it holds no lock and no old state of the database. */
const page = 1_000;

/** Above this many bytes the log is cut, for which readers are waited for; without that it grows as long as someone always reads. */
const longestLog = 16 * 1024 * 1024;

/** A write of a few bytes changes some pages of 4 KB, each of which goes to the log. */
const least = 16 * 1024;

export interface ConnectionOptions {
  readonly table: string;
  /** `undefined` in memory. */
  readonly file: string | undefined;
  /** That of the file when it was first used. */
  readonly identity: string | undefined;
  /** Whether the log is for us to cut. */
  readonly cutsLog: boolean;
}

/** Everything here is done when the call returns: both drivers are synchronous. */
export class Connection {
  readonly #database: SqliteDatabase;
  readonly #options: ConnectionOptions;
  readonly #read: SqliteStatement;
  readonly #keys: SqliteStatement;
  readonly #begin: SqliteStatement;
  readonly #commit: SqliteStatement;
  readonly #cut: SqliteStatement;
  readonly #writing: Readonly<Record<Write["verb"], SqliteStatement>>;
  /** How much may have been written to the log since its size was looked at. */
  #unseen = 0;

  constructor(database: SqliteDatabase, options: ConnectionOptions) {
    const { table } = options;
    this.#database = database;
    this.#options = options;
    this.#read = database.prepare(`SELECT value FROM "${table}" WHERE key = ?`);
    this.#keys = database.prepare(`SELECT key FROM "${table}" WHERE key >= ? AND key < ? ORDER BY key LIMIT ${page}`);
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#cut = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    // `node:sqlite` of Node 22 binds an empty value as NULL.
    const insert = `INSERT INTO "${table}" (key, value) VALUES (?, ifnull(?, x'')) ON CONFLICT (key)`;
    this.#writing = {
      put: database.prepare(`${insert} DO UPDATE SET value = excluded.value`),
      create: database.prepare(`${insert} DO NOTHING`),
      delete: database.prepare(`DELETE FROM "${table}" WHERE key = ?`),
    };
  }

  get(key: string): Uint8Array | undefined {
    const row = this.#read.get(key) as { value: Uint8Array } | null | undefined;
    if (!row) return undefined;
    const { buffer, byteOffset, byteLength } = row.value;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** The next keys that begin with `prefix` and stand behind `last`; fewer than a page of them are the last ones. */
  keysAfter(last: string | undefined, prefix: string): { readonly keys: readonly string[]; readonly isLast: boolean } {
    if (last === undefined) this.#requireSameFile();
    // No key has one of these two characters, of which the first stands before all others and the second behind them.
    const from = last === undefined ? prefix : `${last}\u0001`;
    const rows = this.#keys.all(from, `${prefix}\u{10ffff}`) as { key: string }[];
    return { keys: rows.map(({ key }) => key), isLast: rows.length < page };
  }

  /** Commits all `writes` or none, and says of each whether it changed anything. */
  write(writes: readonly Write[]): boolean[] {
    this.#requireSameFile();
    const changed = this.#transact(writes);
    for (const write of writes) this.#unseen += write.verb === "delete" ? least : least + write.value.byteLength;
    if (this.#options.cutsLog && this.#unseen > longestLog / 4) this.#cutLog();
    return changed;
  }

  close(): void {
    this.#database.close();
  }

  /** SQLite would write on into a file that has no name any more, and nobody would ever read it. */
  #requireSameFile(): void {
    const { file, identity } = this.#options;
    if (file !== undefined && identityOf(file) !== identity) throw removed(file);
  }

  #transact(writes: readonly Write[]): boolean[] {
    this.#begin.run();
    try {
      const changed = writes.map((write) => this.#apply(write));
      this.#commit.run();
      return changed;
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }

  /** A reader that does not end in time is waited for again after some more writes. */
  #cutLog(): void {
    this.#unseen = 0;
    try {
      if (statSync(`${this.#options.file}-wal`).size > longestLog) this.#cut.get();
    } catch {
      // Housekeeping: what was written is committed, and what is wrong here the next write will say.
    }
  }

  #apply(write: Write): boolean {
    const statement = this.#writing[write.verb];
    const { changes } = write.verb === "delete" ? statement.run(write.key) : statement.run(write.key, write.value);
    return Number(changes) > 0;
  }
}

/** The file is gone, or another one has its name. */
export function removed(file: string): Error {
  return Object.assign(
    new Error(
      `the file was removed or replaced while it was in use, with what was saved in it (${JSON.stringify(file)}). Put it back, or start anew with a new StorageSqlite`,
    ),
    { code: "ENOENT", retryable: false },
  );
}
