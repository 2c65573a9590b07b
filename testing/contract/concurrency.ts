// Ways to have several calls under way at once, without sleeping.
import { eventLoopTurn } from "../../src/clock.ts";
import type { Storage } from "../../src/storage.ts";

/**
 * Reads again and again until `writing` has settled.
 *
 * Each round gives way to the event loop: a storage that answers without I/O would otherwise starve the writer.
 */
export async function readWhile(writing: Promise<unknown>, read: () => Promise<void>): Promise<void> {
  let underway = true;
  const settled = writing.finally(() => {
    underway = false;
  });
  try {
    while (underway) {
      for (let reads = 0; reads < 4; reads++) await read();
      await eventLoopTurn();
    }
  } finally {
    await settled.catch(() => {});
  }
  await settled;
}

/** Does `work` for all items, 64 at a time. */
export async function forEachAtOnce<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += 64) await Promise.all(items.slice(start, start + 64).map(work));
}

/** Gives all that a listing shows, in its order. */
export async function listed(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of storage.list(prefix)) keys.push(key);
  return keys;
}
