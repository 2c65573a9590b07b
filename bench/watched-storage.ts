// A storage that passes everything on, and notes what it was asked: for counting requests and for getting at the bytes.
import type { Storage } from "dotflow";

export interface Watched {
  readonly storage: Storage;
  /** How often each verb was called. A listing counts one request for every 1,000 keys. */
  readonly requests: Record<"get" | "put" | "create" | "list" | "delete", number>;
  /** How many bytes were read. */
  bytesRead: number;
  /** Everything that was written, in order. */
  readonly written: Uint8Array[];
}

export function watch(inner: Storage): Watched {
  const watched: Watched = {
    requests: { get: 0, put: 0, create: 0, list: 0, delete: 0 },
    bytesRead: 0,
    written: [],
    storage: {
      durable: inner.durable,
      async get(key) {
        watched.requests.get++;
        const value = await inner.get(key);
        watched.bytesRead += value?.length ?? 0;
        return value;
      },
      async put(key, value) {
        watched.requests.put++;
        watched.written.push(value);
        await inner.put(key, value);
      },
      async create(key, value) {
        watched.requests.create++;
        watched.written.push(value);
        return inner.create(key, value);
      },
      async *list(prefix) {
        let count = 0;
        for await (const key of inner.list(prefix)) {
          if (count++ % 1_000 === 0) watched.requests.list++;
          yield key;
        }
        if (count === 0) watched.requests.list++;
      },
      async delete(key) {
        watched.requests.delete++;
        await inner.delete(key);
      },
    },
  };
  return watched;
}

export function total({ requests }: Watched): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
