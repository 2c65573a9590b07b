// Keeps values as files in a folder of this machine: which key is which file, what is there, what goes.
// How a value gets to the disk is left to file-write.ts, making and removing folders to file-folders.ts.
import { readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Storage } from "../../src/storage.ts";
import { explained, isMissing } from "./file-error.ts";
import { Folders } from "./file-folders.ts";
import { beginWrite, createOnly, finishWrite, largeValue, type Place, replace, syncFolder } from "./file-write.ts";

export interface StorageFileOptions {
  /**
   * Where the files lie; made at the first write, open to its owner only. A relative path counts from the working
   * directory at the time of `new StorageFile()`.
   *
   * It should be on a disk of this machine: SMB, FUSE and exFAT work with a weaker `create`, see `docs/storage-file.md`.
   *
   * @default ".dotflow"
   */
  folder?: string;
}

/**
 * Keeps checkpoints as files, one a value, in a folder of this machine. Needs no package and no server.
 *
 * A value that was acknowledged is on the disk and survives a crash of the machine. A process that is killed, a full
 * disk or a failed write leaves the value before it, never half of one. Several processes may share the folder.
 * A folder that someone removes while it is in use fails the next write instead of starting afresh without its records.
 */
export class StorageFile implements Storage {
  readonly durable = true;
  /** The absolute path of the folder. */
  readonly folder: string;
  readonly #folders: Folders;

  constructor(options: StorageFileOptions = {}) {
    const { folder = ".dotflow" } = options;
    if (folder === "")
      throw new TypeError('The option folder of StorageFile is empty. Give a path such as ".dotflow".');
    this.folder = resolve(folder);
    this.#folders = new Folders(this.folder);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    try {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined || stats.isDirectory()) return undefined;
      const bytes = stats.size > largeValue ? await readFile(path) : readFileSync(path);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw explained(error, path);
    }
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#write(key, value, replace);
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#write(key, value, createOnly);
  }

  async *list(prefix: string): AsyncIterable<string> {
    const cut = prefix.lastIndexOf("/");
    const folder = cut < 0 ? this.folder : this.#path(prefix.slice(0, cut));
    this.#folders.listing(folder);
    try {
      for (const key of keysBelow(folder, prefix.slice(0, cut + 1), prefix.slice(cut + 1))) yield key;
    } catch (error) {
      throw explained(error, folder);
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    const folder = dirname(path);
    try {
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) unlinkSync(path);
    } catch (error) {
      if (!isMissing(error)) throw explained(error, path);
    }
    try {
      // Also where nothing was removed: a process may have died between removing and this.
      syncFolder(folder);
    } catch (error) {
      if (isMissing(error)) return;
      throw explained(error, path);
    }
    this.#folders.sweep(folder);
    this.#folders.removeEmpty(folder);
  }

  async #write(key: string, value: Uint8Array, place: Place): Promise<boolean> {
    const path = this.#path(key);
    const folder = dirname(path);
    try {
      const write = this.#folders.within(folder, () => beginWrite(folder));
      const placed = await finishWrite(write, path, value, place);
      this.#folders.sweep(folder);
      return placed;
    } catch (error) {
      throw explained(error, path);
    }
  }

  #path(key: string): string {
    const parts = key.split("/");
    for (const part of parts) {
      const wrong = faultOf(part);
      if (wrong)
        throw new TypeError(
          `StorageFile can't keep ${JSON.stringify(key)}: ${wrong}. Use parts of ASCII text, separated by "/".`,
        );
    }
    return join(this.folder, ...parts.map(toFileName));
  }
}

function faultOf(part: string): string | undefined {
  if (part === "") return "it is empty or has an empty part";
  if (part.startsWith(".")) return "a part of it begins with a dot";
  if (part.includes("\\")) return "it has a backslash in it";
  if (/[^\x20-\x7e]/.test(part)) return "it has characters in it that are not printable ASCII";
  return undefined;
}

/** Capitals and signs become `%` and two digits, so that no two keys meet where case or signs don't count. */
function toFileName(part: string): string {
  return part.replace(/[^a-z0-9._=-]|\.$/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** Names that stand for themselves. */
const plain = /^[a-z0-9_=-](?:[a-z0-9._=-]*[a-z0-9_=-])?$/;

/** Gives `undefined` for a file that this storage did not write. */
function fromFileName(name: string): string | undefined {
  if (plain.test(name)) return name;
  const part = name.replace(/%([2-7][0-9a-f])/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return faultOf(part) === undefined && toFileName(part) === name ? part : undefined;
}

function* keysBelow(folder: string, prefix: string, start = ""): Generator<string> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const entry of entries) {
    const part = fromFileName(entry.name);
    if (part === undefined || !part.startsWith(start)) continue;
    if (entry.isFile()) yield prefix + part;
    // A link to a folder is followed, as the writes are.
    else yield* keysBelow(join(folder, entry.name), `${prefix}${part}/`);
  }
}
