// Gives up on a request that takes too long. How long that is, and what the request does, is left to the storage.

/** Lets the time begin anew, with another limit where one is given. */
export type Again = (milliseconds?: number) => void;

/**
 * Gives what `work` gives. Where that takes longer than `milliseconds`, rejects with an error that may pass, whose text is
 * `late` of the seconds, and aborts the signal; work that does not heed it is not waited for.
 */
export function inTime<Result>(
  milliseconds: number,
  late: (seconds: number) => string,
  work: (signal: AbortSignal, again: Again) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let check: NodeJS.Immediate | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    clearImmediate(check);
  };
  return new Promise((resolve, reject) => {
    let limit = milliseconds;
    const giveUp = (): void => {
      const error = new Error(late(Math.round(limit / 100) / 10));
      reject(Object.assign(error, { code: "ETIMEDOUT", retryable: true }));
      controller.abort();
    };
    const again: Again = (next = limit) => {
      stop();
      limit = next;
      // What came while this process was busy itself, and read nothing, is given its chance first.
      timer = setTimeout(() => (check = setImmediate(giveUp)), limit);
    };
    again();
    work(controller.signal, again).then(resolve, reject).finally(stop);
  });
}
