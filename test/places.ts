// The kinds of storage that behaviour is tested over, and where each keeps what it stores. Also for child processes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { StorageMemory } from "dotflow/storage/memory";

export interface PlaceKind {
  /** Whether other processes can open the same place. */
  readonly shared: boolean;
  /** Makes an empty place, and gives its name. */
  make(): string;
  open(place: string): Storage;
  remove(place: string): void;
}

const memories = new Map<string, Storage>();

/** A storage that is to keep the guarantees is added here, and nowhere else. */
export const placeKinds: Readonly<Record<string, PlaceKind>> = {
  memory: {
    shared: false,
    make() {
      const place = String(memories.size);
      memories.set(place, new StorageMemory());
      return place;
    },
    open(place) {
      const storage = memories.get(place);
      if (!storage) throw new Error(`There is no memory ${place}.`);
      return storage;
    },
    remove() {},
  },
  file: {
    shared: true,
    make: () => join(mkdtempSync(join(tmpdir(), "dotflow-")), "store"),
    open: (folder) => new StorageFile({ folder }),
    remove: (folder) => rmSync(join(folder, ".."), { recursive: true, force: true }),
  },
};

/** Opens a place by the name of its kind, as a child process is given it. */
export function openPlace(kind: string, place: string): Storage {
  const found = placeKinds[kind];
  if (!found) throw new Error(`There is no kind of storage called ${kind}.`);
  return found.open(place);
}
