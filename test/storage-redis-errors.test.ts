// What users get to see of a Redis server's refusals: what may pass, what to do about the others, and no secrets.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { inspect, promisify } from "node:util";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { action, DotFlow } from "dotflow";
import { StorageRedis } from "dotflow/storage/redis";
import { labelled } from "../testing/contract/bytes.ts";
import { makeClient } from "./contract/open-redis.ts";
import { because, failureOf, missing, password, privateServer, sceneForAll } from "./redis-scene.ts";
import { freePort, type Server } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const value = labelled("value", 300);

describe.skipIf(missing)(`a user of the server${because}`, () => {
  const scene = sceneForAll();

  it("needs no more permissions than the documented ones", async () => {
    const rules = ["~dotflow:*", "+get", "+set", "+unlink", "+scan", "+info", "+config|get"];
    await scene.admin.acl("SETUSER", "least", "on", `>${password}`, ...rules);
    const storage = scene.open({ url: scene.server.address.replace("//", `//least:${password}@`) });
    const workflow = new DotFlow({ workflowId: "job", storage });
    workflow.task.add(action(function step() {}));
    expect((await workflow.start()).status).toBe("completed");
    // More than a page, so that INFO is asked too.
    await scene.admin.mset(Array.from({ length: 15_000 }, (_, index) => [`dotflow:many/${index}`, "x"]).flat());
    expect(await keysOf(storage, "many/")).toHaveLength(15_000);
    await workflow.checkpoints.clear();
    expect(storage.durable).toBe(true);
    await scene.admin.acl("DELUSER", "least");
  });

  it("says nothing of passwords and values when a login fails, over either client", async () => {
    const url = scene.server.address.replace("//", `//nobody:${password}@`);
    const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on("error", () => {});
    for (const options of [{ url }, { client }]) {
      const error = await failureOf(scene.open(options).put("job/a", Buffer.from("classified")));
      expect(error).toMatchObject({ message: expect.stringMatching(/WRONGPASS|Connection is closed/) });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(`${password}|classified`);
    }
    const direct = await failureOf(scene.open({ url }).connect());
    expect(direct).toMatchObject({
      retryable: false,
      message:
        "the server knows no such user and password (WRONGPASS invalid username-password pair or user is disabled.)",
    });
  });

  it("calls what lies under a key and is no value a foreigner's", async () => {
    await scene.admin.sadd("dotflow:job/a", "x");
    const error = await failureOf(scene.open().get("job/a"));
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining("dotflow did not write") });
  });

  it("gives no values to a log with the error of a command", async () => {
    await scene.admin.acl("SETUSER", "reader", "on", `>${password}`, "~*", "+@read", "+@connection");
    const io = new Redis(scene.server.address.replace("//", `//reader:${password}@`), { enableReadyCheck: false });
    const error = await failureOf(scene.open({ client: io, durable: true }).put("job/a", Buffer.from("classified")));
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining("docs/storage-redis.md") });
    expect(inspect(error, { depth: 10 })).not.toContain("classified");
    expect(error).not.toHaveProperty("command");
    io.disconnect();
    await scene.admin.acl("DELUSER", "reader");
  });
});

