// Storages over a folder with the mistakes that only a second process, or the death of one, brings to light.
import { existsSync } from "node:fs";
import { link, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Storage } from "../src/storage.ts";

let writes = 0;

/** Does it right as long as the machine itself doesn't crash; each class below spoils one thing. */
export class SoundFiles implements Storage {
  readonly durable: boolean = true;
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return readFile(this.path(key)).catch(() => undefined);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await rename(await this.temporary(value), this.path(key));
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    const temporary = await this.temporary(value);
    const created = await link(temporary, this.path(key)).then(
      () => true,
      () => false,
    );
    await rm(temporary);
    return created;
  }

  async *list(prefix: string): AsyncIterable<string> {
    for (const name of await readdir(this.folder)) {
      const key = name.replaceAll(",", "/");
      if (!name.startsWith(".") && key.startsWith(prefix)) yield key;
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.path(key), { force: true });
  }

  path(key: string): string {
    return join(this.folder, key.replaceAll("/", ","));
  }

  async temporary(value: Uint8Array, prefix = "."): Promise<string> {
    const path = join(this.folder, `${prefix}${process.pid}-${++writes}`);
    await writeFile(path, value);
    return path;
  }
}

export class LooksFirstInFiles extends SoundFiles {
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    if (existsSync(this.path(key))) return false;
    await this.put(key, value);
    return true;
  }
}

export class WritesInPlace extends SoundFiles {
  override async put(key: string, value: Uint8Array): Promise<void> {
    await writeSlowly(this.path(key), "w", value);
  }
}

export class ReservesTheName extends SoundFiles {
  override async create(key: string, value: Uint8Array): Promise<boolean> {
    if (existsSync(this.path(key))) return false;
    return writeSlowly(this.path(key), "wx", value).then(
      () => true,
      () => false,
    );
  }
}

export class AnswersBeforeItWrites extends SoundFiles {
  override async put(key: string, value: Uint8Array): Promise<void> {
    setImmediate(() => void super.put(key, value));
  }
}

export class ListsItsTemporaryFiles extends SoundFiles {
  override temporary(value: Uint8Array): Promise<string> {
    return super.temporary(value, "storm-1,0,");
  }
}

/** As a slow disk does it: what a reader or a killed process may meet lasts long enough to be met. */
async function writeSlowly(path: string, flag: string, value: Uint8Array): Promise<void> {
  const file = await open(path, flag);
  try {
    for (let start = 0; start < value.length; start += 20_000) await file.write(value.subarray(start, start + 20_000));
  } finally {
    await file.close();
  }
}
