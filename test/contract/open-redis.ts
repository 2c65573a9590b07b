// Opens StorageRedis over any of its clients, also in the child processes of the contract.
import type { Storage } from "dotflow";
import { type RedisClient, StorageRedis } from "dotflow/storage/redis";

/** `own` is the client that the storage makes itself. */
export type ClientKind = "own" | "redis" | "ioredis";

export interface RedisPlace {
  readonly kind: ClientKind;
  readonly url: string;
  readonly prefix: string;
}

export default (place: string): Promise<Storage> => openRedis(JSON.parse(place) as RedisPlace); // Written by the tests.

export async function openRedis({ kind, url, prefix }: RedisPlace): Promise<Storage> {
  if (kind === "own") return new StorageRedis({ url, prefix }).connect();
  const { client, close } = await makeClient(kind, url);
  const storage = await new StorageRedis({ client, prefix }).connect();
  return Object.assign(storage, { close });
}

/** A client as users make it. */
export async function makeClient(
  kind: Exclude<ClientKind, "own">,
  url: string,
): Promise<{ client: RedisClient; close(): Promise<void> }> {
  if (kind === "ioredis") {
    const { Redis } = await import("ioredis");
    const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 200 });
    client.on("error", () => {});
    return { client, close: async () => client.disconnect() };
  }
  const { createClient } = await import("redis");
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  return { client, close: async () => void (client.isOpen && client.destroy()) };
}
