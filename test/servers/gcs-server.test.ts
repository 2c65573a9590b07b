// The Cloud Storage of the tests answers as the real one does: through the real client, and byte for byte where the client hides it.
import { createHash, randomUUID } from "node:crypto";
import { Storage } from "@google-cloud/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gcs, gcsBucket } from "./gcs.ts";
import { crc32c } from "./gcs-server/crc32c.ts";
import { type Server, startServer } from "./server.ts";

let server: Server;
let client: Storage;

beforeAll(async () => {
  server = await startServer(gcs);
  client = new Storage({ apiEndpoint: server.address, projectId: "test", retryOptions: { autoRetry: false } });
}, 60_000);
afterAll(() => server.stop());

const bytes = Buffer.from("some bytes");
const simple = { resumable: false };
const newFile = () => client.bucket(gcsBucket).file(`${randomUUID()}/a file+%&#?ü.txt`);

describe("an object", () => {
  it.each([
    ["in one request", simple],
    ["in several requests", { resumable: true }],
    ["in pieces", { resumable: true, chunkSize: 256 * 1024 }],
  ])("that is saved %s comes back with the client's own checks", async (_, options) => {
    for (const content of [bytes, Buffer.alloc(700_000, "0123456789--abc\r\n")]) {
      const file = newFile();
      await file.save(content, { ...options, metadata: { contentType: "text/plain", metadata: { step: "load" } } });
      const [found] = await file.download({ validation: "crc32c" });
      expect(Buffer.compare(found, content)).toBe(0);
      const [metadata] = await file.getMetadata();
      expect(metadata).toMatchObject({
        kind: "storage#object",
        name: file.name,
        bucket: gcsBucket,
        size: String(content.length),
        metageneration: "1",
        generation: expect.stringMatching(/^\d{16}$/),
        contentType: "text/plain",
        storageClass: "STANDARD",
        metadata: { step: "load" },
        md5Hash: createHash("md5").update(content).digest("base64"),
        crc32c: crc32c(content),
      });
    }
  });

  it("may hold the boundary of its upload's kind, line breaks and nothing at all", async () => {
    for (const content of ["\r\n--\r\n\r\n--", "", "\r\n"]) {
      const file = newFile();
      await file.save(content, simple);
      expect((await file.download()).toString()).toBe(content);
    }
  });

  it("is read in ranges", async () => {
    const file = newFile();
    await file.save(bytes, simple);
    expect((await file.download({ start: 5 })).toString()).toBe("bytes");
    expect((await file.download({ start: 0, end: 3 })).toString()).toBe("some");
    expect((await file.download({ end: -2 })).toString()).toBe("es");
    const response = await fetch(mediaUrl(file.name), { headers: { range: "bytes=50-60" } });
    expect(response.status).toBe(416);
  });

  it("is replaced under a generation that only grows, also after it was deleted", async () => {
    const file = newFile();
    const generations: number[] = [];
    for (let round = 0; round < 3; round++) {
      await file.save(bytes, simple);
      generations.push(Number((await file.getMetadata())[0].generation));
      if (round === 1) await file.delete();
    }
    expect(generations).toEqual([...new Set(generations)].toSorted((a, b) => a - b));
    const old = client.bucket(gcsBucket).file(file.name, { generation: generations[0] ?? 0 });
    await expect(old.getMetadata()).rejects.toMatchObject({ code: 404 });
  });

  it("takes new metadata, and loses what is null", async () => {
    const file = newFile();
    await file.save(bytes, { ...simple, metadata: { metadata: { a: "1", b: "2" } } });
    await file.setMetadata({ metadata: { a: null, c: "3" }, cacheControl: "no-store" });
    const [metadata] = await file.getMetadata();
    expect(metadata).toMatchObject({ metageneration: "2", cacheControl: "no-store", metadata: { b: "2", c: "3" } });
    expect(metadata.metadata).not.toHaveProperty("a");
    expect((await file.download()).toString()).toBe("some bytes");
  });

  it("is copied, deleted, and gone", async () => {
    const file = newFile();
    const copy = newFile();
    await file.save(bytes, simple);
    await file.copy(copy);
    await file.delete();
    expect([await file.exists(), await copy.exists()]).toEqual([[false], [true]]);
    expect((await copy.download()).toString()).toBe("some bytes");
  });

  it("that was acknowledged survives a SIGKILL", async () => {
    const files = Array.from({ length: 20 }, newFile);
    await Promise.all(files.map((file) => file.save(file.name, simple)));
    const [before] = await (files[0] ?? newFile()).getMetadata();
    await server.kill();
    await server.start();
    for (const file of files) expect((await file.download()).toString()).toBe(file.name);
    await files[0]?.save("new", simple);
    const [after] = await (files[0] ?? newFile()).getMetadata();
    expect(Number(after.generation)).toBeGreaterThan(Number(before.generation));
  });
});

