// The storage contract over StorageRedis: over the connections that it makes itself with either package, and over a client that is handed in.
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { storageContract } from "dotflow/testing";
import type { ContractReport } from "../children/storage-redis-contract.ts";
import { redis } from "../servers/redis.ts";
import { sharedServer } from "../servers/shared.ts";
import { openRedis, type RedisPlace } from "./open-redis.ts";

const missing = redis.missing();
const because = missing === undefined ? "" : `, skipped: ${missing}`;

describe.skipIf(missing).each(["own", "ioredis"] as const)(`over the client %s${because}`, (kind) => {
  const places = new WeakMap<Storage, RedisPlace>();
  const openAt = async (place: RedisPlace): Promise<Storage> => {
    const storage = await openRedis(place);
    places.set(storage, place);
    return storage;
  };
  const placeOf = (storage: Storage): RedisPlace => places.get(storage) as RedisPlace; // All come from `openAt`.

  const checks = storageContract({
    open: async () => openAt({ kind, url: await sharedServer("redis"), prefix: `contract-${randomUUID()}:` }),
    reopen: (storage) => openAt(placeOf(storage)),
    processes: {
      module: new URL("./open-redis.ts", import.meta.url),
      place: (storage) => JSON.stringify(placeOf(storage)),
      execArgv: ["--import", "tsx"],
    },
  });

  it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });

  it("skips nothing", () => {
    expect(checks.filter(({ skip }) => skip)).toEqual([]);
  });
});

describe.skipIf(missing)(`where only ioredis is installed${because}`, () => {
  it("keeps the whole contract, over connections that it makes itself", { timeout: 120_000 }, async () => {
    const hook = new URL("../children/without-packages.mjs", import.meta.url).href;
    const child = fork(
      new URL("../children/storage-redis-contract.ts", import.meta.url),
      [await sharedServer("redis"), hook],
      { execArgv: ["--import", "tsx", "--import", hook], env: { ...process.env, WITHOUT_PACKAGES: "redis" } },
    );
    const [reports] = (await once(child, "message")) as [ContractReport[]];
    expect(reports.length).toBeGreaterThan(30);
    expect(reports.filter(({ error, skip }) => error !== undefined || skip !== undefined)).toEqual([]);
    await once(child, "exit");
  });
});
