// Errors of SQLite, whichever driver they come from: what kind they are, and what people can do about them.
import { setTimeout as sleep } from "node:timers/promises";

/** The primary result codes that are told apart; an extended code such as `SQLITE_IOERR_WRITE` counts as its primary one. */
const codes = new Map([
  [5, "SQLITE_BUSY"],
  [6, "SQLITE_LOCKED"],
  [8, "SQLITE_READONLY"],
  [10, "SQLITE_IOERR"],
  [11, "SQLITE_CORRUPT"],
  [13, "SQLITE_FULL"],
  [14, "SQLITE_CANTOPEN"],
  [15, "SQLITE_PROTOCOL"],
  [23, "SQLITE_AUTH"],
  [26, "SQLITE_NOTADB"],
]);

const advice: Readonly<Record<string, string>> = {
  SQLITE_BUSY: "another process holds the write lock for too long; look for an open transaction or a VACUUM",
  SQLITE_LOCKED: "another statement of this process holds the table",
  SQLITE_READONLY: "it can't be written; check owner and mode of the file and its folder, and the mount",
  SQLITE_IOERR: "the disk failed or is full; check it before anything else",
  SQLITE_CORRUPT: "the database is damaged; keep a copy of it, then look at it with sqlite3 and .recover",
  SQLITE_FULL: "the disk is full; free some space",
  SQLITE_CANTOPEN: "it can't be opened; check that its folder is there and may be used by this process",
  SQLITE_PROTOCOL: "too many processes open it at once",
  SQLITE_NOTADB: "it is no SQLite database; choose another file",
};

/** Another process or statement was first: the same call goes through a moment later. */
const passing = new Set(["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"]);

/** What the connection knows of the file may be wrong now: the next call is better off with a new one. */
const breaking = new Set(["SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_NOTADB"]);

/** The primary code, such as `SQLITE_BUSY`; empty where the error is none of those told apart. */
function codeOf(error: unknown): string {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  // `node:sqlite` gives a number; better-sqlite3 a name, with what extends it at the end.
  if (typeof errcode === "number") return codes.get(errcode & 255) ?? "";
  if (typeof code !== "string") return "";
  return [...codes.values()].find((name) => code === name || code.startsWith(`${name}_`)) ?? "";
}

export function isPassing(error: unknown): boolean {
  return passing.has(codeOf(error));
}

export function isBreaking(error: unknown): boolean {
  return breaking.has(codeOf(error));
}

/** Gives the driver's error with a text for people, and with `retryable` where the same call may go through later. */
export function explained(error: unknown, file: string | undefined): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === "") return error;
  const where = file === undefined ? "the database handed in" : JSON.stringify(file);
  const said = error.message.replace(/\.$/, "");
  return Object.assign(error, {
    message: `${advice[code] ?? said} (${code}, ${said}, ${where})`,
    retryable: passing.has(code),
  });
}

/**
 * Does `work` again while another process holds the lock that it needs, for up to `limit` milliseconds.
 *
 * SQLite can wait by itself, but holds the event loop meanwhile, and with it the renewal of the lease.
 */
export async function patiently<Result>(limit: number, work: () => Result | Promise<Result>): Promise<Result> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() >= end) throw error;
    }
    // By chance, so that processes that met once don't meet again.
    await sleep(5 + 20 * Math.random());
  }
}
