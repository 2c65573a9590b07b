// What is special to StorageS3: options, its package and client, and the check whether a store can be used. The contract is
// tested elsewhere, errors in storage-s3-errors.test.ts, faults in storage-s3-faults.test.ts.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { action, DotFlow, type Storage } from "dotflow";
import { type S3ClientLike, type S3Credentials, StorageS3, type StorageS3Options } from "dotflow/storage/s3";
import { s3 } from "./places/s3.ts";
import { bucket, credentials } from "./servers/r2.ts";
import { type Gateway, respond, s3Error, startGateway } from "./servers/s3-gateway.ts";
import { s3rver, s3rverCredentials } from "./servers/s3rver.ts";
import { startServer } from "./servers/server.ts";
import { sharedServer } from "./servers/shared.ts";
import { keysOf } from "./storages.ts";

const run = promisify(execFile);
const value = new TextEncoder().encode("value");

let gateway: Gateway;
let prefix: string;

beforeEach(async () => {
  gateway = await startGateway(await sharedServer("r2"));
  prefix = randomUUID();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await gateway.stop();
});

/** A storage in the place of this test, whose requests the gateway notes. */
function open(options: Partial<StorageS3Options> = {}): StorageS3 {
  return new StorageS3({ bucket, prefix, endpoint: gateway.endpoint, region: "auto", credentials, ...options });
}

function clientOf(endpoint: string): S3Client {
  return new S3Client({ endpoint, region: "auto", forcePathStyle: true, credentials, maxAttempts: 1 });
}

