// What is special to StorageGCS: options, objects, requests and their number. The contract is
// tested elsewhere; so are the client (storage-gcs-client), errors (-errors) and faults (-faults).
import { randomUUID } from "node:crypto";
import { Storage as Client } from "@google-cloud/storage";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { action, DotFlow, type Storage } from "dotflow";
import { StorageGCS, type StorageGCSOptions } from "dotflow/storage/gcs";
import { countGcsRequests, gcs, gcsBucket, mostGcsRequestsAtOnce, setGcsFaults } from "./servers/gcs.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const value = new TextEncoder().encode("value");

let server: Server;
let prefix: string;

beforeAll(async () => {
  server = await startServer(gcs);
}, 60_000);
beforeEach(async () => {
  prefix = randomUUID();
  await setGcsFaults(server.address);
});
afterAll(() => server.stop());

/** A storage in the place of this test. */
function open(options: Partial<StorageGCSOptions> = {}): StorageGCS {
  return new StorageGCS({ bucket: gcsBucket, prefix, apiEndpoint: server.address, ...options });
}

const requests = (): Promise<Record<string, number>> => countGcsRequests(server.address);

describe("the options of StorageGCS", () => {
  it.each<[string, object, string]>([
    ["no bucket", { bucket: "" }, 'The option bucket of StorageGCS is "". Give the name of a bucket alone'],
    ["an address as bucket", { bucket: "gs://bucket" }, "and a folder in it as prefix"],
    ["a prefix that begins with a slash", { prefix: "/a" }, 'The option prefix of StorageGCS is "/a"'],
    ["a prefix with dots", { prefix: "a/../b" }, "one of dots"],
    ["a prefix with an empty part", { prefix: "a//b" }, "an empty part"],
    ["a prefix with a line break", { prefix: "a\nb" }, "a line break"],
    ["a long prefix", { prefix: "é".repeat(200) }, "more than 400 bytes"],
    ["no address", { apiEndpoint: "storage.example.com" }, 'Give one such as "https://storage.example.com"'],
    [
      "two kinds of credentials",
      { keyFilename: "key.json", credentials: {} },
      "keyFilename of StorageGCS is given beside credentials",
    ],
    ["an empty path", { keyFilename: "" }, "keyFilename of StorageGCS is empty"],
    ["a text as credentials", { credentials: "key.json" }, "credentials of StorageGCS is no object"],
    ["no client", { client: {} }, "Give a Storage of @google-cloud/storage"],
    [
      "a client and settings",
      { client: new Client(), projectId: "p", apiEndpoint: "http://127.0.0.1" },
      "client of StorageGCS is given beside projectId, apiEndpoint. Set these on the client",
    ],
  ])("refuse %s", (_, wrong, text) => {
    const make = (): StorageGCS => new StorageGCS({ bucket: "checkpoints", ...wrong });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(text);
  });

  it("never show a password that stands in the address", () => {
    for (const apiEndpoint of ["https://user:hunter2@example.com", "hunter2"]) {
      expect(() => open({ apiEndpoint })).toThrow(TypeError);
      expect(() => open({ apiEndpoint })).not.toThrow("hunter2");
    }
  });

  it("keep prefixes apart, also where one begins like the other", async () => {
    const inner = open({ prefix: `${prefix}/team` });
    const neighbour = open({ prefix: `${prefix}/team-b/` });
    await inner.put("job/a", value);
    await neighbour.put("job/b", value);
    expect(await keysOf(inner)).toEqual(["job/a"]);
    expect(await keysOf(neighbour)).toEqual(["job/b"]);
    expect(await keysOf(open())).toEqual(["team-b/job/b", "team/job/a"]);
    expect(inner.prefix).toBe(`${prefix}/team/`);
  });

  it("reach the whole bucket without a prefix", async () => {
    const bucket = `bucket-${randomUUID()}`;
    await new Client({ apiEndpoint: server.address, projectId: "test" }).createBucket(bucket);
    const storage = open({ bucket, prefix: "" });
    await storage.put("job/a", value);
    expect(await keysOf(storage)).toEqual(["job/a"]);
    expect(await keysOf(storage, "job/")).toEqual(["job/a"]);
  });
});

