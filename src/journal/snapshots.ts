// Named states of a run: which records it had, and which iteration a loop had come to. They copy nothing.
import { randomBytes } from "node:crypto";
import { inParallel } from "../parallel.ts";
import type { StoredRecord } from "../record.ts";
import type { EncodedValue } from "../serializer.ts";
import { Batches } from "./batches.ts";
import { encodePart } from "./keys.ts";
import { newestFirst } from "./run-id.ts";
import type { Store } from "./store.ts";

export interface Snapshot {
  readonly id: string;
  readonly run: string;
  /** Which plan of the run counted. */
  readonly plan: number;
  readonly createdAt: string;
  /** The runs in which the records lie that tasks had, by task. */
  readonly kept: Readonly<Record<string, string>>;
  /** The last iteration of tasks that were not done, with the run that has it. */
  readonly begun: Readonly<Record<string, { readonly run: string; readonly iteration: number }>>;
  /** Maps that were not done: whoever goes on may take over the items of these runs. */
  readonly items: Readonly<Record<string, readonly string[]>>;
  /** Whether its records hold shared state. */
  readonly state: boolean;
  /** The record that it was made with, and without which it does not count; missing where nothing has to follow. */
  readonly with?: string | undefined;
  readonly metadata: EncodedValue;
}

/** The place of the newest snapshot: one that is newer takes a higher one. */
export async function lastPlace(store: Store): Promise<number> {
  return (await store.list(store.keys.snapshots)).map(placeOf).reduce((last, place) => Math.max(last, place), 0);
}

/** `place` is the time, or more where that is not behind the snapshots before it. */
export async function saveSnapshot(store: Store, snapshot: Snapshot, place: number): Promise<void> {
  const { metadata, ...facts } = snapshot;
  const writer = randomBytes(4).toString("hex");
  const name = `${snapshot.run}.${String(place).padStart(15, "0")}-${writer}`;
  const record: StoredRecord = {
    kind: "snapshot",
    writer,
    facts: { snapshot: snapshot.id, form: metadata.form },
    payload: Buffer.from(JSON.stringify({ ...facts, metadata: Buffer.from(metadata.bytes).toString("base64") })),
  };
  await store.create(`${store.keys.snapshots}${encodePart(snapshot.id)}/${name}`, record);
}

/** All snapshots that count, the newest first; of one id where it is given. */
export async function readSnapshots(store: Store, id?: string): Promise<Snapshot[]> {
  const prefix = id === undefined ? store.keys.snapshots : `${store.keys.snapshots}${encodePart(id)}/`;
  const keys = (await store.list(prefix)).sort(byAge);
  const batches = new Batches(store);
  const found = await inParallel(keys, async (key) => {
    const record = await store.read(key);
    const snapshot = record && decodeSnapshot(record);
    return snapshot && (await counts(store, batches, snapshot)) ? [snapshot] : [];
  });
  // A step that was interrupted before its record was there has asked once more.
  const seen = new Set<string>();
  return found.flat().filter((snapshot) => {
    const name = JSON.stringify([snapshot.id, snapshot.with]);
    return snapshot.with === undefined || (!seen.has(name) && seen.add(name));
  });
}

async function counts(store: Store, batches: Batches, { run, with: key }: Snapshot): Promise<boolean> {
  if (key === undefined) return true;
  return (await batches.read(run, key)) !== undefined || (await store.read(key)) !== undefined;
}

/** Removes the snapshots of runs that are gone. */
export async function removeSnapshots(store: Store, isGone: (run: string) => boolean): Promise<void> {
  for (const key of await store.list(store.keys.snapshots)) if (isGone(runOf(key))) await store.delete(key);
}

function decodeSnapshot({ facts, payload }: StoredRecord): Snapshot {
  const { metadata, ...rest } = JSON.parse(Buffer.from(payload).toString("utf8")) as Omit<Snapshot, "metadata"> & {
    metadata: string;
  };
  return { ...rest, metadata: { form: String(facts["form"]), bytes: Buffer.from(metadata, "base64") } };
}

function runOf(key: string): string {
  return nameOf(key).split(".")[0] ?? "";
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

function placeOf(key: string): number {
  return Number(nameOf(key).split(".")[1]?.split("-")[0]);
}

function byAge(a: string, b: string): number {
  return runOf(a) === runOf(b) ? placeOf(b) - placeOf(a) : newestFirst(runOf(a), runOf(b));
}
