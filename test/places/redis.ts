// Prefixes in a Redis server.
import { randomUUID } from "node:crypto";
import { StorageRedis } from "dotflow/storage/redis";
import { redis as server } from "../servers/redis.ts";
import { sharedServer } from "../servers/shared.ts";
import type { PlaceKind } from "./kind.ts";

export const redis: PlaceKind = {
  shared: true,
  scale: 0.34,
  missing: () => server.missing(),
  server,
  make: async (address) =>
    JSON.stringify({ url: address ?? (await sharedServer("redis")), prefix: `test-${randomUUID()}:` }),
  open: openRedis,
  async remove(place) {
    const storage = openRedis(place);
    for await (const key of storage.list("")) await storage.delete(key);
    await storage.close();
  },
};

export function openRedis(place: string): StorageRedis {
  // Written by `make`.
  return new StorageRedis(JSON.parse(place) as { url: string; prefix: string });
}
