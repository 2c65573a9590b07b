// What StorageRedis keeps when the server is killed, stopped, full, read-only or cut off in the middle of a run.
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { action, DotFlow, type RunResult } from "dotflow";
import { StorageRedis } from "dotflow/storage/redis";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { type ClientKind, makeClient } from "./contract/open-redis.ts";
import { type Proxy, startProxy } from "./servers/proxy.ts";
import { redis, redisWith } from "./servers/redis.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const missing = redis.missing();
const because = missing === undefined ? "" : `, skipped: ${missing}`;
const value = labelled("value", 300);

let server: Server;
let proxy: Proxy;
let endings: (() => unknown)[] = [];

beforeEach(async () => {
  if (missing !== undefined) return;
  server = await startServer(redis);
  proxy = await startProxy(server.port);
});

afterEach(async () => {
  if (missing !== undefined) return;
  for (const end of endings.splice(0)) await end();
  await proxy.stop();
  await server.stop();
});

/** Opens the storage, through the proxy. */
async function open(kind: ClientKind = "own"): Promise<StorageRedis> {
  const url = `redis://127.0.0.1:${proxy.port}`;
  if (kind === "own") {
    const storage = new StorageRedis({ url });
    endings.push(() => storage.close());
    return storage;
  }
  const { client, close } = await makeClient(kind, url);
  endings.push(close);
  return new StorageRedis({ client });
}

/** To tell the server something, past the proxy. */
function admin(): Redis {
  const client = new Redis(server.address);
  client.on("error", () => {});
  endings.push(() => client.disconnect());
  return client;
}

describe.skipIf(missing).each(["own", "redis", "ioredis"] as const)(`a run over the client %s${because}`, (kind) => {
  const steps = ["first", "second", "third", "fourth"];

  /** Runs four steps, the third of which does `fault`. Each must have been called once when the run is done. */
  async function expectSurvival(fault: () => unknown, mostCalls = 1): Promise<void> {
    const storage = await open(kind);
    const calls = new Map<string, number>();
    const start = (): Promise<RunResult> => {
      const workflow = new DotFlow({ workflowId: "job", storage });
      const list = steps.map((name) =>
        action({ name }, async () => {
          calls.set(name, (calls.get(name) ?? 0) + 1);
          if (name === "third" && calls.get(name) === 1) await fault();
          return name;
        }),
      );
      workflow.task.add(list);
      return workflow.start({ resume: true });
    };
    const failed = await start().then(
      () => false,
      (error: unknown) => {
        expect(error).toMatchObject({ code: "STORAGE" });
        return true;
      },
    );
    await endOf(fault);
    const result = await start();
    expect([result.status, await result.output()]).toEqual(["completed", "fourth"]);
    expect(Object.values(await result.contexts()).map((context) => context.storage)).toEqual(steps);
    expect(calls.get("third")).toBeLessThanOrEqual(failed ? mostCalls : 1);
    expect([calls.get("first"), calls.get("second"), calls.get("fourth")]).toEqual([1, 1, 1]);
    expect((await keysOf(storage, "job/runs/")).filter((key) => key.includes("/steps/"))).toHaveLength(4);
  }

  /** What a fault left behind is put right. */
  const cures = new Map<unknown, () => unknown>();
  const endOf = async (fault: unknown): Promise<void> => void (await cures.get(fault)?.());

  it("goes on when the server was killed and started again", async () => {
    await expectSurvival(async () => {
      await server.kill();
      await server.start();
    });
  });

  it("ends with a typed error when the server stays dead, and is resumed when it is back", async () => {
    const fault = (): Promise<void> => server.kill();
    cures.set(fault, () => server.start());
    // The step was done and could not be recorded.
    await expectSurvival(fault, 2);
  });

  it("goes on when all connections were cut", () => expectSurvival(() => proxy.cut()));

  it("goes on when the answer to the record was lost: it knows the record as its own", async () => {
    await expectSurvival(() => proxy.dropAnswers(1));
    expect(proxy.dropped).toBe(1);
  });

  it("goes on when new connections were refused for a moment", async () => {
    await expectSurvival(() => {
      proxy.refuse(true);
      proxy.cut();
      setTimeout(() => proxy.refuse(false), 300);
    });
  });

  it("goes on when the server stood still for a second", async () => {
    await expectSurvival(() => {
      server.pause();
      setTimeout(() => server.resume(), 1_000);
    });
  });

  it("ends with a typed error when the server's memory is full, and is resumed when there is room", async () => {
    const fault = async (): Promise<void> => void (await admin().config("SET", "maxmemory", "1"));
    cures.set(fault, () => admin().config("SET", "maxmemory", "0"));
    await expectSurvival(fault, 2);
  });

  it("goes on when the server was a replica for a moment", async () => {
    await expectSurvival(async () => {
      const client = admin();
      await client.replicaof("127.0.0.1", "1");
      setTimeout(() => void client.replicaof("NO", "ONE"), 300);
    });
  });
});

