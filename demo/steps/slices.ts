// Goes through many rows without keeping the process to itself.
import { setImmediate as turn } from "node:timers/promises";

const size = 100_000;

/**
 * Calls `work` for slice after slice of `count` rows.
 *
 * Between slices other steps get their turn, and so does the lease: a step that blocks the event loop for too long loses it.
 * Stops when `signal` is aborted.
 */
export async function inSlices(
  count: number,
  signal: AbortSignal,
  work: (from: number, to: number) => void | Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += size) {
    await work(from, Math.min(from + size, count));
    await turn();
    signal.throwIfAborted();
  }
}
