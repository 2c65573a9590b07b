// Work over many items, a few at a time.
import { limits } from "./defaults.ts";

/** Does `work` for every item, some at a time, and gives the results in the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  if (items.length === 1) return [await work(items[0] as Item, 0)];
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as Item, at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.readConcurrency, items.length) }, worker));
  return results;
}
