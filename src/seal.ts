// What happens to a payload and its checksum on the way to storage: gzip, AES-256-GCM, SHA-256 or HMAC.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hash,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";
import { InvalidWorkflowError } from "./errors.ts";
import { requireOneOf } from "./options.ts";

export interface SealOptions {
  /**
   * Signs everything that is stored with HMAC-SHA-256, so that what was edited outside dotflow is refused.
   * Keep it: without it nothing can be read.
   */
  secret?: string | Uint8Array;
  /** Encrypts values, plans and errors with AES-256-GCM: 32 bytes, as `Uint8Array`, hex or base64. Keep it: without it nothing can be read. */
  encryptionKey?: string | Uint8Array;
  /** Compresses what is stored. Worth it for texts from a few kilobytes on over a network; costs time on a local disk. @default none */
  compression?: "gzip";
}

/** The parts of a record's header that say what was done to its payload. */
export interface SealMarks {
  compression?: string;
  encryption?: string;
}

export interface Seal {
  readonly signs: boolean;
  readonly encrypts: boolean;
  close(payload: Uint8Array, key: string): Promise<{ marks: SealMarks; payload: Uint8Array }>;
  open(payload: Uint8Array, marks: SealMarks, key: string): Promise<Uint8Array>;
  /** The checksum of a record: of its header, its key and its payload as stored. */
  checksum(header: string, key: string, payload: Uint8Array): string;
}

const cipher = "aes-256-gcm";
const ivLength = 12;
const tagLength = 16;
/** Below this, copying or compressing at once is faster than anything smarter. */
const smallPayload = 65_536;

export function makeSeal({ secret, encryptionKey, compression }: SealOptions): Seal {
  requireOneOf(compression, ["gzip"], "The option compression");
  const signKey = secret === undefined ? undefined : createSecretKey(secretBytes(secret));
  const cryptKey = encryptionKey === undefined ? undefined : createSecretKey(keyBytes(encryptionKey));

  return {
    signs: signKey !== undefined,
    encrypts: cryptKey !== undefined,
    async close(payload, key) {
      const marks: SealMarks = {};
      if (compression) {
        payload = await compress(payload);
        marks.compression = compression;
      }
      if (cryptKey) {
        payload = encrypt(cryptKey, payload, key);
        marks.encryption = cipher;
      }
      return { marks, payload };
    },
    async open(payload, marks, key) {
      if (cryptKey) payload = decrypt(cryptKey, payload, key);
      if (marks.compression) payload = await decompress(payload);
      return payload;
    },
    checksum(header, key, payload) {
      const before = `${header}\n${key}\n`;
      // Most records are small, and for them making a `Hash` takes longer than hashing.
      if (!signKey && payload.length < smallPayload)
        return hash("sha256", Buffer.concat([Buffer.from(before), payload]), "base64url");
      const summing = signKey ? createHmac("sha256", signKey) : createHash("sha256");
      return summing.update(before).update(payload).digest("base64url");
    },
  };
}

/** Most programs compress nothing, and don't wait for the module that would. */
async function compress(payload: Uint8Array): Promise<Uint8Array> {
  const { gzip, gzipSync } = await import("node:zlib");
  return payload.length < smallPayload ? gzipSync(payload) : promisify<Uint8Array, Buffer>(gzip)(payload);
}

async function decompress(payload: Uint8Array): Promise<Uint8Array> {
  const { gunzip, gunzipSync } = await import("node:zlib");
  return payload.length < smallPayload ? gunzipSync(payload) : promisify<Uint8Array, Buffer>(gunzip)(payload);
}

function encrypt(secretKey: KeyObject, payload: Uint8Array, key: string): Uint8Array {
  const iv = randomBytes(ivLength);
  const aes = createCipheriv(cipher, secretKey, iv).setAAD(Buffer.from(key));
  const body = Buffer.concat([aes.update(payload), aes.final()]);
  return Buffer.concat([iv, aes.getAuthTag(), body]);
}

function decrypt(secretKey: KeyObject, payload: Uint8Array, key: string): Uint8Array {
  const aes = createDecipheriv(cipher, secretKey, payload.subarray(0, ivLength), { authTagLength: tagLength });
  aes.setAAD(Buffer.from(key)).setAuthTag(payload.subarray(ivLength, ivLength + tagLength));
  return Buffer.concat([aes.update(payload.subarray(ivLength + tagLength)), aes.final()]);
}

function secretBytes(secret: string | Uint8Array): Buffer {
  const bytes = typeof secret === "string" ? Buffer.from(secret) : secret;
  if (bytes instanceof Uint8Array && bytes.length > 0) return Buffer.from(bytes);
  throw new InvalidWorkflowError("The option secret must be a text or bytes, and not empty.");
}

function keyBytes(key: string | Uint8Array): Buffer {
  const bytes = typeof key === "string" ? Buffer.from(key, /^[0-9a-f]{64}$/i.test(key) ? "hex" : "base64") : key;
  if (bytes instanceof Uint8Array && bytes.length === 32) return Buffer.from(bytes);
  throw new InvalidWorkflowError(
    "The option encryptionKey must be 32 bytes: a Uint8Array, 64 hexadecimal digits, or base64.",
  );
}