describe.skipIf(missing)(`a server${because}`, () => {
  it("that is killed amid 8 writers has every value that it acknowledged when it is back, and no torn one", async () => {
    const storages = await Promise.all(Array.from({ length: 8 }, () => open()));
    const acknowledged: string[] = [];
    const writers = storages.map(async (storage, writer) => {
      for (let count = 0; ; count++) {
        const key = `job/${writer}/${count}`;
        if (!(await storage.create(key, labelled(key, 2_000)))) throw new Error(`${key} was there`);
        acknowledged.push(key);
        if (acknowledged.length === 2_000) void server.kill();
      }
    });
    for (const end of await Promise.allSettled(writers)) expect(end).toMatchObject({ status: "rejected" });
    await server.start();
    const storage = await open();
    expect(acknowledged.length).toBeGreaterThanOrEqual(2_000);
    const kept = new Set(await keysOf(storage));
    expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
    for (const key of kept) expect(labelOf(await storage.get(key))).toBe(key);
  });

  it("that keeps no log calls itself not durable, and rightly so", async () => {
    const forgetful = await startServer(redisWith({ appendonly: "no" }));
    const storage = new StorageRedis({ url: forgetful.address });
    await storage.put("job/a", value);
    expect(storage.durable).toBe(false);
    await forgetful.kill();
    await forgetful.start();
    expect(await keysOf(storage)).toEqual([]);
    await storage.close();
    await forgetful.stop();
  });

  it("that is dead is a retryable error at once, and is found again when it is back", async () => {
    const storage = await open();
    await storage.put("job/a", value);
    await server.kill();
    await proxy.stop();
    for (let attempt = 0; attempt < 3; attempt++) await expect(storage.get("job/a")).rejects.toSatisfy(isPassing);
    await server.start();
    proxy = await startProxy(server.port);
    const found = await open();
    expect(labelOf(await found.get("job/a"))).toBe("value");
  });

  it("that still reads its log is a retryable error until it has", async () => {
    const storage = new StorageRedis({ url: server.address });
    await Promise.all(Array.from({ length: 20_000 }, (_, index) => storage.put(`job/${index}`, value)));
    await server.kill();
    await restartSlowly({ "key-load-delay": "100" });
    const seen = new Set<string>();
    await expect
      .poll(
        async () => {
          const error = await storage.get("job/7").catch((reason: unknown) => reason);
          if (error instanceof Error) {
            expect(error).toSatisfy(isPassing);
            seen.add(error.message.split(" ")[0] ?? "");
          }
          return labelOf(error as Uint8Array);
        },
        { timeout: 20_000, interval: 10 },
      )
      .toBe("value");
    expect(seen).toContain("LOADING");
    await storage.close();
  });

  it.each(["own", "redis", "ioredis"] as const)(
    "that is started again within a listing over the client %s ends the listing: its cursor means nothing now",
    async (kind) => {
      const storage = await open(kind);
      await admin().mset(Array.from({ length: 25_000 }, (_, index) => [`dotflow:job/${index}`, "x"]).flat());
      let shown = 0;
      const listing = (async () => {
        for await (const _ of storage.list("job/")) {
          if (++shown !== 15_000) continue;
          await server.kill();
          await server.start();
        }
      })();
      const error: unknown = await listing.catch((reason: unknown) => reason);
      expect(error).toSatisfy(isPassing);
      if (kind === "own")
        expect(error).toMatchObject({ message: expect.stringMatching(/^The connection .* has ended$/) });
      expect(await keysOf(storage, "job/")).toHaveLength(25_000);
    },
  );

  it("that hangs is given up after ten seconds, and the next call finds it over another connection", async () => {
    const storage = await open();
    await storage.put("job/a", value);
    server.pause();
    const calls = await Promise.allSettled([storage.get("job/a"), storage.create("job/b", value)]);
    const reasons = calls.map((call) => call.status === "rejected" && (call.reason as { code?: string }));
    expect(reasons).toEqual([expect.toSatisfy(isPassing), expect.toSatisfy(isPassing)]);
    expect(reasons[0]).toMatchObject({ code: "ETIMEDOUT" });
    server.resume();
    expect(labelOf(await storage.get("job/a"))).toBe("value");
    // What the server had before it stood still is done: the loser of this race knows its own record by its writer.
    expect([true, false]).toContain(await storage.create("job/b", value));
    expect(labelOf(await storage.get("job/b"))).toBe("value");
  });

  it("has as much time for a small command as for the large one before it", { timeout: 60_000 }, async () => {
    const storage = await open();
    await storage.put("job/a", value);
    server.pause();
    setTimeout(() => server.resume(), 12_000);
    const large = storage.put("job/large", new Uint8Array(10_000_000));
    expect(labelOf(await storage.get("job/a"))).toBe("value");
    await large;
  });

  /** Starts the server of the test again with other settings, and does not wait until it answers. */
  async function restartSlowly(settings: Record<string, string>): Promise<void> {
    const { ready: _, ...recipe } = redisWith(settings);
    const { folder, port } = server;
    const second = await startServer({
      ...recipe,
      command: (_own, _port) => redisWith(settings).command(folder, port),
      ready: async () => true,
    });
    endings.push(() => second.stop());
  }
});

function isPassing(error: unknown): boolean {
  const { retryable, code } = error as { retryable?: boolean; code?: string };
  return retryable ?? ["ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(code ?? "");
}
