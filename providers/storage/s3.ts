// Keeps values as objects of an S3 bucket: options, and which key is which object.
// How requests are sent is left to s3-bucket.ts, whether the store can be used at all to s3-check.ts.
import type { Storage } from "../../src/storage.ts";
import { folderPrefix } from "../shared/folder-prefix.ts";
import { Bucket } from "./s3-bucket.ts";
import { checkFolder, requireConditionalWrites } from "./s3-check.ts";
import type { S3ClientLike, S3Credentials } from "./s3-client.ts";

export type { S3ClientLike, S3Credentials } from "./s3-client.ts";

export interface StorageS3Options {
  /** The bucket, which must be there. */
  bucket: string;
  /**
   * The folder of the bucket that all keys lie in, such as `"team-a/etl"`. Programs with different prefixes don't see
   * each other.
   *
   * @default "" (the whole bucket)
   */
  prefix?: string;
  /** Such as `"eu-central-1"`; `"auto"` for R2. @default as the AWS SDK finds it: `AWS_REGION`, the shared config file */
  region?: string;
  /** The address of a store that is not Amazon's, such as `"https://<account>.r2.cloudflarestorage.com"`. */
  endpoint?: string;
  /** Whether the bucket stands in the path of the address instead of its host name. @default whether `endpoint` is given */
  forcePathStyle?: boolean;
  /** Keys, or a function that gives them. @default as the AWS SDK finds them: environment, shared files, the machine's role */
  credentials?: S3Credentials | (() => Promise<S3Credentials>);
  /** How the store encrypts objects. @default as the bucket says */
  serverSideEncryption?: "AES256" | "aws:kms" | "aws:kms:dsse";
  /** The KMS key to encrypt with; needs `serverSideEncryption: "aws:kms"` or `"aws:kms:dsse"`. @default the key of the bucket */
  kmsKeyId?: string;
  /** Such as `"STANDARD_IA"`; an archive class, which can't be read at once, is refused. @default as the bucket says */
  storageClass?: string;
  /**
   * A client of your own instead of `region`, `endpoint`, `forcePathStyle` and `credentials`. It is never closed here.
   *
   * Give it `maxAttempts: 1`: dotflow tries again itself, and the time of one call is limited.
   */
  client?: S3ClientLike;
}

/**
 * Keeps checkpoints as objects of a bucket: Amazon S3 and every store that speaks its language and honours
 * `If-None-Match: *`. Needs the package `@aws-sdk/client-s3`, which is loaded at the first call.
 *
 * A value that was acknowledged is as durable as the bucket. Machines anywhere may share it; of any number that create
 * one key exactly one wins. Before its first write in a process a bucket is asked, with three requests, whether it
 * honours conditions; one that does not is refused with an error.
 */
export class StorageS3 implements Storage {
  readonly durable = true;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly #bucket: Bucket;
  readonly #requireConditionalWrites: () => Promise<void>;

  constructor(options: StorageS3Options) {
    check(options);
    const {
      bucket,
      region,
      endpoint,
      credentials,
      client,
      forcePathStyle = endpoint === undefined ? undefined : true,
    } = options;
    const prefix = folderPrefix(options.prefix ?? "", "StorageS3");
    this.bucket = bucket;
    this.prefix = prefix;
    const connection = { region, endpoint, forcePathStyle, credentials };
    const requests = new Bucket({ bucket, client, connection, writeHeaders: headersOf(options) });
    this.#bucket = requests;
    const place = JSON.stringify([bucket, region, endpoint]);
    this.#requireConditionalWrites = () => requireConditionalWrites(requests, prefix, client ?? StorageS3, place);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#bucket.get(this.prefix + key);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#requireConditionalWrites();
    await this.#bucket.put(this.prefix + key, value);
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    await this.#requireConditionalWrites();
    return this.#bucket.create(this.prefix + key, value);
  }

  async *list(prefix: string): AsyncIterable<string> {
    for await (const name of this.#bucket.list(this.prefix + prefix)) {
      const key = name.slice(this.prefix.length);
      if (!key.startsWith(checkFolder)) yield key;
    }
  }

  delete(key: string): Promise<void> {
    return this.#bucket.delete(this.prefix + key);
  }

  close(): Promise<void> {
    return this.#bucket.close();
  }
}

function headersOf({ serverSideEncryption, kmsKeyId, storageClass }: StorageS3Options): Record<string, string> {
  return {
    ...(serverSideEncryption !== undefined && { ServerSideEncryption: serverSideEncryption }),
    ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass !== undefined && { StorageClass: storageClass }),
  };
}

const encryptions: readonly unknown[] = [undefined, "AES256", "aws:kms", "aws:kms:dsse"];
const archives: readonly unknown[] = ["GLACIER", "DEEP_ARCHIVE"];

function check(options: StorageS3Options): void {
  const { bucket, endpoint, credentials, serverSideEncryption, kmsKeyId, storageClass, client } = options;
  if (typeof bucket !== "string" || bucket === "" || bucket.includes("/"))
    refuse(`bucket is ${JSON.stringify(bucket)}. Give the name of a bucket alone, and a folder in it as prefix.`);
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (credentials !== undefined && typeof credentials !== "function") checkCredentials(credentials);
  if (!encryptions.includes(serverSideEncryption))
    refuse(
      `serverSideEncryption is ${JSON.stringify(serverSideEncryption)}. Give "AES256", "aws:kms" or "aws:kms:dsse".`,
    );
  if (kmsKeyId !== undefined && !serverSideEncryption?.startsWith("aws:kms"))
    refuse('kmsKeyId needs serverSideEncryption: "aws:kms" or "aws:kms:dsse" beside it.');
  if (archives.includes(storageClass))
    refuse(
      `storageClass is ${JSON.stringify(storageClass)}, which can't be read at once. Give one such as "STANDARD_IA".`,
    );
  if (client !== undefined) checkClient(client, options);
}

/** Its text is never shown: it can hold a password. */
function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    refuse('endpoint is no address. Give one such as "https://s3.example.com".');
  if (url?.username || url?.password) refuse("endpoint has a user or password in it. Give them as credentials.");
}

function checkCredentials({ accessKeyId, secretAccessKey }: S3Credentials): void {
  if (!accessKeyId || !secretAccessKey)
    refuse(
      "credentials lack accessKeyId or secretAccessKey. Give both, or leave credentials out to use the environment's.",
    );
}

function checkClient(client: S3ClientLike, options: StorageS3Options): void {
  if (typeof client?.send !== "function") refuse("client has no send. Give an S3Client of @aws-sdk/client-s3.");
  const settings = ["region", "endpoint", "forcePathStyle", "credentials"] as const;
  const beside = settings.filter((name) => options[name] !== undefined);
  if (beside.length > 0) refuse(`client is given beside ${beside.join(", ")}. Set these on the client instead.`);
}

function refuse(what: string): never {
  throw new TypeError(`The option ${what.replace(/^(\w+)/, "$1 of StorageS3")}`);
}
