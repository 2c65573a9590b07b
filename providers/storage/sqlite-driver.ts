// The two drivers of SQLite, of which Node has one built in, and the few methods that are used of either.
import { createRequire } from "node:module";
import { loadPackage } from "../shared/load-package.ts";

/** What is used of an open database. Those of `node:sqlite` and `better-sqlite3` fit. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** What is used of a prepared statement. Rows are objects with a property for each column. */
export interface SqliteStatement {
  run(...values: (string | Uint8Array)[]): { changes: number | bigint };
  get(...values: (string | Uint8Array)[]): unknown;
  all(...values: (string | Uint8Array)[]): unknown[];
}

/** `node:sqlite`, as far as it is used: older type definitions of Node don't have it. */
interface Builtin {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}

/** The last version of better-sqlite3 that runs on Node 20; the next one ends the process with a segmentation fault. */
const lastForNode20 = 12;

/** Gives what opens a file: `node:sqlite` where this Node has it without a flag, else better-sqlite3. */
export async function loadDriver(): Promise<(file: string) => SqliteDatabase> {
  const builtin = process.getBuiltinModule("node:sqlite") as Builtin | undefined;
  if (builtin) return (file) => new builtin.DatabaseSync(file);
  const isOld = Number.parseInt(process.versions.node, 10) < 22;
  const user = `StorageSqlite uses node:sqlite, which is built into Node from 22.13 on; on Node ${process.versions.node} it`;
  const install = isOld ? `better-sqlite3@${lastForNode20}` : "better-sqlite3";
  const { default: Database } = await loadPackage("better-sqlite3", user, () => import("better-sqlite3"), install);
  if (isOld) refuseTooNew();
  return (file) => {
    try {
      return new Database(file);
    } catch (error) {
      throw isWithoutBinary(error) ? withoutBinary(error) : error;
    }
  };
}

function refuseTooNew(): void {
  const found = createRequire(import.meta.url)("better-sqlite3/package.json") as { version: string };
  if (Number.parseInt(found.version, 10) <= lastForNode20) return;
  throw new Error(
    `better-sqlite3 ${found.version} does not run on Node ${process.versions.node}. Update Node to 22.13 or newer, or: npm install better-sqlite3@${lastForNode20}`,
  );
}

/** The package is there, but its install script was not run or ran for another Node. */
function isWithoutBinary(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === "ERR_DLOPEN_FAILED" || /could not locate the bindings file/i.test(String(message));
}

function withoutBinary(cause: unknown): Error {
  return new Error(
    "better-sqlite3 is installed, but its native part is missing or was built for another Node. Run: npm rebuild better-sqlite3 (with pnpm: pnpm approve-builds). Node 22.13 and newer need no package at all.",
    { cause },
  );
}
