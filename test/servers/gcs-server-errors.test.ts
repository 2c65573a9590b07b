// How the Cloud Storage of the tests refuses: its errors as they are on the wire, and the faults that a test can order.
import { randomUUID } from "node:crypto";
import { Storage } from "@google-cloud/storage";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { countGcsRequests, gcs, gcsBucket, setGcsFaults } from "./gcs.ts";
import { crc32c } from "./gcs-server/crc32c.ts";
import { type Server, startServer } from "./server.ts";

let server: Server;
let client: Storage;

beforeAll(async () => {
  server = await startServer(gcs);
  client = new Storage({ apiEndpoint: server.address, projectId: "test", retryOptions: { autoRetry: false } });
}, 60_000);
afterEach(() => setGcsFaults(server.address));
afterAll(() => server.stop());

const bytes = Buffer.from("some bytes");
const simple = { resumable: false };
const newFile = () => client.bucket(gcsBucket).file(`${randomUUID()}/a file+%&#?ü.txt`);

describe("an error", () => {
  const ask = async (method: string, path: string, init: RequestInit = {}): Promise<unknown[]> => {
    const response = await fetch(`${server.address}${path}`, { ...init, method });
    return [response.status, await response.json()];
  };
  const problem = (code: number, reason: string, message: string, domain = "global"): unknown[] => [
    code,
    { error: { code, message, errors: [{ message, domain, reason }] } },
  ];
  const upload = (bucket: string, query: string, metadata: object): Promise<unknown[]> =>
    ask("POST", `/upload/storage/v1/b/${bucket}/o?uploadType=multipart&${query}`, {
      headers: { "content-type": "multipart/related; boundary=x" },
      body: `--x\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(metadata)}\r\n--x\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--x--`,
    });

  it("names a missing bucket and a missing object apart", async () => {
    const noBucket = problem(404, "notFound", "The specified bucket does not exist.");
    expect(await ask("GET", "/storage/v1/b/none")).toEqual(noBucket);
    expect(await ask("GET", "/storage/v1/b/none/o")).toEqual(noBucket);
    expect(await ask("DELETE", "/storage/v1/b/none/o/a")).toEqual(noBucket);
    expect(await upload("none", "name=a", {})).toEqual(noBucket);
    expect(await ask("GET", `/storage/v1/b/${gcsBucket}/o/none%2Fa`)).toEqual(
      problem(404, "notFound", `No such object: ${gcsBucket}/none/a`),
    );
  });

  it("is a bare text where the bytes of an object were asked for", async () => {
    const response = await fetch(mediaUrl("none/a"));
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "text/html; charset=UTF-8"]);
    expect(await response.text()).toBe(`No such object: ${gcsBucket}/none/a`);
  });

  it("says which condition did not hold, and which bytes are not those of their checksum", async () => {
    const name = randomUUID();
    const conditions = "At least one of the pre-conditions you specified did not hold.";
    expect((await upload(gcsBucket, `name=${name}&ifGenerationMatch=0`, {}))[0]).toBe(200);
    expect(await upload(gcsBucket, `name=${name}&ifGenerationMatch=0`, {})).toEqual(
      problem(412, "conditionNotMet", conditions),
    );
    for (const field of ["crc32c", "md5Hash"]) {
      const [status, body] = await upload(gcsBucket, `name=${name}-2`, { [field]: "AAAAAA==" });
      expect([status, body]).toEqual([400, { error: expect.objectContaining({ code: 400 }) }]);
      expect(body).toMatchObject({
        error: { errors: [{ reason: "invalid" }], message: expect.stringContaining(field) },
      });
    }
    expect((await upload(gcsBucket, `name=${name}-2`, { crc32c: crc32c(Buffer.from("bytes")) }))[0]).toBe(200);
  });

  it("says that a bucket is there already, or not empty", async () => {
    const bucket = client.bucket(`bucket-${randomUUID()}`);
    expect(await bucket.exists()).toEqual([false]);
    await bucket.create();
    expect(await bucket.exists()).toEqual([true]);
    await expect(bucket.create()).rejects.toMatchObject({ code: 409, errors: [{ reason: "conflict" }] });
    await bucket.file("a").save(bytes, simple);
    await expect(bucket.delete()).rejects.toMatchObject({ code: 409 });
    await bucket.file("a").delete();
    await bucket.delete();
    expect(await bucket.exists()).toEqual([false]);
  });

  it("comes for a resumable upload that is aborted or unknown", async () => {
    const path = `/upload/storage/v1/b/${gcsBucket}/o?uploadType=resumable&name=${randomUUID()}`;
    const begun = await fetch(`${server.address}${path}`, { method: "POST" });
    const session = begun.headers.get("location") ?? "";
    const asked = await fetch(session, { method: "PUT", headers: { "content-range": "bytes */*" } });
    expect([begun.status, asked.status, asked.headers.get("range")]).toEqual([200, 308, null]);
    const part = await fetch(session, { method: "PUT", headers: { "content-range": "bytes 0-3/*" }, body: "some" });
    expect([part.status, part.headers.get("range")]).toEqual([308, "bytes=0-3"]);
    expect((await fetch(session, { method: "DELETE" })).status).toBe(499);
    expect((await fetch(session, { method: "PUT", body: "x" })).status).toBe(404);
  });
});