function writes(): string[] {
  return gateway.requests.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${kind(path)}`);
}

function kind(path: string): string {
  return path.includes(".dotflow-check") ? "check" : "value";
}

describe("the options of StorageS3", () => {
  const valid = { bucket, endpoint: "https://s3.example.com", region: "auto", credentials };

  it.each<[string, object, string]>([
    ["no bucket", { bucket: "" }, 'The option bucket of StorageS3 is "". Give the name of a bucket alone'],
    ["a path as bucket", { bucket: "a/b" }, "and a folder in it as prefix"],
    ["a prefix that begins with a slash", { prefix: "/a" }, 'The option prefix of StorageS3 is "/a"'],
    ["a prefix with dots", { prefix: "a/../b" }, "an empty part or one of dots"],
    ["a prefix with an empty part", { prefix: "a//b" }, "an empty part or one of dots"],
    ["a prefix with a control character", { prefix: "a\u0001b" }, "or another control character"],
    ["a long prefix", { prefix: "é".repeat(200) }, "more than 400 bytes"],
    ["no address", { endpoint: "s3.example.com" }, 'Give one such as "https://s3.example.com"'],
    ["half a key", { credentials: { accessKeyId: "AKID" } }, "lack accessKeyId or secretAccessKey"],
    ["an unknown encryption", { serverSideEncryption: "rot13" }, 'Give "AES256", "aws:kms" or "aws:kms:dsse"'],
    ["a KMS key alone", { kmsKeyId: "key" }, 'needs serverSideEncryption: "aws:kms"'],
    ["a KMS key for AES256", { kmsKeyId: "key", serverSideEncryption: "AES256" }, "needs serverSideEncryption"],
    ["an archive", { storageClass: "DEEP_ARCHIVE" }, "can't be read at once"],
    [
      "a client and settings",
      { client: { send: () => {} } },
      "client of StorageS3 is given beside region, endpoint, credentials",
    ],
    ["no client", { client: {}, region: undefined }, "has no send. Give an S3Client"],
  ])("refuse %s", (_, wrong, text) => {
    const make = (): StorageS3 => new StorageS3({ ...valid, ...wrong });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(text);
  });

  it("never show a password that stands in the endpoint", () => {
    for (const endpoint of ["https://user:hunter2@example.com", "hunter2"]) {
      const make = (): StorageS3 => new StorageS3({ ...valid, endpoint });
      expect(make).toThrow(TypeError);
      expect(make).not.toThrow("hunter2");
    }
  });

  it("keep prefixes apart, also where one begins like the other", async () => {
    const inner = open({ prefix: `${prefix}/team` });
    const neighbour = open({ prefix: `${prefix}/team-b/` });
    await inner.put("job/a", value);
    await neighbour.put("job/b", value);
    expect(await keysOf(inner)).toEqual(["job/a"]);
    expect(await keysOf(neighbour)).toEqual(["job/b"]);
    expect((await keysOf(open())).toSorted()).toEqual(["team-b/job/b", "team/job/a"]);
  });

  it("reach the store with every write, those of the check included", async () => {
    const stored = new Set<string>();
    gateway.answer(({ method, path }, response) => {
      if (method === "DELETE") return respond(response, 204, {});
      if (stored.has(path)) return s3Error(response, 412, "PreconditionFailed");
      stored.add(path);
      return respond(response, 200, { etag: '"1"' });
    });
    const storage = open({ serverSideEncryption: "aws:kms", kmsKeyId: "arn:key", storageClass: "STANDARD_IA" });
    await storage.put("job/a", new Uint8Array(3_000_000));
    const puts = gateway.requests.filter(({ method }) => method === "PUT");
    expect(puts).toHaveLength(3);
    for (const { headers } of puts) {
      expect(headers).toMatchObject({
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:key",
        "x-amz-storage-class": "STANDARD_IA",
      });
      expect(headers).not.toHaveProperty("x-amz-checksum-crc32");
      expect(headers).not.toHaveProperty("expect");
    }
    expect(puts.map(({ headers }) => headers["if-none-match"])).toEqual(["*", "*", undefined]);
  });

  it("put the bucket into the path for an endpoint, and into the host name where told", async () => {
    const endpoint = gateway.endpoint.replace("127.0.0.1", "localhost");
    await open({ endpoint }).get("job/a");
    expect(gateway.requests[0]?.headers.host).toMatch(/^localhost:/);
    // Some machines know the names below localhost, others don't.
    const error: unknown = await open({ endpoint, forcePathStyle: false })
      .get("job/a")
      .catch((reason: unknown) => reason);
    const { hostname } = (error ?? {}) as { hostname?: string };
    expect(hostname ?? gateway.requests[1]?.headers.host).toMatch(`${bucket}.localhost`);
  });

  it("come from the environment where they are missing", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    vi.stubEnv("AWS_REGION", "auto");
    const storage = new StorageS3({ bucket, prefix, endpoint: gateway.endpoint });
    expect(await storage.create("job/a", value)).toBe(true);
  });

  it("take a function for credentials that change", async () => {
    const given = vi.fn<() => Promise<S3Credentials>>(async () => ({
      ...credentials,
      expiration: new Date(Date.now() + 3_600_000),
    }));
    const storage = open({ credentials: given });
    await storage.create("job/a", value);
    await storage.get("job/a");
    expect(given).toHaveBeenCalledTimes(1);
  });
});

describe("the package @aws-sdk/client-s3", () => {
  it("is named with the command that installs it where it is missing", async () => {
    // The sources in a folder from which no package can be found.
    const folder = mkdtempSync(join(tmpdir(), "dotflow-s3-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const name of ["src", "providers"])
      cpSync(new URL(`../${name}`, import.meta.url), join(folder, name), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const program = `
      import { StorageS3 } from ${JSON.stringify(join(folder, "providers/storage/s3.ts"))};
      const storage = new StorageS3({ bucket: "checkpoints" });
      await storage.get("job/a").catch(({ code, message }) => console.log(code, message));`;
    const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, args, { cwd: folder });
    expect(stdout.trim()).toBe(
      "MISSING_PACKAGE StorageS3 needs the package @aws-sdk/client-s3, which is not installed: npm install @aws-sdk/client-s3",
    );
  });

  it("is not loaded before the first call", async () => {
    const program = `
      import { StorageS3 } from "dotflow/storage/s3";
      new StorageS3({ bucket: "checkpoints" });
      const { createRequire } = await import("node:module");
      console.log(Object.keys(createRequire(import.meta.url).cache ?? {}).filter((path) => path.includes("aws-sdk")).length);`;
    const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      cwd: root,
    });
    expect(stdout.trim()).toBe("0");
  });
});

const root = fileURLToPath(new URL("..", import.meta.url));

describe("a client that was handed in", () => {
  it("is used and not closed", async () => {
    const client = clientOf(gateway.endpoint);
    onTestFinished(() => client.destroy());
    const destroyed = vi.spyOn(client, "destroy");
    // A real S3Client fits the type without a cast.
    const given: S3ClientLike = client;
    const storage = new StorageS3({ bucket, prefix, client: given });
    expect(await storage.create("job/a", value)).toBe(true);
    await storage.close();
    expect(destroyed).not.toHaveBeenCalled();
    expect(await new StorageS3({ bucket, prefix, client }).get("job/a")).toEqual(value);
  });
});

describe("a process that used StorageS3", () => {
  it("ends by itself, with nothing closed", async () => {
    const program = fileURLToPath(new URL("./children/storage-s3-run.ts", import.meta.url));
    const { stdout } = await run(process.execPath, ["--import", "tsx", program, await s3.make()], { timeout: 25_000 });
    expect(stdout).toBe("completed");
  });
});

describe("many calls at once", () => {
  it("let one of 64 creates win, over several clients", { timeout: 60_000 }, async () => {
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

  it("wait for their turn where there are more than sockets, instead of running out of time", async () => {
    const client = clientOf(gateway.endpoint);
    onTestFinished(() => client.destroy());
    let underway = 0;
    let most = 0;
    const counted: S3ClientLike = {
      send(command, options) {
        most = Math.max(most, ++underway);
        return client.send(command as GetObjectCommand, options).finally(() => underway--);
      },
    };
    const storage = new StorageS3({ bucket, prefix, client: counted });
    const found = await Promise.all(Array.from({ length: 200 }, (_, index) => storage.get(`job/${index}`)));
    expect(found).toEqual(found.map(() => undefined));
    expect(most).toBe(128);
  });

  it("keep a large value from being created twice", { timeout: 60_000 }, async () => {
    const large = new Uint8Array(20 * 1024 * 1024).fill(7);
    expect(await open().create("job/large", large)).toBe(true);
    expect(
      await open().create(
        "job/large",
        large.map(() => 8),
      ),
    ).toBe(false);
    const found = await open().get("job/large");
    expect(found?.length).toBe(large.length);
    expect(found?.at(-1)).toBe(7);
    expect(found?.buffer.byteLength).toBe(large.length);
  });
});

describe("the check whether a store honours conditions", () => {
  it("comes before the first write, once for all storages of the process", async () => {
    const storages = [open(), open(), open({ prefix: `${prefix}/other` })];
    await storages[0]?.get("job/a");
    await keysOf(open());
    expect(writes()).toEqual([]);
    await Promise.all(storages.flatMap((storage) => [storage.create("job/a", value), storage.put("job/b", value)]));
    expect(writes().filter((write) => write.endsWith("check"))).toEqual(["PUT check", "PUT check", "DELETE check"]);
    expect(
      writes()
        .slice(0, 3)
        .every((write) => write.endsWith("check")),
    ).toBe(true);
    expect(writes()).toHaveLength(3 + 6);
    await open().put("job/c", value);
    expect(writes()).toHaveLength(3 + 7);
  });

  it("is made once for each client that was handed in", async () => {
    const clients = [clientOf(gateway.endpoint), clientOf(gateway.endpoint)];
    onTestFinished(() => clients.forEach((client) => client.destroy()));
    for (const client of [...clients, ...clients]) await new StorageS3({ bucket, prefix, client }).put("job/a", value);
    expect(writes().filter((write) => write === "DELETE check")).toHaveLength(2);
  });

  it("is made again where it failed", async () => {
    gateway.answer((_, response) => s3Error(response, 503, "SlowDown"));
    const storage = open();
    await expect(Promise.all([storage.create("job/a", value), storage.put("job/b", value)])).rejects.toMatchObject({
      name: "SlowDown",
      retryable: true,
    });
    expect(writes()).toEqual(["PUT check"]);
    gateway.answer(() => undefined);
    expect(await storage.create("job/a", value)).toBe(true);
    expect(writes()).toEqual(["PUT check", "PUT check", "PUT check", "DELETE check", "PUT value"]);
  });

  it("leaves nothing that a listing shows, also where it may not delete", async () => {
    gateway.answer(({ method }, response) =>
      method === "DELETE" ? s3Error(response, 403, "AccessDenied") : undefined,
    );
    await open().create("job/a", value);
    expect(await keysOf(open())).toEqual(["job/a"]);
    expect(await keysOf(open({ prefix: `${prefix}/.dotflow-check` }))).toHaveLength(1);
  });

  it("refuses a store that ignores conditions, with an error that says so", async () => {
    const server = await startServer(s3rver);
    onTestFinished(() => server.stop());
    const storage = new StorageS3({
      bucket,
      endpoint: server.address,
      region: "us-east-1",
      credentials: s3rverCredentials,
    });
    for (const write of [() => storage.create("job/a", value), () => storage.put("job/a", value)])
      await expect(write()).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining(
          `the store of bucket "${bucket}" ignores conditional writes (If-None-Match: *): the same key could be created twice`,
        ),
      });
    expect(await keysOf(storage)).toEqual([]);
    const workflow = new DotFlow({ workflowId: "refused", storage });
    const step = vi.fn<() => Promise<number>>(async () => 1);
    workflow.task.add(action({ name: "step" }, step));
    await expect(workflow.start()).rejects.toMatchObject({ code: "STORAGE", retryable: false });
    expect(step).not.toHaveBeenCalled();
  });

  it("refuses a store that says that it has no conditions", async () => {
    gateway.answer(({ headers }, response) =>
      headers["if-none-match"] ? s3Error(response, 501, "NotImplemented") : undefined,
    );
    await expect(open().put("job/a", value)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("this store has no conditional writes (If-None-Match: *)"),
    });
  });
});

describe("a run", () => {
  it("costs one write a step and four more, and the check of the process", async () => {
    const workflow = new DotFlow({ workflowId: "counted", storage: open() });
    for (let step = 0; step < 10; step++) workflow.task.add(action({ name: `step-${step}` }, async () => step));
    expect((await workflow.start()).status).toBe("completed");
    expect(writes().filter((write) => write === "PUT value")).toHaveLength(10 + 4);
    expect(writes()).toHaveLength(10 + 4 + 3);
    const before = gateway.requests.length;
    await workflow.start({ resume: true });
    expect(gateway.requests.length - before).toBeLessThanOrEqual(8);
  });
});
