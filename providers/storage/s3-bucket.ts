// The requests to one bucket: each is sent once, within a time limit, and fails with an error that says what to do.
import { type Again, inTime } from "../shared/time-limit.ts";
import { Turns } from "../shared/turns.ts";
import type { S3ClientLike, S3Connection } from "./s3-client.ts";
import { explained, isMissingKey, isTaken, type S3Request } from "./s3-error.ts";
import { loadSdk, makeClient, mostAtOnce } from "./s3-sdk.ts";

export interface BucketOptions {
  readonly bucket: string;
  /** A client of the user's, or how to make one of our own. */
  readonly client: S3ClientLike | undefined;
  readonly connection: S3Connection;
  /** What is sent with every write, such as a storage class. */
  readonly writeHeaders: Readonly<Record<string, string>>;
}

/** How long an answer may take; a request that hangs must leave time for a second one. */
const answerLimit = 10_000;
/** Time that large values get on top, in bytes a millisecond: 1 MB a second. */
const slowest = 1_000;

type Sdk = Awaited<ReturnType<typeof loadSdk>>;

export class Bucket {
  readonly name: string;
  readonly #options: BucketOptions;
  #own: Promise<S3ClientLike & { destroy(): void }> | undefined;
  readonly #turns = new Turns(mostAtOnce);

  constructor(options: BucketOptions) {
    this.name = options.bucket;
    this.#options = options;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#request(
      { operation: "GetObject", bucket: this.name },
      (sdk) => new sdk.GetObjectCommand({ Bucket: this.name, Key: key }),
      readBody,
      (error) => (isMissingKey(error) ? { answer: undefined } : undefined),
    );
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#write(key, value, false);
  }

  /** Gives `false` where the store refuses because the key is taken. */
  create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#write(key, value, true);
  }

  #write(key: string, value: Uint8Array, createOnly: boolean): Promise<boolean> {
    return this.#request<boolean>(
      { operation: "PutObject", bucket: this.name, createOnly },
      (sdk) =>
        new sdk.PutObjectCommand({
          ...this.#options.writeHeaders,
          Bucket: this.name,
          Key: key,
          Body: value,
          ...(createOnly && { IfNoneMatch: "*" }),
        }),
      (output) => {
        // Every store that has taken a value gives its tag. An answer without it can be an error with the status 200.
        if (typeof (output as { ETag?: unknown }).ETag === "string") return true;
        throw unclear("the answer to the write has no ETag, so it is not known whether the value was stored");
      },
      (error) => (createOnly && isTaken(error) ? { answer: false } : undefined),
      answerLimit + value.length / slowest,
    );
  }

  async *list(prefix: string): AsyncIterable<string> {
    let token: string | undefined;
    do {
      const page = await this.#page(prefix, token);
      yield* page.keys;
      token = page.next;
    } while (token !== undefined);
  }

  #page(prefix: string, token: string | undefined): Promise<{ keys: string[]; next: string | undefined }> {
    return this.#request(
      { operation: "ListObjectsV2", bucket: this.name },
      (sdk) => new sdk.ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, ContinuationToken: token }),
      (output) => {
        const { Contents = [], IsTruncated, NextContinuationToken } = output as Page;
        // A listing that is silently cut would let completed steps run again.
        const leadsOn = NextContinuationToken !== undefined && NextContinuationToken !== token;
        if (IsTruncated === undefined || (IsTruncated && !leadsOn))
          throw new Error("the answer is no listing as ListObjectsV2 gives it; check endpoint and forcePathStyle");
        return {
          keys: Contents.flatMap(({ Key }) => Key ?? []),
          next: IsTruncated ? NextContinuationToken : undefined,
        };
      },
    );
  }

  async delete(key: string): Promise<void> {
    await this.#request(
      { operation: "DeleteObject", bucket: this.name },
      (sdk) => new sdk.DeleteObjectCommand({ Bucket: this.name, Key: key }),
      () => undefined,
      (error) => (isMissingKey(error) ? { answer: undefined } : undefined),
    );
  }

  /** Ends the connections of our own client. */
  async close(): Promise<void> {
    (await this.#own)?.destroy();
  }

  async #request<Answer>(
    request: S3Request,
    command: (sdk: Sdk) => object,
    read: (output: unknown, alive: () => void) => Answer | Promise<Answer>,
    answerOf: (error: unknown) => { answer: Answer } | undefined = () => undefined,
    limit = answerLimit,
  ): Promise<Answer> {
    const sdk = await loadSdk();
    const client = this.#options.client ?? (await this.#ownClient());
    const late = (seconds: number): string => `no answer within ${seconds} seconds`;
    const send = async (abortSignal: AbortSignal, again: Again): Promise<Answer> =>
      read(await client.send(command(sdk), { abortSignal }), again);
    try {
      return await this.#turns.take(() => inTime(limit, late, send));
    } catch (error) {
      const given = answerOf(error);
      if (given) return given.answer;
      throw explained(error, request);
    }
  }

  #ownClient(): Promise<S3ClientLike> {
    this.#own ??= makeClient(this.#options.connection);
    return this.#own;
  }
}

/** What ListObjectsV2 gives, as far as it is used. */
interface Page {
  readonly Contents?: readonly { readonly Key?: string }[];
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
}

/** Gives the bytes in memory that nobody else uses. Each part that arrives shows that the answer is alive. */
async function readBody(output: unknown, alive: () => void): Promise<Uint8Array> {
  const { Body } = output as { Body?: AsyncIterable<Uint8Array> };
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of Body ?? []) {
    parts.push(part);
    length += part.length;
    alive();
  }
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

/** An outcome that is not known: the same request may be sent again. */
function unclear(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { retryable: true });
}