describe.skipIf(missing)(`the answer of a server${because}`, () => {
  it("that wants a password says so", async () => {
    const server = await privateServer({ requirepass: password });
    expect(await refusal(server.address)).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/wants a password.*NOAUTH/),
    });
    const url = server.address.replace("//", `//:${password}@`);
    expect(await new StorageRedis({ url }).create("job/a", value)).toBe(true);
  });

  it("that is full is no answer to try again", async () => {
    const server = await privateServer({ maxmemory: "1" });
    expect(await refusal(server.address)).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/memory is full.*OOM/),
    });
  });

  it("that is a replica passes", async () => {
    const server = await privateServer({ replicaof: "127.0.0.1 1" });
    expect(await refusal(server.address)).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^READONLY/),
    });
  });

  it("that lost its master passes", async () => {
    const server = await privateServer({ replicaof: "127.0.0.1 1", "replica-serve-stale-data": "no" });
    expect(await refusal(server.address, "get")).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^MASTERDOWN/),
    });
  });

  it("that lacks replicas passes", async () => {
    const server = await privateServer({ "min-replicas-to-write": "1" });
    expect(await refusal(server.address)).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^NOREPLICAS/),
    });
  });

  it("that has too many clients passes", async () => {
    const server = await privateServer({ maxclients: "1" });
    const only = await makeClient("ioredis", server.address);
    await expect.poll(async () => (await refusal(server.address)).retryable).toBe(true);
    await only.close();
  });

  it("that is part of a cluster without slots passes", async () => {
    const server = await clusterServer();
    expect(await refusal(server.address)).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^CLUSTERDOWN/),
    });
  });

  it("that is part of a cluster and holds other slots names that as the mistake", async () => {
    const [server, neighbour] = [await clusterServer(), await clusterServer()];
    const admins = [new Redis(server.address), new Redis(neighbour.address)] as const;
    await admins[1].call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    const [, bus] = await admins[1].config("GET", "cluster-port");
    await admins[0].call("CLUSTER", "MEET", "127.0.0.1", neighbour.port, String(bus));
    await expect
      .poll(async () => refusal(server.address), { timeout: 20_000 })
      .toMatchObject({ retryable: false, message: expect.stringMatching(/part of a cluster.*MOVED/) });
    for (const admin of admins) admin.disconnect();
  });

  it("that runs a script passes", async () => {
    const server = await privateServer({ "busy-reply-threshold": "1" });
    const [busy, admin] = [new Redis(server.address), new Redis(server.address)];
    await admin.ping();
    const script = busy.eval("while true do end", 0).catch(() => "killed");
    await expect.poll(async () => (await refusal(server.address)).message).toMatch(/^BUSY/);
    expect(await refusal(server.address)).toMatchObject({ retryable: true });
    await admin.script("KILL");
    expect(await script).toBe("killed");
    busy.disconnect();
    admin.disconnect();
  });

  it("that can't save its snapshots is no answer to try again", async () => {
    const server = await privateServer({ appendonly: "no", save: "3600 1", rdbchecksum: "yes" });
    const admin = new Redis(server.address);
    await admin.set("a", "b");
    await admin.config("SET", "rdb-key-save-delay", "10000000");
    await admin.bgsave();
    // As where the disk is full: the child that writes the snapshot fails.
    const { stdout } = await promisify(execFile)("ps", ["-o", "pid=", "--ppid", String(await pidOf(admin))]);
    process.kill(Number(stdout.trim()), "SIGKILL");
    await expect.poll(async () => (await refusal(server.address)).message).toMatch(/see its log \(MISCONF/);
    expect(await refusal(server.address)).toMatchObject({ retryable: false });
    admin.disconnect();
  });

  it("that is not there is an error of the network", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const error = await refusal(`redis://:${password}@${host}:1`);
      expect(error).toMatchObject({
        code: "ECONNREFUSED",
        message: expect.stringMatching(/connect ECONNREFUSED .*:1$/),
      });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password);
    }
  });

  it("that is asked for TLS and speaks none says what to check", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo; // It listens on a port, not on a path.
    expect(await refusal(`rediss://127.0.0.1:${port}`)).toMatchObject({
      retryable: true,
      message: `Redis at 127.0.0.1:${port} did not accept the connection in time; check that it speaks TLS there, or begin the url with redis:`,
    });
    silent.close();
  }, 20_000);

  it("that has no such host says so", async () => {
    const failure = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere"), { code: "ENOTFOUND" });
    const client = { callBuffer: (): Promise<unknown> => Promise.reject(failure) };
    const error = await failureOf(new StorageRedis({ client, durable: true }).get("job/a"));
    expect(error).toMatchObject({
      code: "ENOTFOUND",
      message: "there is no such host: check the url (getaddrinfo ENOTFOUND nowhere)",
    });
  });

  async function clusterServer(): Promise<Server> {
    return privateServer({ "cluster-enabled": "yes", "cluster-port": String(await freePort()) });
  }

  async function refusal(
    url: string,
    verb: "create" | "get" = "create",
  ): Promise<{ retryable?: boolean; message: string }> {
    const storage = new StorageRedis({ url });
    const error = await failureOf(storage[verb](`job/${randomUUID()}`, value));
    await storage.close();
    return error as { retryable?: boolean; message: string }; // It is looked at in the tests.
  }
});

async function pidOf(admin: Redis): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await admin.info("server"))?.[1]);
}
