// Places in this process.
import type { Storage } from "dotflow";
import { StorageMemory } from "dotflow/storage/memory";
import type { PlaceKind } from "./kind.ts";

const memories = new Map<string, Storage>();

export const memory: PlaceKind = {
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
};
