// Runs tests once for every kind of storage: all have to keep the same promises.
import { afterEach, beforeEach, describe } from "vitest";
import type { Storage } from "dotflow";
import { type PlaceKind, placeKinds } from "./places.ts";
import type { ServerRecipe } from "./servers/server.ts";

/** The storage of the running test. */
export interface TestPlace {
  /** Opens it, as another process would. It is empty when the test begins; every call opens the same place. */
  (): Storage;
  /** What a child process needs to open the same place: the arguments for `openPlace`. */
  readonly args: () => [kind: string, place: string];
  /** Opens another place, which is empty. Whoever uses it closes it. */
  readonly another: () => Promise<Storage>;
  /** Which part of what a test does many times it is to do here: every one, every second one, … */
  readonly every: number;
  /** Those of `items` that are to be tried here. Where it is not all of them, other kinds try others. */
  readonly some: <Item>(items: readonly Item[]) => Item[];
}

export interface ServedKind extends PlaceKind {
  readonly server: ServerRecipe;
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

/** The same for tests that make their places themselves. */
export function eachSharedKind(define: (name: string, kind: PlaceKind) => void): void {
  const shared = Object.entries(placeKinds).filter(([, kind]) => kind.shared);
  describeEach(shared, define);
}

/** Calls `define` within a `describe` of each kind that talks to a server, for tests that do something to the server. */
export function eachServedKind(define: (name: string, kind: ServedKind) => void): void {
  const served = Object.entries(placeKinds).filter(
    (entry): entry is [string, ServedKind] => entry[1].server !== undefined,
  );
  describeEach(served, define);
}

function defineFor(kinds: [string, PlaceKind][], define: (name: string, open: TestPlace) => void): void {
  describeEach(kinds, (name, kind) => define(name, placeOfTest(name, kind)));
}

function describeEach<Kind extends PlaceKind>(
  kinds: [string, Kind][],
  define: (name: string, kind: Kind) => void,
): void {
  for (const [name, kind] of kinds) {
    const missing = kind.missing?.();
    describe.skipIf(missing)(`over ${name} storage${missing === undefined ? "" : `, skipped: ${missing}`}`, () => {
      define(name, kind);
    });
  }
}

function placeOfTest(name: string, kind: PlaceKind): TestPlace {
  let place = "";
  const others: string[] = [];
  const opened: Storage[] = [];
  beforeEach(async () => {
    place = await kind.make();
  });
  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close?.();
    for (const each of [place, ...others.splice(0)]) await kind.remove(each);
  });
  const open = (): Storage => {
    const storage = kind.open(place);
    opened.push(storage);
    return storage;
  };
  const another = async (): Promise<Storage> => {
    const other = await kind.make();
    others.push(other);
    return kind.open(other);
  };
  const every = Math.round(1 / (kind.scale ?? 1));
  const first = Object.keys(placeKinds).indexOf(name);
  const some = <Item>(items: readonly Item[]): Item[] => {
    const step = Math.min(every, items.length);
    return items.filter((_, index) => index % step === first % step);
  };
  return Object.assign(open, { args: (): [string, string] => [name, place], another, every, some });
}

/** Everything that lies in a storage. */
export async function contentsOf(storage: Storage): Promise<Map<string, Uint8Array>> {
  const keys = await keysOf(storage);
  return new Map(
    await Promise.all(keys.map(async (key) => [key, (await storage.get(key)) ?? new Uint8Array()] as const)),
  );
}

/** Makes a storage hold just `contents`. */
export async function fill(storage: Storage, contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const surplus = (await keysOf(storage)).filter((key) => !contents.has(key));
  await Promise.all(surplus.map((key) => storage.delete(key)));
  const restore = async ([key, value]: [string, Uint8Array]): Promise<void> => {
    const present = await storage.get(key);
    if (!present || Buffer.compare(present, value) !== 0) await storage.put(key, value);
  };
  await Promise.all([...contents].map(restore));
}

/** All keys, sorted. */
export async function keysOf(storage: Storage, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of storage.list(prefix)) keys.push(key);
  return keys.sort();
}
