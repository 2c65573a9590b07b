// Secrets and keys: which are accepted, and what is said where they do not fit what is stored.
import { describe, expect, it } from "vitest";
import { CorruptCheckpointError, InvalidWorkflowError } from "dotflow";
import { decodeRecord, encodeRecord } from "../../src/record.ts";
import { makeSeal, type SealOptions } from "../../src/seal.ts";

const key = "job/runs/1/steps/extract";
const encryptionKey = Buffer.alloc(32, 7);
const record = { kind: "step", writer: "w", facts: {}, payload: Buffer.from("payload") } as const;

const reread = async (written: SealOptions, read: SealOptions): Promise<string> => {
  const back = await decodeRecord(makeSeal(read), key, await encodeRecord(makeSeal(written), key, record));
  return Buffer.from(back?.payload ?? []).toString();
};

it.each<[string, SealOptions, SealOptions]>([
  ["a secret as text and as bytes", { secret: "s3cret" }, { secret: Buffer.from("s3cret") }],
  ["a key as bytes and as hex", { encryptionKey }, { encryptionKey: encryptionKey.toString("hex") }],
  ["a key as hex and as upper-case hex", { encryptionKey: "ab".repeat(32) }, { encryptionKey: "AB".repeat(32) }],
  ["a key as bytes and as base64", { encryptionKey }, { encryptionKey: encryptionKey.toString("base64") }],
  ["with compression, whatever the reader says of it", { compression: "gzip" }, {}],
  ["without compression, whatever the reader says of it", {}, { compression: "gzip" }],
])("reads %s", async (_, written, read) => {
  expect(await reread(written, read)).toBe("payload");
});

it.each<[string, SealOptions, SealOptions, string]>([
  ["another secret", { secret: "a" }, { secret: "b" }, "does not match its checksum under the secret that was given"],
  ["no secret", { secret: "a" }, {}, "does not match its checksum (or was signed with a secret that was not given)"],
  [
    "a secret for what is not signed",
    {},
    { secret: "a" },
    "does not match its checksum under the secret that was given",
  ],
  [
    "another key",
    { encryptionKey },
    { encryptionKey: Buffer.alloc(32, 8) },
    "can't be decrypted with the encryptionKey",
  ],
  ["no key", { encryptionKey }, {}, "is encrypted, and no encryptionKey was given"],
  ["a key for what is not encrypted", {}, { encryptionKey }, "is not encrypted, though an encryptionKey was given"],
])("refuses to read with %s, and shows neither", async (_, written, read, message) => {
  const reading = reread(written, read);
  await expect(reading).rejects.toThrow(CorruptCheckpointError);
  await expect(reading).rejects.toThrow(message);
  await expect(reading).rejects.not.toThrow(/payload|BwcHB|0707/);
});

it.each<[unknown, string]>([
  [{ secret: "" }, "The option secret must be a text or bytes, and not empty."],
  [{ secret: new Uint8Array() }, "The option secret must be a text or bytes, and not empty."],
  [{ secret: 5 }, "The option secret must be a text or bytes"],
  [{ encryptionKey: "hunter2" }, "The option encryptionKey must be 32 bytes"],
  [{ encryptionKey: Buffer.alloc(31) }, "The option encryptionKey must be 32 bytes"],
  [{ encryptionKey: "ab".repeat(31) }, "The option encryptionKey must be 32 bytes"],
  [{ encryptionKey: 5 }, "The option encryptionKey must be 32 bytes"],
  [{ compression: "zip" }, 'The option compression is "zip". It can be "gzip".'],
])("refuses %j without repeating the secret", (options, message) => {
  const make = () => makeSeal(options as SealOptions);
  expect(make).toThrow(InvalidWorkflowError);
  expect(make).toThrow(message);
  expect(make).not.toThrow("hunter2");
});

describe("what is handed in", () => {
  it("may be wiped afterwards", async () => {
    const [secret, secretKey] = [Buffer.from("s3cret"), Buffer.alloc(32, 7)];
    const seal = makeSeal({ secret, encryptionKey: secretKey });
    secret.fill(0);
    secretKey.fill(0);
    const bytes = await encodeRecord(seal, key, record);
    const back = await decodeRecord(makeSeal({ secret: "s3cret", encryptionKey }), key, bytes);
    expect(Buffer.from(back?.payload ?? []).toString()).toBe("payload");
  });

  it("is encrypted anew each time, so that equal values do not look equal", async () => {
    const seal = makeSeal({ encryptionKey });
    const [one, other] = [await encodeRecord(seal, key, record), await encodeRecord(seal, key, record)];
    expect(Buffer.compare(one, other)).not.toBe(0);
  });

  it("is bound to its key: an encrypted payload moved to another record does not open", async () => {
    const seal = makeSeal({ encryptionKey });
    const { payload, marks } = await seal.close(Buffer.from("payload"), key);
    await expect(seal.open(payload, marks, "job/runs/1/steps/load")).rejects.toThrow("authenticate");
    expect(Buffer.from(await seal.open(payload, marks, key)).toString()).toBe("payload");
  });
});
