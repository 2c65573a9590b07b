// Loads the SDK of S3 at first use, and makes a client as StorageS3 wants one.
import { loadPackage } from "../shared/load-package.ts";
import type { S3ClientLike, S3Connection } from "./s3-client.ts";

type Sdk = typeof import("@aws-sdk/client-s3");

/** Requests that are under way at once, each with a socket of its own. */
export const mostAtOnce = 128;

export function loadSdk(): Promise<Sdk> {
  return loadPackage("@aws-sdk/client-s3", "StorageS3", () => import("@aws-sdk/client-s3"));
}

export async function makeClient(connection: S3Connection): Promise<S3ClientLike & { destroy(): void }> {
  const { S3Client } = await loadSdk();
  const given = Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== undefined));
  const sockets = { keepAlive: true, maxSockets: mostAtOnce };
  const client = new S3Client({
    ...given,
    // Trying again is left to the guard around the storage, which knows what an unknown outcome means.
    maxAttempts: 1,
    // Records have a checksum of their own, and some stores refuse the headers for those of the SDK.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 5_000, httpAgent: sockets, httpsAgent: sockets },
  });
  // It asks with each large value whether the store wants it. Some stores never answer that: new versions of the SDK
  // then wait six seconds, old ones for ever. By its name, because old versions have no option for it.
  client.middlewareStack.remove("addExpectContinueMiddleware");
  return client;
}
