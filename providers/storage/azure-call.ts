// One request in a limited time, and the body of its answer.

/** How long a request may take whose bytes don't count. */
const patience = 10_000;

/** Milliseconds more for each byte: a megabyte a second is slow. */
const slowness = 1 / 1_000;

/**
 * Gives what `call` gives, which is aborted when it takes too long for `bytes` sent or received.
 *
 * With `expect` the call says how many bytes are still to come once that is known; the time then begins anew.
 */
export async function timed<Result>(
  bytes: number,
  call: (abortSignal: AbortSignal, expect: (bytes: number) => void) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let milliseconds = 0;
  const expect = (count: number): void => {
    clearTimeout(timer);
    milliseconds = patience + count * slowness;
    timer = setTimeout(() => controller.abort(), milliseconds);
  };
  expect(bytes);
  try {
    return await call(controller.signal, expect);
  } catch (cause) {
    if (!controller.signal.aborted) throw cause;
    const seconds = Math.round(milliseconds / 1_000);
    throw Object.assign(new Error(`Azure gave no answer within ${seconds} seconds`, { cause }), { retryable: true });
  } finally {
    clearTimeout(timer);
  }
}

/** The bytes of a body, in memory of their own. A body that ends early is an error that may pass. */
export async function readAll(
  body: AsyncIterable<string | Uint8Array> | undefined,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let read = 0;
  try {
    for await (const part of body ?? []) {
      const chunk = typeof part === "string" ? Buffer.from(part) : part;
      bytes.set(chunk, read);
      read += chunk.length;
    }
  } catch (cause) {
    throw endedEarly(read, length, cause);
  }
  if (read < length) throw endedEarly(read, length);
  return bytes;
}

function endedEarly(read: number, length: number, cause?: unknown): Error {
  const error = new Error(`the answer of Azure ended after ${read} of ${length} bytes`, { cause });
  return Object.assign(error, { retryable: true });
}
