// Keeps values as block blobs in a container of Azure Blob Storage: which request stands for which verb.
// The way to the container is left to azure-login.ts, limits of time to azure-call.ts, texts of errors to azure-error.ts.
import type { Storage } from "../../src/storage.ts";
import { type Again, inTime } from "../shared/time-limit.ts";
import { Turns } from "../shared/turns.ts";
import { lateBy, readAll, timeFor } from "./azure-call.ts";
import type { AzureBlobClient, AzureBlobItem, AzureContainerClient } from "./azure-client.ts";
import { explained, nameOf } from "./azure-error.ts";
import { type AzureLogin, connectionOf } from "./azure-login.ts";

export type {
  AzureBlobClient,
  AzureBlobItem,
  AzureBlobPage,
  AzureContainerClient,
  AzureDownload,
} from "./azure-client.ts";
export type { AzureAccountKey, AzureLogin, AzureSasToken, AzureTokenCredential } from "./azure-login.ts";

export interface StorageAzureOptions extends AzureLogin {
  /**
   * What the names of all blobs begin with, such as `"team-a/checkpoints"`; a `/` is added where it is missing. Storages
   * with different prefixes may share a container.
   *
   * @default "" (the whole container)
   */
  prefix?: string;
}

/** A blob's name has at most 1,024 characters, a key 600. */
const longestPrefix = 424;

/** Bytes of a page of 5,000 names. */
const largestPage = 5_000_000;

/** How many are under way at once: each has a connection of its own. */
const mostRequests = 100;

/**
 * Keeps checkpoints as block blobs in a container of Azure Blob Storage. Needs the package `@azure/storage-blob`.
 *
 * A value that was acknowledged is as safe as the redundancy of the account makes it: with the least, LRS, three copies in
 * one data centre have it. Any number of processes and machines may share a container. A verb is one request, a listing one
 * for each 5,000 keys, and none is repeated here: a workflow does that, with a limit. 100 are under way at once.
 */
export class StorageAzure implements Storage {
  readonly durable = true;
  readonly #prefix: string;
  readonly #turns = new Turns(mostRequests);
  readonly #connect: () => Promise<AzureContainerClient>;
  #connected: Promise<AzureContainerClient> | undefined;

  /** Throws a `TypeError` where the options don't say which container, or how to log in. */
  constructor(options: StorageAzureOptions) {
    this.#connect = connectionOf(options);
    this.#prefix = checkedPrefix(options.prefix ?? "");
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#withBlob(key, 0, async (blob, abortSignal, again) => {
        // Not `downloadToBuffer`: it asks for the length first, and then mixes two values where a put comes between.
        const { contentLength = 0, readableStreamBody } = await blob.download(0, undefined, {
          abortSignal,
          maxRetryRequests: 0,
        });
        again(timeFor(contentLength));
        return await readAll(readableStreamBody, contentLength);
      });
    } catch (error) {
      if (nameOf(error) === "BlobNotFound") return undefined;
      throw error;
    }
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#withBlob(key, value.length, (blob, abortSignal) => blob.upload(value, value.length, { abortSignal }));
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    const conditions = { ifNoneMatch: "*" };
    try {
      await this.#withBlob(key, value.length, (blob, abortSignal) =>
        blob.upload(value, value.length, { abortSignal, conditions }),
      );
      return true;
    } catch (error) {
      if (["BlobAlreadyExists", "ConditionNotMet"].includes(nameOf(error))) return false;
      throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<string> {
    const container = await this.#container();
    let continuationToken: string | undefined;
    do {
      const page = await this.#request(container, largestPage, async (abortSignal) => {
        const pages = container.listBlobsFlat({ prefix: this.#prefix + prefix, includeMetadata: true, abortSignal });
        return (await pages.byPage({ continuationToken }).next()).value;
      });
      for (const item of page?.segment.blobItems ?? []) if (!isFolder(item)) yield item.name.slice(this.#prefix.length);
      continuationToken = page?.continuationToken;
    } while (continuationToken);
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#withBlob(key, 0, (blob, abortSignal) => blob.delete({ abortSignal }));
    } catch (error) {
      if (nameOf(error) !== "BlobNotFound") throw error;
    }
  }

  async #withBlob<Result>(
    key: string,
    bytes: number,
    call: (blob: AzureBlobClient, abortSignal: AbortSignal, again: Again) => Promise<Result>,
  ): Promise<Result> {
    const name = this.#prefix + checkedKey(key);
    const container = await this.#container();
    return this.#request(container, bytes, async (abortSignal, again) =>
      call(container.getBlockBlobClient(name), abortSignal, again),
    );
  }

  async #request<Result>(
    container: AzureContainerClient,
    bytes: number,
    send: (abortSignal: AbortSignal, again: Again) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#turns.take(() => inTime(timeFor(bytes), lateBy, send));
    } catch (error) {
      throw explained(error, container.containerName);
    }
  }

  /** The package is loaded, and the client made, when the storage is first used. */
  #container(): Promise<AzureContainerClient> {
    this.#connected ??= this.#connect();
    return this.#connected;
  }
}

/** An account with a hierarchical namespace (Data Lake) shows its folders among the blobs. */
function isFolder({ metadata }: AzureBlobItem): boolean {
  return metadata?.["hdi_isfolder"] === "true";
}

function checkedPrefix(prefix: string): string {
  const complete = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const fault = complete === "" ? undefined : faultOf(complete.slice(0, -1));
  if (fault !== undefined)
    throw new TypeError(
      `The option prefix of StorageAzure is ${JSON.stringify(prefix)}: ${fault}. Give one such as "team-a/checkpoints".`,
    );
  if (complete.length > longestPrefix)
    throw new TypeError(
      `The option prefix of StorageAzure has ${complete.length} characters, which leaves no room for keys. Give at most ${longestPrefix}.`,
    );
  return complete;
}

function checkedKey(key: string): string {
  const fault = faultOf(key);
  if (fault === undefined) return key;
  throw new TypeError(
    `StorageAzure can't keep ${JSON.stringify(key)}: ${fault}. Use parts of ASCII text, separated by "/".`,
  );
}

/** Azure takes `\` for `/`, drops a last dot, and `..` would lead out of the container. */
function faultOf(path: string): string | undefined {
  for (const part of path.split("/")) {
    if (part === "") return "it is empty or has an empty part";
    if (part.startsWith(".") || part.endsWith(".")) return "a part of it begins or ends with a dot";
    if (part.includes("\\")) return "it has a backslash in it";
    if (/[^\x20-\x7e]/.test(part)) return "it has characters in it that are not printable ASCII";
  }
  return undefined;
}
