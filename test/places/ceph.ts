// Prefixes in a bucket of Ceph. Not among the kinds that all guarantees are tested over: its start takes 15 seconds.
import { ceph as server } from "../servers/ceph.ts";
import type { PlaceKind } from "./kind.ts";
import { makePrefix, s3 } from "./s3.ts";

export const ceph: PlaceKind = {
  ...s3,
  missing: server.missing,
  server,
  make: (address) => makePrefix("ceph", "us-east-1", address),
};
