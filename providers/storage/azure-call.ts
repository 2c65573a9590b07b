// How long a request may take, and the body of its answer.

/** How long a request may take whose bytes don't count. */
const patience = 10_000;

/** Milliseconds more for each byte: a megabyte a second is slow. */
const slowness = 1 / 1_000;

/** How long a request may take for so many bytes sent or received. */
export function timeFor(bytes: number): number {
  return patience + bytes * slowness;
}

export function lateBy(seconds: number): string {
  return `Azure gave no answer within ${seconds} seconds`;
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
