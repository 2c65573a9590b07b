// Makes sure, once per process and bucket, that a store honours conditional writes: many ignore the header and overwrite.
import { randomUUID } from "node:crypto";
import type { Bucket } from "./s3-bucket.ts";

/** Where the keys of the check lie. No key of dotflow begins with a dot. */
export const checkFolder = ".dotflow-check/";

/** Passed and running checks: of each client that was handed in, and of all clients that we made. */
const checks = new WeakMap<object, Map<string, Promise<void>>>();

/**
 * Resolves at once where the check has passed before. All who ask while it runs share it, and where it failed the next
 * one asks anew.
 *
 * @param owner who tells stores apart by `place`
 */
export function requireConditionalWrites(bucket: Bucket, prefix: string, owner: object, place: string): Promise<void> {
  const known = checks.get(owner) ?? new Map<string, Promise<void>>();
  checks.set(owner, known);
  const running = known.get(place);
  if (running) return running;
  const check = createTwice(bucket, `${prefix}${checkFolder}${randomUUID()}`);
  known.set(place, check);
  check.catch(() => known.delete(place));
  return check;
}

async function createTwice(bucket: Bucket, key: string): Promise<void> {
  const value = new Uint8Array();
  const first = await bucket.create(key, value);
  const second = await bucket.create(key, value);
  // A client that tries again itself takes its own success for a refusal.
  const isThere = first || (await bucket.get(key)) !== undefined;
  // What stays where this fails is hidden from listings; some may write and not delete.
  await bucket.delete(key).catch(() => {});
  if (isThere && !second) return;
  const found = isThere ? "the same key could be created twice" : "a new key could not be created";
  throw Object.assign(
    new Error(
      `the store of bucket ${JSON.stringify(bucket.name)} ignores conditional writes (If-None-Match: *): ${found}. ` +
        "Records and leases of dotflow rest on them, so StorageS3 can't use it; docs/storage-s3.md names stores that it can use",
    ),
    { retryable: false },
  );
}
