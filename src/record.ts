// The form of every stored object: one line of JSON that a person can read with `head -1`, then the payload.
import { CorruptCheckpointError, UnsupportedFormatError } from "./errors.ts";
import type { Seal, SealMarks } from "./seal.ts";

/** Raised when what is stored can no longer be read by the version before. */
const formatVersion = 1;

export type RecordKind = "lease" | "run" | "end" | "step" | "part" | "signal" | "snapshot" | "batch" | "cancel";

/** The facts of a header; `undefined` ones are left out. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface StoredRecord {
  readonly kind: RecordKind;
  /** Who wrote it: tells one's own write, whose answer was lost, from that of a rival. */
  readonly writer: string;
  readonly facts: Facts;
  readonly payload: Uint8Array;
}

interface Header extends SealMarks {
  dotflow: number;
  kind: RecordKind;
  writer: string;
  size: number;
  checksum: string;
}

const checksumField = ',"checksum":"';
const newline = 10;

export async function encodeRecord(seal: Seal, key: string, record: StoredRecord): Promise<Uint8Array> {
  const { marks, payload } = await seal.close(record.payload, key);
  const { kind, writer, facts } = record;
  const header = JSON.stringify({
    dotflow: formatVersion,
    kind,
    ...facts,
    writer,
    ...marks,
    size: payload.length,
  }).slice(0, -1);
  return Buffer.concat([Buffer.from(`${header}${checksumField}${seal.checksum(header, key, payload)}"}\n`), payload]);
}

/**
 * Reads what lies under `key`. Gives `undefined` for a torn write, which counts as not written: the bytes end before
 * the header says. Anything else that is not what was written there is a `CorruptCheckpointError`.
 */
export async function decodeRecord(seal: Seal, key: string, bytes: Uint8Array): Promise<StoredRecord | undefined> {
  const end = bytes.indexOf(newline);
  if (end < 0) return undefined;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("utf8");
  const header = parseHeader(line, key);
  const payload = bytes.subarray(end + 1);
  if (payload.length < header.size) return undefined;
  const covered = line.slice(0, line.lastIndexOf(checksumField));
  const { dotflow: _format, kind, writer, size, checksum, compression, encryption, ...facts } = header;
  if (
    payload.length !== size ||
    `${covered}${checksumField}${checksum}"}` !== line ||
    seal.checksum(covered, key, payload) !== checksum
  ) {
    throw corrupt(
      key,
      `does not match its checksum${seal.signs ? " under the secret that was given" : " (or was signed with a secret that was not given)"}`,
    );
  }
  return { kind, writer, facts, payload: await openPayload(seal, key, payload, { compression, encryption }) };
}

function parseHeader(line: string, key: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(line);
  } catch (cause) {
    throw corrupt(key, "does not begin with a readable header", cause);
  }
  if (!isHeader(header)) throw corrupt(key, "does not begin with a header of dotflow");
  if (header.dotflow > formatVersion) {
    throw new UnsupportedFormatError(
      `"${key}" was written in format ${header.dotflow} by a newer dotflow; this one reads up to format ${formatVersion}. Update dotflow.`,
      { key },
    );
  }
  return header;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const { dotflow, size, checksum } = value as Partial<Header>;
  if (!Number.isInteger(dotflow)) return false;
  return (
    (dotflow as number) > formatVersion ||
    (dotflow === formatVersion && Number.isInteger(size) && typeof checksum === "string")
  );
}

async function openPayload(seal: Seal, key: string, payload: Uint8Array, marks: SealMarks): Promise<Uint8Array> {
  const encrypted = marks.encryption !== undefined;
  if (encrypted !== seal.encrypts) {
    throw corrupt(
      key,
      encrypted
        ? "is encrypted, and no encryptionKey was given"
        : "is not encrypted, though an encryptionKey was given",
    );
  }
  try {
    return await seal.open(payload, marks, key);
  } catch (cause) {
    throw corrupt(
      key,
      encrypted ? "can't be decrypted with the encryptionKey that was given" : "can't be decompressed",
      cause,
    );
  }
}

function corrupt(key: string, what: string, cause?: unknown): CorruptCheckpointError {
  return new CorruptCheckpointError(
    `The stored object "${key}" ${what}. It is not used. Restore it from a backup, or delete it: what it recorded then runs again.`,
    { key, cause },
  );
}
