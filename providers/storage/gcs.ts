// Keeps values as objects of a Google Cloud Storage bucket: options, and which key is which object.
// How requests are sent is left to gcs-objects.ts.
import type { Storage } from "../../src/storage.ts";
import { folderPrefix } from "../shared/folder-prefix.ts";
import { connect, type GCSClientLike } from "./gcs-client.ts";
import { Objects } from "./gcs-objects.ts";

export type { GCSBucketLike, GCSClientLike, GCSDownloadLike, GCSFileLike } from "./gcs-client.ts";

export interface StorageGCSOptions {
  /** The bucket, which must be there. It needs no setting of its own; one with a retention policy can't be used. */
  bucket: string;
  /**
   * The folder of the bucket that all keys lie in, such as `"team-a/etl"`. Programs with different prefixes don't see
   * each other.
   *
   * @default "" (the whole bucket)
   */
  prefix?: string;
  /** The project that requests are made for. @default as the Google client finds it; the bucket alone is enough */
  projectId?: string;
  /** The path of a key file of a service account. @default as the Google client finds credentials: `GOOGLE_APPLICATION_CREDENTIALS`, the login of gcloud, the machine's account */
  keyFilename?: string;
  /** What would stand in the key file, such as `{ client_email, private_key }`. */
  credentials?: object;
  /**
   * Another address than Google's, such as `"http://127.0.0.1:4443"` for an emulator or that of a private endpoint. No
   * login is tried there, unless `keyFilename` or `credentials` is given.
   */
  apiEndpoint?: string;
  /**
   * A client of your own instead of `projectId`, `keyFilename`, `credentials` and `apiEndpoint`: a `Storage` of
   * `@google-cloud/storage`.
   *
   * Give it `retryOptions: { autoRetry: false }`: dotflow tries again itself, and the time of one call is limited.
   */
  client?: GCSClientLike;
}

/**
 * Keeps checkpoints as objects of a Google Cloud Storage bucket. Needs the package `@google-cloud/storage`, version 7 or 8,
 * which is loaded at the first call.
 *
 * A value that was acknowledged is as durable as the bucket. Machines anywhere may share it; of any number that create
 * one key exactly one wins. Bytes that were damaged on the way, either way, are refused. A key can be changed once a
 * second: what comes sooner waits.
 */
export class StorageGCS implements Storage {
  readonly durable = true;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly #objects: Objects;

  constructor(options: StorageGCSOptions) {
    check(options);
    const { bucket, prefix = "", projectId, keyFilename, credentials, apiEndpoint, client } = options;
    this.bucket = bucket;
    this.prefix = folderPrefix(prefix, "StorageGCS");
    let connecting: Promise<GCSClientLike> | undefined;
    const connectOnce = (): Promise<GCSClientLike> =>
      (connecting ??= connect({ projectId, keyFilename, credentials, apiEndpoint }).catch((error: unknown) => {
        connecting = undefined;
        throw error;
      }));
    this.#objects = new Objects(bucket, async () => client ?? connectOnce());
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#objects.get(this.prefix + key);
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.#objects.put(this.prefix + key, value);
  }

  create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#objects.create(this.prefix + key, value);
  }

  async *list(prefix: string): AsyncIterable<string> {
    for await (const name of this.#objects.list(this.prefix + prefix)) yield name.slice(this.prefix.length);
  }

  delete(key: string): Promise<void> {
    return this.#objects.delete(this.prefix + key);
  }
}

function check({ bucket, client, ...settings }: StorageGCSOptions): void {
  if (typeof bucket !== "string" || bucket === "" || bucket.includes("/"))
    refuse(`bucket is ${JSON.stringify(bucket)}. Give the name of a bucket alone, and a folder in it as prefix.`);
  const { projectId, keyFilename, credentials, apiEndpoint } = settings;
  if (keyFilename !== undefined && credentials !== undefined)
    refuse("keyFilename is given beside credentials. Give one of them.");
  if (keyFilename === "") refuse("keyFilename is empty. Give the path of a key file, or leave it out.");
  if (credentials !== undefined && (typeof credentials !== "object" || credentials === null))
    refuse("credentials is no object. Give what stands in the key file, such as { client_email, private_key }.");
  if (apiEndpoint !== undefined) checkAddress(apiEndpoint);
  if (client === undefined) return;
  if (typeof client?.bucket !== "function" || typeof client.crc32cGenerator !== "function")
    refuse("client is no client of Cloud Storage. Give a Storage of @google-cloud/storage.");
  const beside = Object.entries({ projectId, keyFilename, credentials, apiEndpoint }).filter(
    ([, value]) => value !== undefined,
  );
  if (beside.length > 0)
    refuse(`client is given beside ${beside.map(([name]) => name).join(", ")}. Set these on the client instead.`);
}

/** Its text is never shown: it can hold a password. */
function checkAddress(apiEndpoint: string): void {
  const url = URL.canParse(apiEndpoint) ? new URL(apiEndpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    refuse('apiEndpoint is no address. Give one such as "https://storage.example.com".');
  if (url?.username || url?.password) refuse("apiEndpoint has a user or password in it. Give credentials instead.");
}

function refuse(what: string): never {
  throw new TypeError(`The option ${what.replace(/^(\w+)/, "$1 of StorageGCS")}`);
}