describe("a fault", () => {
  it("drops the answer to what was done", async () => {
    const file = newFile();
    await setGcsFaults(server.address, { dropAnswers: 1 });
    await expect(file.save(bytes, simple)).rejects.toThrow(/socket hang up/);
    expect((await file.download()).toString()).toBe("some bytes");
    expect(await countGcsRequests(server.address)).toEqual({ insert: 1, download: 1 });
  });

  it("delays what comes, and not what came later without it", async () => {
    const file = newFile();
    await setGcsFaults(server.address, { delay: 500 });
    const order: string[] = [];
    const slow = fetch(`${server.address}/storage/v1/b/${gcsBucket}`).then(() => order.push("slow"));
    while ((await countGcsRequests(server.address))["getBucket"] !== 1);
    await setGcsFaults(server.address);
    await file.save(bytes, simple);
    order.push("fast");
    await slow;
    expect(order).toEqual(["fast", "slow"]);
  });

  it.each([false, true])("refuses so many requests, which are done all the same: %s", async (applied) => {
    const file = newFile();
    await setGcsFaults(server.address, { refuse: { status: 503, reason: "backendError", count: 1, applied } });
    await expect(file.save(bytes, simple)).rejects.toMatchObject({ code: 503, errors: [{ reason: "backendError" }] });
    expect(await file.exists()).toEqual([applied]);
  });

  it("limits changes of one name to one a second", async () => {
    const file = newFile();
    await setGcsFaults(server.address, { limitMutations: true });
    await file.save("1", simple);
    await newFile().save("1", simple);
    const tooFast = { code: 429, errors: [{ reason: "rateLimitExceeded", domain: "usageLimits" }] };
    await expect(file.save("2", simple)).rejects.toMatchObject(tooFast);
    await expect(file.delete()).rejects.toMatchObject(tooFast);
    expect((await file.download()).toString()).toBe("1");
  });

  it("wants a login", async () => {
    await setGcsFaults(server.address, { token: "secret" });
    await expect(newFile().save(bytes, simple)).rejects.toMatchObject({ code: 401, errors: [{ reason: "required" }] });
    const headers = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
    const url = `${server.address}/storage/v1/b/${gcsBucket}`;
    expect((await fetch(url, headers("secret"))).status).toBe(200);
    expect((await fetch(url, headers("wrong"))).status).toBe(401);
  });

  it("flips a bit of a download, which the client finds out", async () => {
    const file = newFile();
    await file.save(bytes, simple);
    await setGcsFaults(server.address, { corrupt: 1 });
    await expect(file.download()).rejects.toMatchObject({ code: "CONTENT_DOWNLOAD_MISMATCH" });
    expect((await file.download()).toString()).toBe("some bytes");
  });
});

function mediaUrl(name: string): string {
  return `${server.address}/storage/v1/b/${gcsBucket}/o/${encodeURIComponent(name)}?alt=media`;
}
