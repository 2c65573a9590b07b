// The requests to Cloud Storage: one for each call, with a time limit, checksums both ways, and a pause where a name is
// changed too fast. Which key is which object is left to gcs.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { Turns } from "../shared/turns.ts";
import type { GCSBucketLike, GCSClientLike, GCSFileLike } from "./gcs-client.ts";
import { explained, isMissing, isRefused, isTooFast } from "./gcs-error.ts";

/** How long the service may stay silent, in milliseconds: short enough that a second attempt has time. */
const silence = 10_000;
/** The slowest line that a large upload is given time for, in bytes a millisecond. */
const slowest = 1_500;

/** The service allows one change of a name per second; what comes sooner waits about that long, in milliseconds. */
const pause = 1_000;
const pauses = 3;

const pageSize = 1_000;
const atOnce = 64;

export class Objects {
  readonly #bucket: string;
  readonly #client: () => Promise<GCSClientLike>;
  readonly #turns = new Turns(atOnce);

  constructor(bucket: string, client: () => Promise<GCSClientLike>) {
    this.#bucket = bucket;
    this.#client = client;
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const file = fileOf(await this.#client(), this.#bucket, name);
    try {
      return await this.#turns.take(() => read(file));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw explained(error, this.#bucket);
    }
  }

  async put(name: string, value: Uint8Array): Promise<void> {
    const client = await this.#client();
    await this.#change(() => this.#save(client, name, value, {}));
  }

  async create(name: string, value: Uint8Array): Promise<boolean> {
    const client = await this.#client();
    return this.#change(async () => {
      try {
        await this.#save(client, name, value, { ifGenerationMatch: 0 });
        return true;
      } catch (error) {
        if (isRefused(error)) return false;
        throw error;
      }
    });
  }

  async delete(name: string): Promise<void> {
    const client = await this.#client();
    await this.#change(async () => {
      try {
        await this.#turns.take(() => fileOf(client, this.#bucket, name).delete());
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    const client = await this.#client();
    const query = { prefix, maxResults: pageSize, autoPaginate: false, fields: "items/name,nextPageToken" };
    for (let pageToken: unknown; ;) {
      const [names, next] = await this.#page(client, { ...query, ...(pageToken !== undefined && { pageToken }) });
      yield* names;
      if (next === undefined) return;
      pageToken = next;
    }
  }

  async #page(client: GCSClientLike, query: object): Promise<[names: string[], next: unknown]> {
    try {
      const bucket = limited(client.bucket(this.#bucket), silence);
      const [files, next] = await this.#turns.take(() => bucket.getFiles(query));
      return [files.map(({ name }) => name), (Object(next) as { pageToken?: unknown }).pageToken];
    } catch (error) {
      throw explained(error, this.#bucket);
    }
  }

  async #save(client: GCSClientLike, name: string, value: Uint8Array, preconditionOpts: object): Promise<void> {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const checksum = client.crc32cGenerator();
    checksum.update(bytes);
    const file = fileOf(client, this.#bucket, name, silence + bytes.length / slowest);
    const options = {
      resumable: false,
      // The client's own check deletes an object that differs, whoever wrote it. With our checksum beside the bytes the
      // service refuses damaged ones.
      validation: false,
      metadata: {
        contentType: "application/octet-stream",
        // Objects that everybody may read would be served from caches, an hour old.
        cacheControl: "no-store",
        crc32c: checksum.toString(),
      },
      preconditionOpts,
    };
    await this.#turns.take(() => file.save(bytes, options));
  }

  async #change<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (let paused = 0; ; paused++) {
      try {
        return await call();
      } catch (error) {
        if (!isTooFast(error) || paused === pauses) throw explained(error, this.#bucket);
        await sleep(pause * (1 + Math.random() / 2));
      }
    }
  }
}

function fileOf(client: GCSClientLike, bucket: string, name: string, time = silence): GCSFileLike {
  return limited(client.bucket(bucket).file(name), time);
}

/** Has the requests of a file or bucket given up when the service stays silent for so many milliseconds. */
function limited<Target extends GCSFileLike | GCSBucketLike>(target: Target, timeout: number): Target {
  target.interceptors.push({ request: (options) => ({ ...options, timeout }) });
  return target;
}

/** All bytes of a file, compared with the checksum that the service sends along. */
async function read(file: GCSFileLike): Promise<Uint8Array> {
  const stream = file.createReadStream({ validation: "crc32c", decompress: false });
  const chunks: Uint8Array[] = [];
  // Version 8 hangs so many listeners on the answer that Node warns of a leak, which it is not.
  stream.on("response", (response) => response.setMaxListeners(0));
  // In version 7 of the client the limit of the request ends with the head of its answer, and what is cut after it hangs.
  const timer = setTimeout(() => {
    const error = new Error(`Cloud Storage sent nothing for ${silence / 1_000} seconds`);
    stream.destroy(Object.assign(error, { type: "body-timeout" }));
  }, silence);
  try {
    for await (const chunk of stream) {
      timer.refresh();
      // A stream of bytes gives nothing else.
      chunks.push(chunk as Uint8Array);
    }
  } finally {
    clearTimeout(timer);
  }
  const bytes = Buffer.concat(chunks);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
