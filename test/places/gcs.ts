// Prefixes in the bucket of the Cloud Storage of the tests.
import { randomUUID } from "node:crypto";
import { StorageGCS, type StorageGCSOptions } from "dotflow/storage/gcs";
import { gcs as server, gcsBucket } from "../servers/gcs.ts";
import { sharedServer } from "../servers/shared.ts";
import type { PlaceKind } from "./kind.ts";

export const gcs: PlaceKind = {
  shared: true,
  scale: 0.15,
  server,
  async make(address) {
    const apiEndpoint = address ?? (await sharedServer("gcs"));
    return JSON.stringify({ bucket: gcsBucket, prefix: randomUUID(), apiEndpoint });
  },
  // Written by `make`.
  open: (place) => new StorageGCS(JSON.parse(place) as StorageGCSOptions),
  // The server's folder goes with the server.
  remove() {},
};
