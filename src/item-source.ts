// Takes the items of a map one by one from wherever they come, and stops waiting for the next when nothing new is to begin.
import { eventLoopTurn } from "./clock.ts";

/** Anything that can be iterated, also asynchronously. */
export type Source = Iterable<unknown> | AsyncIterable<unknown>;

export function isSource(value: unknown): value is Source {
  return typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/** How many items there are; 0 where only going through them will tell. */
export function lengthOf(source: Source): number {
  const { length, size } = source as { readonly length?: unknown; readonly size?: unknown };
  return typeof length === "number" ? length : typeof size === "number" ? size : 0;
}

/** One waiting at a time, for the source or for room, that ends early when nothing new is to begin. */
export class Waiter {
  readonly #isOver: () => boolean;
  #look: () => void = () => {};

  constructor(isOver: () => boolean) {
    this.#isOver = isOver;
  }

  get isOver(): boolean {
    return this.#isOver();
  }

  /** To be called whenever what is waited for may be there. */
  readonly wake = (): void => this.#look();

  /** Waits until it is so. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (isSo()) resolve();
      };
      this.#look();
    });
  }

  /** Waits for `work`, unless it is over first: then `undefined`. What is there already is taken all the same. */
  unlessOver<Result>(work: Promise<Result> | Result): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (this.isOver) void eventLoopTurn().then(() => resolve(undefined));
      };
      Promise.resolve(work).then(resolve, reject);
      this.#look();
    });
  }
}

/** Calls `take` with each item, and waits for it. Gives whether the source came to its end. */
export async function eachItem(
  source: Source,
  waiter: Waiter,
  take: (item: unknown) => Promise<void>,
): Promise<boolean> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  for (;;) {
    const next = await waiter.unlessOver(iterator.next());
    if (next?.done) return true;
    let isTaken = false;
    try {
      const item = next && (await waiter.unlessOver(next.value));
      if (next && !waiter.isOver) {
        await take(item);
        isTaken = true;
      }
    } finally {
      if (!isTaken) await leave(iterator, next !== undefined);
    }
    if (!isTaken) return false;
  }
}

/** Lets the source close what it holds. One that still owes an item is not waited for: it may owe it for ever. */
async function leave(iterator: Iterator<unknown> | AsyncIterator<unknown>, isIdle: boolean): Promise<void> {
  // What goes wrong here concerns no item.
  const closed = (async () => iterator.return?.())().catch(() => {});
  if (isIdle) await closed;
}
