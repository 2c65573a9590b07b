// What is special to Redis: options, packages, keys, clients. The contract is tested in test/contract, what the server says of
// itself in storage-redis-durable.test.ts, its errors in storage-redis-errors.test.ts, its faults in storage-redis-faults.test.ts.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { inspect, promisify } from "node:util";
import { Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { describe, expect, it } from "vitest";
import { type RedisClient, StorageRedis } from "dotflow/storage/redis";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { makeClient } from "./contract/open-redis.ts";
import { because, missing, password, privateServer, sceneForAll } from "./redis-scene.ts";
import { keysOf } from "./storages.ts";

const value = labelled("value", 300);

describe("options", () => {
  it.each<[string, object, string | RegExp]>([
    ["no server", {}, "needs either url, such as redis://localhost:6379, or client"],
    ["two servers", { url: "redis://localhost", client: {} }, "needs either url"],
    ["a url that is none", { url: `redis://:${password}@host:port` }, "is not the address of a Redis server"],
    ["a url of something else", { url: `http://user:${password}@localhost` }, "is not the address of a Redis server"],
    ["a number as url", { url: 6379 }, "is not the address of a Redis server"],
    ["a path that is no database", { url: `redis://:${password}@localhost/jobs` }, "not the number of a database"],
    ["a query", { url: `redis://:${password}@localhost/0?tls=true` }, "something behind its path"],
    ["a bare % in the password", { url: `redis://:${password}%@localhost` }, "write %25"],
    ["an empty prefix", { url: "redis://localhost", prefix: "" }, "The option prefix of StorageRedis is empty"],
    ["a durable that is no boolean", { url: "redis://localhost", durable: "yes" }, "The option durable"],
    ["a client that is none", { client: { get() {} } }, "The option client is no client. Give a client of one server"],
    ["null as client", { client: null }, "The option client is no client"],
    ["a class as client", { client: Redis }, "The option client is no client"],
  ])("refuse %s", (_, options, message) => {
    const make = () => new StorageRedis(options);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(caught(make)).not.toContain(password);
  });

  it.each<[string, () => unknown]>([
    ["a cluster of redis", () => createCluster({ rootNodes: [{ url: "redis://127.0.0.1:1" }] })],
    ["a sentinel of redis", () => createSentinel({ name: "a", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] })],
    ["a cluster of ioredis", () => new Redis.Cluster([{ host: "127.0.0.1", port: 1 }], { lazyConnect: true })],
  ])("refuse %s: its keys can't be listed without gaps", (_, make) => {
    expect(() => new StorageRedis({ client: make() as RedisClient })).toThrow(/one of several servers.*without gaps/);
  });

  it.each<[string, () => RedisClient]>([
    ["redis", () => createClient({ keyPrefix: "mine:" })],
    ["ioredis", () => new Redis({ keyPrefix: "mine:", lazyConnect: true })],
  ])("refuse a client of %s with a key prefix of its own", (_, make) => {
    expect(() => new StorageRedis({ client: make() })).toThrow("The client has a keyPrefix of its own");
  });
});

describe("packages", () => {
  const entry = new URL("./children/storage-redis-once.ts", import.meta.url).pathname;
  const hook = new URL("./children/without-packages.mjs", import.meta.url).href;

  it("that are missing, both of them, give an error with one command that helps", async () => {
    const seen = await runScript("redis://127.0.0.1:1", "redis,ioredis");
    expect(seen).toMatchObject({ code: "MISSING_PACKAGE" });
    expect(seen["message"]).toBe("StorageRedis needs the package redis, which is not installed: npm install redis");
  });

  it.skipIf(missing).each(["redis", "ioredis"])(
    `let a script end by itself that never closed the storage, where %s is missing${because}`,
    async (lacking) => {
      const server = await privateServer();
      const seen = await runScript(server.address, lacking);
      expect(seen).toEqual({ status: "completed", output: "hello", durable: true });
    },
  );

  it.skipIf(missing).each(["redis", "ioredis"])(
    `refuse a database that the server does not have, where %s is missing${because}`,
    async (lacking) => {
      const server = await privateServer();
      const seen = await runScript(`${server.address}/99`, lacking);
      expect(seen).toMatchObject({ code: "STORAGE", cause: expect.stringContaining("DB index is out of range") });
    },
  );

  async function runScript(url: string, without: string): Promise<Record<string, unknown>> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--import", hook, entry, url, `once-${randomUUID()}:`],
      { env: { ...process.env, WITHOUT_PACKAGES: without }, timeout: 20_000 },
    );
    return JSON.parse(stdout) as Record<string, unknown>; // Written by the script.
  }
});

