// The new, empty place that a check works in: its storages and child processes, and the end of all of them.
import type { Storage } from "../../src/storage.ts";
import type { Child } from "../children.ts";
import { startChild } from "../children.ts";
import type { StorageContractOptions } from "./options.ts";
import { watched } from "./watched-storage.ts";

export interface Place {
  readonly storage: Storage;
  /** A second storage over the same place; the first one where there is no way to open a second. */
  another(): Promise<Storage>;
  /** Starts `count` processes, each with a storage of its own over the same place. */
  children(count: number): Promise<Child[]>;
  /** Closes the storages that were opened so far. */
  closeStorages(): Promise<void>;
  /** Kills the child processes, closes the storages and cleans up. */
  leave(): Promise<void>;
}

export async function enter(options: StorageContractOptions): Promise<Place> {
  const first = await options.open();
  const storage = watched(first);
  const open = new Set([first]);
  const started: Promise<Child>[] = [];

  const closeStorages = async (): Promise<void> => {
    const closing = [...open];
    open.clear();
    for (const each of closing) await each.close?.();
  };

  return {
    storage,
    async another() {
      if (!options.reopen) return storage;
      const second = await options.reopen(first);
      open.add(second);
      return watched(second);
    },
    async children(count) {
      const { processes } = options;
      if (!processes) throw new Error("This check needs `processes`.");
      const children = Array.from({ length: count }, () => startChild(processes, processes.place(first)));
      started.push(...children);
      return Promise.all(children);
    },
    closeStorages,
    async leave() {
      for (const child of await Promise.allSettled(started)) if (child.status === "fulfilled") await child.value.kill();
      await closeStorages();
      await options.cleanUp?.(first);
    },
  };
}
