// What the tests of StorageRedis share: servers of their own, and storages that are closed in the end.
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, onTestFinished } from "vitest";
import { StorageRedis, type StorageRedisOptions } from "dotflow/storage/redis";
import { redis, redisWith } from "./servers/redis.ts";
import { type Server, startServer } from "./servers/server.ts";

export const missing = redis.missing();
export const because = missing === undefined ? "" : `, skipped: ${missing}`;

/** Easy to find where it should not be. */
export const password = "hunter2-not-for-logs";

interface Scene {
  server: Server;
  /** To look at the server, and to tell it something. */
  admin: Redis;
  open(options?: Partial<StorageRedisOptions>): StorageRedis;
}

/** One server for the tests of a `describe`, emptied after each of them. */
export function sceneForAll(): Scene {
  const opened: StorageRedis[] = [];
  const scene = {} as Scene; // Tests read it only after `beforeAll`.
  beforeAll(async () => {
    scene.server = await startServer(redis);
    scene.admin = new Redis(scene.server.address);
    scene.open = (options = {}) => {
      const storage = new StorageRedis({ ...(options.client ? {} : { url: scene.server.address }), ...options });
      opened.push(storage);
      return storage;
    };
  });
  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close();
    await scene.admin.flushall();
  });
  afterAll(async () => {
    scene.admin.disconnect();
    await scene.server.stop();
  });
  return scene;
}

/** A server with other settings, for one test. It may refuse commands when it is given. */
export async function privateServer(settings: Record<string, string> = {}): Promise<Server> {
  const { ready: _, ...recipe } = redisWith(settings);
  const server = await startServer(recipe);
  onTestFinished(() => server.stop());
  return server;
}

/** What a call rejects with; something else where it does not. */
export function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => ({ message: "no failure" }),
    (error: unknown) => error,
  );
}
