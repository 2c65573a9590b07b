// What the tests of StorageFile work with: a new folder for each test, its listings, and child processes that use it too.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { StorageFile } from "../../providers/storage/file.ts";

/** A temporary folder, and a storage in a folder of it that is not there yet. */
export interface Place {
  base: string;
  folder: string;
  storage: StorageFile;
}

const children = new Set<ChildProcess>();

/** Gives an object that is filled anew before each test of the file. */
export function placeForEach(): Place {
  const place = {} as Place; // Tests read it only after `beforeEach`.
  beforeEach(() => {
    place.base = fs.mkdtempSync(join(tmpdir(), "storage-file-"));
    place.folder = join(place.base, "store");
    place.storage = new StorageFile({ folder: place.folder });
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    children.clear();
    fs.rmSync(place.base, { recursive: true, force: true });
  });
  return place;
}

export async function keysOf(storage: StorageFile, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of storage.list(prefix)) found.push(key);
  return found.toSorted();
}

/** The hidden files in all folders, except the one that says that folders were removed. */
export function dotFilesIn(folder: string): string[] {
  const all = fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => basename(path));
  return all.filter((name) => name.startsWith(".") && name !== ".emptied").toSorted();
}

/** Starts `storage-file-<program>.ts`, and waits until it has loaded where it says so. */
export async function start(program: string, ...args: string[]): Promise<ChildProcess> {
  const path = join(import.meta.dirname, `storage-file-${program}.ts`);
  const child = fork(path, args, { execArgv: ["--import", "tsx"], cwd: dirname(dirname(import.meta.dirname)) });
  children.add(child);
  if (program !== "storm") await once(child, "message");
  return child;
}

/** Tells a child to go, and gives what it sends back. */
export async function ask<Answer>(child: ChildProcess): Promise<Answer> {
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`The child process ended (${code ?? signal}) without an answer.`);
  });
  child.send("go");
  const [answer] = (await Promise.race([once(child, "message"), ended])) as [Answer];
  ended.catch(() => {});
  return answer;
}
