// The one module that reads the clock. All else is handed a `Clock`, so that tests can move time by hand.

/** Reads and waits for time. `manualClock` of `dotflow/testing` gives one that stands still until it is moved. */
export interface Clock {
  /** Milliseconds since 1970; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back, and may stand still while the machine sleeps. */
  monotonic(): number;
  /** Calls `callback` once after `milliseconds`, and gives a function that prevents it. A background timer does not keep the process alive. */
  timer(milliseconds: number, callback: () => void, options?: { background?: boolean }): () => void;
}

/** Node caps timers at 2^31 − 1 ms and fires longer ones at once; longer waits are chained. */
const longestTimer = 2_147_483_647;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(milliseconds, callback, options) {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      const part = Math.min(left, longestTimer);
      handle = setTimeout(() => (left > part ? arm(left - part) : callback()), part);
      if (options?.background) handle.unref();
    };
    arm(milliseconds);
    return () => clearTimeout(handle);
  },
};

/** Waits for `milliseconds`; rejects with the signal's reason as soon as `signal` is aborted. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.timer(milliseconds, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Lets timers and I/O have their turn: work that only awaits settled promises would keep them waiting. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether `promise` settled within `milliseconds`. A rejection counts as settled. */
export async function settledWithin(clock: Clock, milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.timer(milliseconds, () => resolve(false));
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, late]).finally(() => cancel());
}