describe("conditions", () => {
  it("let one of 64 rivals create an object, of whatever kind their uploads are", async () => {
    for (const resumable of [false, true]) {
      const file = newFile();
      const rivals = Array.from({ length: 64 }, (_, rival) =>
        client
          .bucket(gcsBucket)
          .file(file.name)
          .save(`rival ${rival}`, { resumable, preconditionOpts: { ifGenerationMatch: 0 } }),
      );
      const results = await Promise.allSettled(rivals);
      const winners = results.flatMap(({ status }, rival) => (status === "fulfilled" ? [`rival ${rival}`] : []));
      expect(winners).toEqual([(await file.download()).toString()]);
      if (!resumable)
        for (const each of results) if (each.status === "rejected") expect(each.reason).toMatchObject({ code: 412 });
    }
  });

  it("hold for every verb: 412 for a change, 304 for a read that finds nothing new, 404 before any of them", async () => {
    const file = newFile();
    await file.save(bytes, simple);
    const [{ generation }] = await file.getMetadata();
    const path = `/storage/v1/b/${gcsBucket}/o/${encodeURIComponent(file.name)}`;
    const missing = `/storage/v1/b/${gcsBucket}/o/${randomUUID()}`;
    const status = async (method: string, target: string): Promise<number> =>
      (await fetch(`${server.address}${target}`, { method, ...(method === "PATCH" && { body: "{}" }) })).status;
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const isRead = method === "GET";
      expect(await status(method, `${path}?ifGenerationMatch=1`)).toBe(412);
      expect(await status(method, `${path}?ifGenerationMatch=0`)).toBe(412);
      expect(await status(method, `${path}?ifGenerationNotMatch=${generation}`)).toBe(isRead ? 304 : 412);
      expect(await status(method, `${path}?ifMetagenerationMatch=7`)).toBe(412);
      expect(await status(method, `${missing}?ifGenerationMatch=1`)).toBe(404);
    }
    expect(await status("GET", `${path}?alt=media&ifGenerationMatch=1`)).toBe(412);
    expect(await status("PATCH", `${path}?ifMetagenerationNotMatch=1`)).toBe(412);
    expect(await status("DELETE", `${path}?ifGenerationMatch=${generation}`)).toBe(204);
  });
});

describe("a listing", () => {
  it("has pages, an order of bytes, prefixes as plain text, folders and offsets", async () => {
    const bucket = client.bucket(gcsBucket);
    const prefix = `${randomUUID()}/`;
    const names = ["B", "a", "a%b", "a.b", "a/1", "a/2", "a_b", "b", "ü", "😀"].map((name) => prefix + name);
    await Promise.all(names.map((name) => bucket.file(name).save(bytes, simple)));
    const listed = async (query: object): Promise<unknown> => {
      const [files, next, page] = await bucket.getFiles({ ...query, autoPaginate: false });
      // The page as it was on the wire.
      const { prefixes } = page as { prefixes?: string[] };
      return [
        files.map(({ name }) => name),
        prefixes,
        (next as { pageToken?: string } | null)?.pageToken !== undefined,
      ];
    };
    expect(await listed({ prefix })).toEqual([names, undefined, false]);
    expect(await listed({ prefix: `${prefix}a_` })).toEqual([[`${prefix}a_b`], undefined, false]);
    expect(await listed({ prefix, maxResults: 3 })).toEqual([names.slice(0, 3), undefined, true]);
    expect(await listed({ prefix, maxResults: 10 })).toEqual([names, undefined, false]);
    expect(await listed({ prefix, delimiter: "/", endOffset: `${prefix}b` })).toEqual([
      ["B", "a", "a%b", "a.b", "a_b"].map((name) => prefix + name),
      [`${prefix}a/`],
      false,
    ]);
    expect(await listed({ prefix, startOffset: `${prefix}b` })).toEqual([names.slice(7), undefined, false]);
    for (const query of [{}, { delimiter: "/" }]) {
      const whole = await listed({ prefix, ...query });
      for (const maxResults of [1, 2, 3, 7]) expect(await walk({ prefix, ...query, maxResults })).toEqual(whole);
    }

    /** All pages, as if they were one. */
    async function walk(query: object): Promise<unknown> {
      const found = new Set<string>();
      const folders = new Set<string>();
      for (let next: object | null = { ...query, autoPaginate: false }; next;) {
        const [files, following, page]: [{ name: string }[], object | null, { prefixes?: string[] }] =
          (await bucket.getFiles(next)) as never;
        for (const { name } of files) found.add(name);
        for (const folder of page.prefixes ?? []) folders.add(folder);
        next = following;
      }
      return [[...found], folders.size > 0 ? [...folders] : undefined, false];
    }
  });

  it("leaves out what is empty, and what was not asked for", async () => {
    const url = `${server.address}/storage/v1/b/${gcsBucket}/o?prefix=${randomUUID()}/`;
    expect(await (await fetch(url)).json()).toEqual({ kind: "storage#objects" });
    const file = newFile();
    await file.save(bytes, simple);
    await client.bucket(gcsBucket).file(`${file.name}2`).save(bytes, simple);
    const query = `maxResults=1&prefix=${encodeURIComponent(file.name)}`;
    const ask = async (fields: string): Promise<unknown> =>
      (await fetch(`${server.address}/storage/v1/b/${gcsBucket}/o?${query}&fields=${fields}`)).json();
    expect(await ask("items/name")).toEqual({ items: [{ name: file.name }] });
    expect(await ask("items(name,size),nextPageToken")).toEqual({
      items: [{ name: file.name, size: "10" }],
      nextPageToken: expect.any(String),
    });
  });
});

function mediaUrl(name: string): string {
  return `${server.address}/storage/v1/b/${gcsBucket}/o/${encodeURIComponent(name)}?alt=media`;
}
