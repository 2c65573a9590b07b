// Prefixes in the bucket of a local R2.
import { randomUUID } from "node:crypto";
import { StorageS3 } from "dotflow/storage/s3";
import { bucket, credentials, r2 as server } from "../servers/r2.ts";
import { sharedServer } from "../servers/shared.ts";
import type { PlaceKind } from "./kind.ts";

export const s3: PlaceKind = {
  shared: true,
  scale: 0.1,
  server,
  make: (address) => makePrefix("r2", "auto", address),
  open: openPrefix,
  // The server's folder goes with the server.
  remove() {},
};

/** Gives a prefix that nobody has, in the bucket of a server: the one that the test run shares, or the one at `address`. */
export async function makePrefix(name: string, region: string, address?: string): Promise<string> {
  return JSON.stringify({ endpoint: address ?? (await sharedServer(name)), region, prefix: randomUUID() });
}

export function openPrefix(place: string): StorageS3 {
  // Written by `makePrefix`.
  const { endpoint, region, prefix } = JSON.parse(place) as { endpoint: string; region: string; prefix: string };
  return new StorageS3({ bucket, prefix, endpoint, region, credentials });
}
