// The client of Cloud Storage as StorageGCS uses it: its few methods, and how one is made. The package is loaded only here.
import { loadPackage } from "../shared/load-package.ts";
import { inTime } from "../shared/time-limit.ts";
import { explained } from "./gcs-error.ts";

/** A `Storage` of `@google-cloud/storage`, version 7 or 8, by what is used of it. */
export interface GCSClientLike {
  bucket(name: string): GCSBucketLike;
  /** Makes checksums of the kind that Cloud Storage keeps. */
  crc32cGenerator(): { update(bytes: Uint8Array): void; toString(): string };
}

export interface GCSBucketLike extends Intercepted {
  file(name: string): GCSFileLike;
  getFiles(query: object): Promise<[files: { name: string }[], nextQuery?: unknown, ...rest: unknown[]]>;
}

export interface GCSFileLike extends Intercepted {
  save(bytes: Uint8Array, options: object): Promise<unknown>;
  createReadStream(options: object): GCSDownloadLike;
  delete(): Promise<unknown>;
}

export interface GCSDownloadLike extends AsyncIterable<unknown> {
  on(event: "response", listener: (response: { setMaxListeners(count: number): unknown }) => void): unknown;
  destroy(error?: Error): unknown;
}

interface Intercepted {
  interceptors: { push(interceptor: { request(options: object): object }): unknown };
}

/** What a client is made of. */
interface GCSConnection {
  readonly projectId?: string;
  readonly keyFilename?: string;
  readonly credentials?: object;
  readonly apiEndpoint?: string;
}

/** How long a login may take, which the client itself waits for without end. */
const loginLimit = 10_000;

/** Makes a client and logs it in, so that wrong credentials are found before a request that can't say so. */
export async function connect(connection: GCSConnection): Promise<GCSClientLike> {
  const { Storage } = await loadPackage("@google-cloud/storage", "StorageGCS", () => import("@google-cloud/storage"));
  const { keyFilename, credentials, apiEndpoint = process.env["STORAGE_EMULATOR_HOST"] } = connection;
  // Without credentials of its own an address that isn't Google's is taken for an emulator.
  const needsLogin = apiEndpoint === undefined || keyFilename !== undefined || credentials !== undefined;
  const client = new Storage({
    ...connection,
    useAuthWithCustomEndpoint: needsLogin,
    // The guard tries again. The client would take its own success for a refusal when an answer is lost.
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  // The client keeps the token and uses it for its requests.
  if (needsLogin) {
    await inTime(loginLimit, late, () => client.authClient.getAccessToken()).catch((error: unknown) => {
      throw explained(error);
    });
  }
  return client;
}

function late(seconds: number): string {
  return `The login to Google Cloud got no answer within ${seconds} seconds`;
}
