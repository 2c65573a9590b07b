// Runs tests once for every kind of storage: all have to keep the same promises.
import { afterEach, beforeEach, describe } from "vitest";
import type { Storage } from "dotflow";
import { type PlaceKind, placeKinds } from "./places.ts";

/** The storage of the running test. */
export interface TestPlace {
  /** Opens it, as another process would. It is empty when the test begins; every call opens the same place. */
  (): Storage;
  /** What a child process needs to open the same place: the arguments for `openPlace`. */
  readonly args: () => [kind: string, place: string];
}

/** Calls `define` within a `describe` of each kind of storage. */
export function eachStorage(define: (name: string, open: TestPlace) => void): void {
  defineFor(Object.entries(placeKinds), define);
}

/** The same for those storages that several processes can share. */
export function eachSharedStorage(define: (name: string, open: TestPlace) => void): void {
  const shared = Object.entries(placeKinds).filter(([, kind]) => kind.shared);
  defineFor(shared, define);
}

function defineFor(kinds: [string, PlaceKind][], define: (name: string, open: TestPlace) => void): void {
  for (const [name, kind] of kinds) {
    describe(`over ${name} storage`, () => {
      define(name, placeOfTest(name, kind));
    });
  }
}

function placeOfTest(name: string, kind: PlaceKind): TestPlace {
  let place = "";
  beforeEach(() => {
    place = kind.make();
  });
  afterEach(() => kind.remove(place));
  return Object.assign(() => kind.open(place), { args: (): [string, string] => [name, place] });
}

/** Everything that lies in a storage. */
export async function contentsOf(storage: Storage): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const key of await keysOf(storage)) contents.set(key, (await storage.get(key)) ?? new Uint8Array());
  return contents;
}

/** Makes a storage hold just `contents`. */
export async function fill(storage: Storage, contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const key of await keysOf(storage)) if (!contents.has(key)) await storage.delete(key);
  for (const [key, value] of contents) {
    const present = await storage.get(key);
    if (!present || Buffer.compare(present, value) !== 0) await storage.put(key, value);
  }
}

/** All keys, sorted. */
export async function keysOf(storage: Storage, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of storage.list(prefix)) keys.push(key);
  return keys.sort();
}
