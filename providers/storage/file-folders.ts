// Which folders are there: made when they are first used, remembered so that no step pays for looking, removed when empty.
import { appendFileSync, existsSync, mkdirSync, opendirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { codeOf } from "./file-error.ts";
import { removeStale, syncFolder } from "./file-write.ts";

/** So many folders are remembered; one that is no longer costs a look at it. */
const remembered = 1_000;

/** The note begins anew beyond this many bytes. */
const longestNote = 1024 * 1024;

/**
 * The folders below `root` as one process knows them.
 *
 * A folder can vanish in two ways. Another process deletes the last value in it, and notes that in `.emptied`: the
 * folder is made again when it is needed. Or someone removes it with all that is in it: then writes to it fail, since
 * a run that went on in a new folder would have lost its records and nobody would know.
 */
export class Folders {
  readonly #root: string;
  readonly #note: string;
  readonly #seen = new Set<string>();
  readonly #swept = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#note = join(root, ".emptied");
  }

  /** Calls `use`, which fails with ENOENT where `folder` is not there. The folder is made unless someone removed it. */
  within<Result>(folder: string, use: () => Result): Result {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#look(folder);
        return use();
      } catch (error) {
        if (codeOf(error) !== "ENOENT" || attempt === 100 || !this.#isExplained(folder)) throw error;
      }
    }
  }

  /** Removes what dead processes left in `folder`, once. It must have been changed just now. */
  sweep(folder: string): void {
    if (this.#swept.has(folder)) return;
    remember(this.#swept, folder);
    removeStale(folder);
  }

  /** Removes `folder` if it is empty, then what became empty above it, but never the root. */
  removeEmpty(folder: string): void {
    for (; folder !== this.#root && isEmpty(folder); folder = dirname(folder)) {
      try {
        // First the note: whoever misses the folder must find it there.
        const length = statSync(this.#note, { throwIfNoEntry: false })?.size ?? 0;
        appendFileSync(this.#note, this.#line(folder), { mode: 0o600, flag: length > longestNote ? "w" : "a" });
        rmdirSync(folder);
      } catch {
        return; // Another process was quicker, or wrote there in this moment. An empty folder does no harm.
      }
      this.#seen.delete(folder);
    }
  }

  /** Whoever lists a folder of its own that is gone knows that nothing is left, and may begin anew. */
  listing(folder: string): void {
    if (!this.#seen.has(folder) || existsSync(folder)) return;
    let highest = folder;
    while (highest !== this.#root && !existsSync(dirname(highest))) highest = dirname(highest);
    for (const each of this.#seen) if (`${each}${sep}`.startsWith(`${highest}${sep}`)) this.#seen.delete(each);
  }

  /** Makes `folder` and what is missing above it, as far as that was not seen before. */
  #look(folder: string): void {
    if (this.#seen.has(folder)) return;
    if (folder === this.#root) {
      makeRoot(folder);
    } else {
      this.#look(dirname(folder));
      makeFolder(folder);
    }
    remember(this.#seen, folder);
  }

  /** Whether all that is missing of `folder` and above it was never seen here, or went when it was empty. */
  #isExplained(folder: string): boolean {
    for (; !existsSync(folder); folder = dirname(folder)) {
      if (!this.#seen.has(folder)) continue;
      if (!existsSync(this.#note)) return false;
      // Read only now, since the note may come in the same moment as the absence.
      const note = `\n${readFileSync(this.#note, "latin1")}`;
      if (!note.includes(`\n${this.#line(folder)}`)) return false;
      this.#seen.delete(folder);
    }
    return true;
  }

  #line(folder: string): string {
    return `${relative(this.#root, folder)}\n`;
  }
}

/** The parent is synced also where the folder was there: the process that made it may have died before it did so. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  syncFolder(dirname(folder));
}

/** Parents that were there are not synced: they may not be ours to open. */
function makeRoot(root: string): void {
  const first = mkdirSync(root, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = root; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

/** Looks at one entry, however many there are. */
function isEmpty(folder: string): boolean {
  try {
    const entries = opendirSync(folder);
    try {
      return entries.readSync() === null;
    } finally {
      entries.closeSync();
    }
  } catch {
    return false;
  }
}

function remember(folders: Set<string>, folder: string): void {
  for (const oldest of folders) {
    if (folders.size < remembered) break;
    folders.delete(oldest);
  }
  folders.add(folder);
}