describe.skipIf(missing)(`on a server${because}`, () => {
  const scene = sceneForAll();

  describe("keys", () => {
    it("have the prefix before them, and nothing else is written; they never expire", async () => {
      await scene.open().create("job/a", value);
      await scene.open({ prefix: "other:" }).put("job/b", value);
      expect((await scene.admin.keys("*")).sort()).toEqual(["dotflow:job/a", "other:job/b"]);
      expect([await scene.admin.ttl("dotflow:job/a"), await scene.admin.ttl("other:job/b")]).toEqual([-1, -1]);
    });

    it.each(["*", "?", "[a-z]", "\\", "a*b?c[d]e\\", "{x}", "^", "ü:", "[^a]:", " "])(
      "are listed under the prefix %j as it is written, not as a pattern",
      async (prefix) => {
        const odd = scene.open({ prefix });
        const neighbours = ["b", "xx", "abc", "a1b2cde", "", "u:", "b:", "\\\\"].filter(
          (text) => !text.startsWith(prefix),
        );
        for (const text of neighbours) await scene.admin.set(`${text}job/stranger`, "x");
        await odd.create("job/a", value);
        expect(await keysOf(odd)).toEqual(["job/a"]);
        expect(await keysOf(odd, "job/")).toEqual(["job/a"]);
        expect(labelOf(await odd.get("job/a"))).toBe("value");
        await odd.delete("job/a");
        expect(await scene.admin.dbsize()).toBe(neighbours.length);
      },
    );

    it("lie in the database that the url names", async () => {
      const third = scene.open({ url: `${scene.server.address}/3` });
      await third.put("job/a", value);
      expect(await keysOf(scene.open())).toEqual([]);
      expect(await keysOf(third)).toEqual(["job/a"]);
    });

    it("are each shown once by a listing while the server makes room for ten times as many", async () => {
      const storage = scene.open();
      const before = Array.from({ length: 30_000 }, (_, index) => `job/steps/${index}`);
      await scene.admin.mset(before.flatMap((key) => [`dotflow:${key}`, "x"]));
      const shown: string[] = [];
      for await (const key of storage.list("job/")) {
        if (shown.push(key) === 15_000)
          await scene.admin.mset(Array.from({ length: 300_000 }, (_, index) => [`dotflow:new/${index}`, "x"]).flat());
      }
      expect(shown.toSorted()).toEqual(before.toSorted());
    });
  });

  it("gives values that share no memory with what the client read", async () => {
    const storage = scene.open();
    await storage.put("job/a", value);
    const [first, second] = [await storage.get("job/a"), await storage.get("job/a")];
    expect([first?.constructor, first?.buffer.byteLength]).toEqual([Uint8Array, value.length]);
    first?.fill(0);
    expect(labelOf(second)).toBe("value");
  });

  it("has one winner of 64 that create the same key, over five clients of both packages", async () => {
    const [node, io] = [
      await makeClient("redis", scene.server.address),
      await makeClient("ioredis", scene.server.address),
    ];
    const storages = [
      scene.open(),
      scene.open(),
      scene.open({ client: node.client }),
      scene.open({ client: io.client }),
      scene.open(),
    ];
    for (let round = 0; round < 10; round++) {
      const names = Array.from({ length: 64 }, (_, index) => `rival-${index}`);
      const won = await Promise.all(
        names.map((name, index) =>
          (storages[index % 5] as StorageRedis).create(`race/${round}`, labelled(name, 4_000)),
        ),
      );
      const winners = names.filter((_, index) => won[index]);
      expect(winners).toHaveLength(1);
      expect(labelOf(await scene.open().get(`race/${round}`))).toBe(winners[0]);
    }
    await node.close();
    await io.close();
  });

  describe("a client that was handed in", () => {
    it.each<[string, () => Promise<RedisClient & { close?: () => unknown; disconnect?: () => unknown }>]>([
      ["createClient of redis", async () => createClient({ url: scene.server.address }).connect()],
      [
        "createClient of redis with protocol 2",
        async () => createClient({ url: scene.server.address, RESP: 2 }).connect(),
      ],
      ["createClientPool of redis", async () => createPool()],
      ["new Redis of ioredis", async () => new Redis(scene.server.address)],
      [
        "new Redis of ioredis that connects when it is used",
        async () => new Redis(scene.server.address, { lazyConnect: true }),
      ],
      ["new Redis of ioredis with maps", async () => new Redis(scene.server.address, { replyMapping: "resp3" })],
      [
        "new Redis of ioredis with pipelines",
        async () => new Redis(scene.server.address, { enableAutoPipelining: true }),
      ],
    ])("from %s is used, and is still open after close()", async (_, make) => {
      const client = await make();
      const storage = new StorageRedis({ client });
      const bytes = Uint8Array.from({ length: 256 }, (_unused, index) => index);
      expect(await storage.create("job/a", bytes)).toBe(true);
      expect(await storage.create("job/a", value)).toBe(false);
      expect(await storage.get("job/a")).toEqual(bytes);
      expect(await storage.get("job/b")).toBeUndefined();
      expect(await keysOf(storage)).toEqual(["job/a"]);
      expect([storage.durable, storage.durability]).toEqual([true, expect.stringContaining("appendonly yes")]);
      await storage.close();
      await expect(storage.get("job/a")).rejects.toThrow("This StorageRedis was closed");
      expect(await new StorageRedis({ client }).get("job/a")).toEqual(bytes);
      await (client.disconnect ?? client.close)?.call(client);
    });

    async function createPool(): Promise<RedisClient> {
      const pool = createClientPool({ url: scene.server.address });
      await pool.connect();
      return pool;
    }

    it("and was never connected is named as the mistake, at once", async () => {
      const storage = scene.open({ client: createClient({ url: scene.server.address }) });
      await expect(storage.get("job/a")).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining("call its connect() before the first start"),
      });
    });
  });
});

function caught(make: () => unknown): string {
  try {
    make();
    return "";
  } catch (error) {
    return inspect(error, { depth: 10, showHidden: true });
  }
}