describe("an object of StorageGCS", () => {
  it("is bytes to the service, is not cached, and has our checksum", async () => {
    await open().create("job/a.json", new TextEncoder().encode("data"));
    const client = new Client({ apiEndpoint: server.address, projectId: "test" });
    const [fields] = await client.bucket(gcsBucket).file(`${prefix}/job/a.json`).getMetadata();
    expect(fields).toMatchObject({
      contentType: "application/octet-stream",
      cacheControl: "no-store",
      crc32c: "rth90Q==",
      size: "4",
    });
  });

  it("takes one request a call, also for large values and for a refusal", async () => {
    const storage = open();
    const large = new Uint8Array(12 * 1024 * 1024).fill(7);
    await storage.put("job/large", large);
    expect(await requests()).toEqual({ insert: 1 });
    expect([await storage.create("job/a", value), await storage.create("job/a", value)]).toEqual([true, false]);
    expect(await requests()).toEqual({ insert: 3 });
    expect((await storage.get("job/large"))?.length).toBe(large.length);
    expect(await storage.get("job/missing")).toBeUndefined();
    expect(await requests()).toEqual({ insert: 3, download: 2 });
    await storage.delete("job/a");
    await storage.delete("job/a");
    expect(await requests()).toEqual({ insert: 3, download: 2, delete: 2 });
    await keysOf(storage);
    expect(await requests()).toEqual({ insert: 3, download: 2, delete: 2, list: 1 });
  });

  it("belongs to whoever gets it", async () => {
    const storage = open();
    await storage.put("job/a", value);
    const [first, second] = await Promise.all([storage.get("job/a"), storage.get("job/a")]);
    expect(first?.constructor).toBe(Uint8Array);
    first?.fill(0);
    expect(second).toEqual(value);
  });

  it("makes Node warn of nothing, whatever its size", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const storage = open();
    await storage.put("job/a", new Uint8Array(1_000_000));
    await Promise.all(Array.from({ length: 20 }, () => storage.get("job/a")));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("is listed page after page", async () => {
    const storage = open();
    const keys = Array.from({ length: 1_001 }, (_, index) => `job/${String(index).padStart(4, "0")}`);
    await Promise.all(keys.map((key) => storage.create(key, value)));
    await setGcsFaults(server.address);
    expect(await keysOf(storage)).toEqual(keys);
    expect(await requests()).toEqual({ list: 2 });
  });
});

describe("a run over StorageGCS", () => {
  it("costs steps + 4 writes, and a resume of many finished steps a few requests", async () => {
    const steps = 20;
    const workflow = (): DotFlow => {
      const made = new DotFlow({ workflowId: "job", storage: open() });
      for (let step = 0; step < steps; step++) made.task.add(action({ name: `step-${step}` }, async () => step));
      return made;
    };
    await workflow().start();
    expect((await requests())["insert"]).toBe(steps + 4);
    await setGcsFaults(server.address);
    expect(await workflow().start({ resume: "required" })).toMatchObject({ status: "completed", restored: steps });
    const { insert = 0, download = 0, list = 0, ...rest } = await requests();
    expect(insert + download + list).toBeLessThanOrEqual(12);
    expect(rest).toEqual({});
  });
});

describe("many calls at once", () => {
  it("let one of 64 creates win, over several clients", async () => {
    const storages = Array.from({ length: 4 }, () => open());
    for (let round = 0; round < 5; round++) {
      const creates = Array.from({ length: 64 }, async (_, rival) => {
        const bytes = new TextEncoder().encode(`rival ${rival}`);
        return (await (storages[rival % 4] as Storage).create(`race/${round}`, bytes)) ? rival : undefined;
      });
      const winners = (await Promise.all(creates)).filter((rival) => rival !== undefined);
      expect(winners).toHaveLength(1);
      expect(new TextDecoder().decode(await open().get(`race/${round}`))).toBe(`rival ${winners[0]}`);
    }
  });

  it("wait for their turn instead of opening a connection each", async () => {
    const storage = open();
    const keys = Array.from({ length: 300 }, (_, index) => `job/${index}`);
    await setGcsFaults(server.address, { delay: 20 });
    expect(await Promise.all(keys.map((key) => storage.create(key, value)))).toEqual(keys.map(() => true));
    await Promise.all(keys.map((key) => storage.get(key)));
    await Promise.all(keys.map((key) => storage.delete(key)));
    const most = await mostGcsRequestsAtOnce(server.address);
    expect(most).toBeGreaterThan(16);
    expect(most).toBeLessThanOrEqual(64);
    expect(await requests()).toEqual({ insert: 300, download: 300, delete: 300 });
  });
});
