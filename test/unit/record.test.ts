// Stored objects: readable by people, and never taken for something else than what was written.
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CorruptCheckpointError, UnsupportedFormatError } from "dotflow";
import { decodeRecord, encodeRecord, type StoredRecord } from "../../src/record.ts";
import { makeSeal } from "../../src/seal.ts";

const key = "job/runs/1/steps/extract";
const record: StoredRecord = {
  kind: "step",
  writer: "writer-1",
  facts: { task: "extract", status: "completed", attempts: 2, form: "json" },
  payload: Buffer.from('{"rows":[1,2,3]}\nand a second line'),
};
const plain = makeSeal({});
const sealed = {
  plain,
  signed: makeSeal({ secret: "s3cret" }),
  encrypted: makeSeal({ encryptionKey: Buffer.alloc(32, 7) }),
  compressed: makeSeal({ compression: "gzip" }),
  everything: makeSeal({ secret: "s3cret", encryptionKey: Buffer.alloc(32, 7), compression: "gzip" }),
};
const seals = Object.entries(sealed);

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const edited = (bytes: Uint8Array, from: string, to: string): Uint8Array =>
  Buffer.from(textOf(bytes).replace(from, to), "latin1");

it("begins with one line of JSON, and the payload stands behind it as it is", async () => {
  const [header = "", ...payload] = textOf(await encodeRecord(plain, key, record)).split("\n");
  expect(JSON.parse(header)).toEqual({
    dotflow: 1,
    kind: "step",
    ...record.facts,
    writer: "writer-1",
    size: record.payload.length,
    checksum: expect.stringMatching(/^[\w-]{43}$/) as string,
  });
  expect(payload.join("\n")).toBe(textOf(record.payload));
});

it("leaves facts out that are undefined", async () => {
  const bytes = await encodeRecord(plain, key, { ...record, facts: { task: "extract", form: undefined } });
  expect(textOf(bytes).split("\n")[0]).not.toContain("form");
});

describe.each(seals)("a record that is %s", (_, seal) => {
  it("comes back as it was, from any place in a buffer", async () => {
    const bytes = await encodeRecord(seal, key, record);
    const elsewhere = Buffer.concat([Buffer.from("before\n"), bytes]).subarray(7);
    const back = await decodeRecord(seal, key, elsewhere);
    expect(back).toEqual({ ...record, payload: back?.payload });
    expect(Buffer.from(back?.payload ?? [])).toEqual(record.payload);
  });

  it("of no bytes and of many bytes comes back", async () => {
    for (const payload of [Buffer.alloc(0), Buffer.alloc(300_000, "0123456789")]) {
      const bytes = await encodeRecord(seal, key, { ...record, payload });
      const back = await decodeRecord(seal, key, bytes);
      expect(Buffer.compare(back?.payload ?? Buffer.from("none"), payload)).toBe(0);
    }
  });

  it("that is cut anywhere counts as not written", async () => {
    const bytes = await encodeRecord(seal, key, record);
    for (let length = 0; length < bytes.length; length++) {
      expect(await decodeRecord(seal, key, bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it("with any bit changed is refused, or counts as not written", async () => {
    const bytes = await encodeRecord(seal, key, record);
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
      const back = decodeRecord(seal, key, changed);
      await expect(back.then((given) => given, codeOf)).resolves.toSatisfy(
        (result) => result === undefined || result === "CORRUPT_CHECKPOINT" || result === "UNSUPPORTED_FORMAT",
      );
    }
  });

  it("with something behind it, or under another key, is refused", async () => {
    const bytes = await encodeRecord(seal, key, record);
    await expect(decodeRecord(seal, key, Buffer.concat([bytes, Buffer.from(" ")]))).rejects.toThrow(
      CorruptCheckpointError,
    );
    const elsewhere = decodeRecord(seal, "job/runs/1/steps/load", bytes);
    await expect(elsewhere).rejects.toThrow('The stored object "job/runs/1/steps/load" does not match its checksum');
    await expect(elsewhere).rejects.toMatchObject({ key: "job/runs/1/steps/load" });
  });
});

describe("what is no record", () => {
  it.each([
    ["a line that is no JSON", "rows\n1,2,3"],
    ["JSON that is no header", "null\n"],
    ["a list", "[1]\n"],
    ["an object of somebody else", '{"name":"package"}\n'],
    ["a header without a checksum", '{"dotflow":1,"size":0}\n'],
    ["a header without a size", '{"dotflow":1,"checksum":"x"}\n'],
    ["a version that never was", '{"dotflow":0,"size":0,"checksum":"x"}\n'],
  ])("is refused: %s", async (_, text) => {
    const read = decodeRecord(plain, key, Buffer.from(text));
    await expect(read).rejects.toThrow(CorruptCheckpointError);
    await expect(read).rejects.toThrow(
      /^The stored object "job\/runs\/1\/steps\/extract" does not begin with .+ It is not used\. Restore it/,
    );
  });
});

it("knows a newer format before it looks at the checksum, which may be another one", async () => {
  const read = decodeRecord(plain, key, Buffer.from('{"dotflow":2,"everything":"else"}\nis different'));
  await expect(read).rejects.toThrow(UnsupportedFormatError);
  await expect(read).rejects.toThrow(
    `"${key}" was written in format 2 by a newer dotflow; this one reads up to format 1. Update dotflow.`,
  );
});

describe("a header that says something twice or something else", () => {
  it.each([
    ["the size", '"size":34', '"size":34,"size":34'],
    ["the task", '"task":"extract"', '"task":"load"'],
    ["the status", '"status":"completed"', '"status":"skipped"'],
    ["the kind", '"kind":"step"', '"kind":"run"'],
    ["the writer", "writer-1", "writer-2"],
    ["white space", '{"dotflow"', '{ "dotflow"'],
    ["something more behind the checksum", '"}\n', '","task":"load"}\n'],
  ])("is refused: %s", async (_, from, to) => {
    for (const [, seal] of seals.filter(([name]) => name === "plain" || name === "signed")) {
      const bytes = await encodeRecord(seal, key, record);
      expect(textOf(bytes)).toContain(from);
      await expect(decodeRecord(seal, key, edited(bytes, from, to))).rejects.toThrow(CorruptCheckpointError);
    }
  });
});

it("is compressed and encrypted where that is asked for", async () => {
  const [compressed, encrypted] = await Promise.all([
    encodeRecord(sealed.compressed, key, record),
    encodeRecord(sealed.encrypted, key, record),
  ]);
  expect(gunzipSync(compressed.subarray(compressed.indexOf(10) + 1))).toEqual(record.payload);
  expect(textOf(encrypted)).not.toContain("rows");
  expect(textOf(encrypted).split("\n")[0]).toContain('"task":"extract"');
});

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
