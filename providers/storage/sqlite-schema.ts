// The tables in the database, with their version, and the settings of a connection that durability rests on.
import type { SqliteDatabase } from "./sqlite-driver.ts";

/** Goes up when the tables change. */
const version = 1;

/** How long SQLite itself waits for a lock, with the event loop held. Longer waits are made in pieces. */
const heldFor = 50;

/** For a connection of our own. */
export function setUpConnection(database: SqliteDatabase): void {
  database.exec(`PRAGMA busy_timeout = ${heldFor}`);
  const mode = setting(database, "journal_mode = WAL");
  if (mode !== "wal")
    throw new Error(`SQLite can't use a write-ahead log here (it gave ${String(mode)}). Use a disk of this machine.`);
  syncFully(database, "FULL");
}

/** For a connection that was handed in: only what the promise of a durable write needs. */
export function setUpForeignConnection(database: SqliteDatabase, isOnDisk: boolean): void {
  const mode = setting(database, "journal_mode");
  if (isOnDisk && (mode === "off" || mode === "memory"))
    throw new TypeError(
      `The database given to StorageSqlite has journal_mode ${mode}: a process that is killed would leave half a write. Set it to WAL.`,
    );
  // Without a log, the name of the removed journal has to be synced too.
  syncFully(database, mode === "wal" ? "FULL" : "EXTRA");
}

/** Makes the tables where there are none. Any number of processes may do so at once. */
export function setUpTables(database: SqliteDatabase, table: string): void {
  if (hasTables(database, table)) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (!hasTables(database, table)) {
      // With a rowid: values of more than a few hundred bytes would bloat a tree that is sorted by key, and slow its listing.
      database.exec(`CREATE TABLE "${table}" (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)`);
      database.exec(`CREATE TABLE "${table}_schema" (version INTEGER NOT NULL)`);
      database.exec(`INSERT INTO "${table}_schema" VALUES (${version})`);
    }
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Whether the tables are there. Throws where others have their names, or a newer dotflow made them. */
function hasTables(database: SqliteDatabase, table: string): boolean {
  const names = [table, `${table}_schema`].map((name) => name.toLowerCase());
  const found = database.prepare("SELECT name FROM sqlite_master WHERE lower(name) IN (?, ?)").all(...names);
  if (found.length === 0) return false;
  if (found.length < 2)
    throw new Error(
      `The database has a table "${table}" that is not of dotflow. Choose another name in the option table.`,
    );
  const row = database.prepare(`SELECT max(version) AS version FROM "${table}_schema"`).get();
  const there = Number((row as { version?: unknown } | undefined)?.version);
  if (there === version) return true;
  throw new Error(
    `The table "${table}" has version ${there}, and this dotflow knows version ${version}. Update dotflow, or choose another table.`,
  );
}

/** Undoes a transaction that failed; SQLite has often done so already. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // There is none any more; the error that led here says why.
  }
}

/** Each driver has a default of its own, and none is kept in the file. On macOS a sync is one only with `fullfsync`. */
function syncFully(database: SqliteDatabase, level: "FULL" | "EXTRA"): void {
  database.exec(`PRAGMA synchronous = ${level}; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1`);
}

function setting(database: SqliteDatabase, name: string): unknown {
  return (database.prepare(`PRAGMA ${name}`).get() as { journal_mode?: unknown } | undefined)?.journal_mode;
}
