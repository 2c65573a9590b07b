// How one value gets to the disk: a temporary file, synced, takes the value's name, and the folder is synced.
// Which key lies where is left to file.ts, whether the folder is there to file-folders.ts.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFile,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "./file-error.ts";

/** Values above this many bytes are read and written without blocking the event loop, which costs more for small ones. */
export const largeValue = 256 * 1024;

/** A temporary file older than this belongs to a process that died while it wrote. */
const staleAfter = 60 * 60 * 1000;

const temporaryName = /^\.dotflow-\d+-[0-9a-f]+-\d+$/;
const writer = `.dotflow-${process.pid}-${randomBytes(6).toString("hex")}`;
let writes = 0;

/** How a place without hard links answers: exFAT, some network and FUSE mounts. EISDIR is what Node makes of it on Windows. */
const withoutLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EISDIR"]);

/** Gives a temporary file its name for good, and says whether it did. Unless it fails, the temporary name is gone. */
export type Place = (temporary: string, path: string) => boolean;

/** A write that has begun: the files are open, nothing is visible yet. */
export interface Write {
  /** Not on Windows. */
  readonly folder: number | undefined;
  readonly file: number;
  readonly temporary: string;
}

/** Opens all that a write needs, so that too many open files or a missing folder are found before anything changes. */
export function beginWrite(folder: string): Write {
  const opened = openFolder(folder);
  try {
    const temporary = join(folder, `${writer}-${++writes}`);
    return { folder: opened, file: openSync(temporary, "wx", 0o600), temporary };
  } catch (error) {
    if (opened !== undefined) closeSync(opened);
    throw error;
  }
}

/** Writes `value`, syncs it, and places it at `path`. A failure leaves no temporary file behind. */
export async function finishWrite(write: Write, path: string, value: Uint8Array, place: Place): Promise<boolean> {
  try {
    let placed: boolean;
    try {
      await fill(write.file, value);
      placed = place(write.temporary, path);
    } catch (error) {
      remove(write.temporary);
      throw error;
    }
    try {
      // Also where another one was first: the caller will rely on that value as on its own.
      if (write.folder !== undefined) fsyncSync(write.folder);
    } catch (error) {
      // Nobody knows what is on the disk now, and a second sync would wrongly succeed.
      if (placed && place === createOnly) remove(path);
      throw error;
    }
    return placed;
  } finally {
    if (write.folder !== undefined) closeSync(write.folder);
  }
}

/** Places a value where none is. */
export const createOnly: Place = (temporary, path) => {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return isSameFile(temporary, path);
    if (!withoutLinks.has(codeOf(error))) throw error;
    return reserveAndRename(temporary, path);
  } finally {
    remove(temporary);
  }
};

/** Places a value whether or not there is one. */
export const replace: Place = (temporary, path) => {
  renameSync(temporary, path);
  return true;
};

/** Without hard links: an empty file takes the name, which exactly one process can do; the value then replaces it. */
function reserveAndRename(temporary: string, path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) === "EEXIST") return isSameFile(temporary, path);
    throw error;
  }
  try {
    renameSync(temporary, path);
  } catch (error) {
    remove(path);
    throw error;
  }
  return true;
}

/** NFS repeats a request whose answer was lost: a link that "exists" may be our own. */
function isSameFile(temporary: string, path: string): boolean {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (there?.isDirectory()) throw Object.assign(new Error("a folder is there"), { code: "EISDIR", syscall: "link" });
  const ours = statSync(temporary, { bigint: true });
  return there?.ino === ours.ino && there.dev === ours.dev;
}

async function fill(file: number, value: Uint8Array): Promise<void> {
  try {
    if (value.byteLength > largeValue) {
      await promisify(writeFile)(file, value);
      await promisify(fsync)(file);
    } else {
      writeFileSync(file, value);
      fsyncSync(file);
    }
  } finally {
    closeSync(file);
  }
}

/** Windows has no folders that can be opened; its file systems keep names safe by themselves. */
function openFolder(folder: string): number | undefined {
  try {
    return openSync(folder, "r");
  } catch (error) {
    if (process.platform === "win32" && ["EPERM", "EISDIR", "EINVAL"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Makes sure that names added to or removed from `folder` survive a crash of the machine. */
export function syncFolder(folder: string): void {
  const opened = openFolder(folder);
  if (opened === undefined) return;
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Removes what dead processes left in `folder`, which must have been changed just now: its time is the present. */
export function removeStale(folder: string): void {
  try {
    const names = readdirSync(folder).filter((name) => temporaryName.test(name));
    if (names.length === 0) return;
    const now = statSync(folder).mtimeMs;
    for (const path of names.map((name) => join(folder, name))) {
      if (now - statSync(path).mtimeMs > staleAfter) remove(path);
    }
  } catch {
    // Housekeeping: the write that it follows has succeeded, and another process may have been quicker.
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or the error that led here says why nothing can be done.
  }
}
