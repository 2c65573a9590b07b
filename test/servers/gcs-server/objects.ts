// Buckets and objects, kept as files: what was acknowledged survives a SIGKILL of the server.
// One file holds one object: a line of JSON with its fields, then its bytes; a rename puts it in its place.
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noBucket, noObject, Refusal } from "./answer.ts";
import { crc32c } from "./crc32c.ts";

/** An object as the JSON API shows it. */
export interface StoredObject {
  readonly name: string;
  readonly bucket: string;
  readonly generation: string;
  readonly metageneration: string;
  readonly size: string;
  readonly md5Hash: string;
  readonly crc32c: string;
  readonly timeCreated: string;
  readonly updated: string;
  readonly contentType: string;
  readonly etag: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const writableFields = [
  "contentType",
  "cacheControl",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "metadata",
];

export class Objects {
  readonly #folder: string;
  readonly #buckets = new Map<string, Map<string, StoredObject>>();
  #generation = 0;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const bucket of readdirSync(folder)) this.#load(bucket);
  }

  createBucket(bucket: string): void {
    if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(bucket))
      throw new Refusal(400, "invalid", `Invalid bucket name: '${bucket}'`);
    if (this.#buckets.has(bucket))
      throw new Refusal(409, "conflict", "You already own this bucket. Please select another name.");
    mkdirSync(join(this.#folder, bucket));
    this.#buckets.set(bucket, new Map());
  }

  deleteBucket(bucket: string): void {
    if (this.#objects(bucket).size > 0)
      throw new Refusal(409, "conflict", "The bucket you tried to delete is not empty.");
    rmSync(join(this.#folder, bucket), { recursive: true });
    this.#buckets.delete(bucket);
  }

  hasBucket(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  requireBucket(bucket: string): void {
    this.#objects(bucket);
  }

  find(bucket: string, name: string): StoredObject | undefined {
    return this.#objects(bucket).get(name);
  }

  /** `generation` is that of the request, where it asks for a certain one. */
  get(bucket: string, name: string, generation?: string | null): StoredObject {
    const object = this.find(bucket, name);
    if (!object || (generation && generation !== object.generation)) throw noObject(bucket, name);
    return object;
  }

  /** All objects of a bucket in the order of the bytes of their names. */
  sorted(bucket: string): StoredObject[] {
    const named = [...this.#objects(bucket).values()].map((object) => ({ object, bytes: Buffer.from(object.name) }));
    return named.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ object }) => object);
  }

  read(object: StoredObject): Uint8Array {
    const file = readFileSync(this.#path(object));
    return file.subarray(file.indexOf("\n") + 1);
  }

  insert(bucket: string, name: string, bytes: Uint8Array, given: Readonly<Record<string, unknown>>): StoredObject {
    if (name === "" || Buffer.byteLength(name) > 1024 || /[\r\n]/.test(name) || name === "." || name === "..")
      throw new Refusal(400, "invalid", "Invalid object name");
    const now = new Date();
    this.#generation = Math.max(now.getTime() * 1_000, this.#generation + 1);
    const object: StoredObject = {
      contentType: "application/octet-stream",
      ...Object.fromEntries(writableFields.flatMap((field) => (field in given ? [[field, given[field]]] : []))),
      kind: "storage#object",
      id: `${bucket}/${name}/${this.#generation}`,
      name,
      bucket,
      generation: String(this.#generation),
      metageneration: "1",
      size: String(bytes.length),
      storageClass: "STANDARD",
      md5Hash: createHash("md5").update(bytes).digest("base64"),
      crc32c: crc32c(bytes),
      etag: Buffer.from(String(this.#generation)).toString("base64"),
      timeCreated: now.toISOString(),
      updated: now.toISOString(),
    };
    for (const field of ["crc32c", "md5Hash"] as const)
      if (given[field] !== undefined && given[field] !== object[field])
        throw new Refusal(400, "invalid", `Provided ${field} doesn't match calculated "${object[field]}".`);
    this.#write(object, bytes);
    return object;
  }

  /** `null` takes a field away, in `metadata` too. */
  patch(old: StoredObject, given: Readonly<Record<string, unknown>>): StoredObject {
    const fields = writableFields.flatMap((field) =>
      field in given ? [[field, merged(old[field], given[field])]] : [],
    );
    const object: StoredObject = {
      ...old,
      ...Object.fromEntries(fields),
      metageneration: String(Number(old.metageneration) + 1),
      updated: new Date().toISOString(),
    };
    this.#write(object, this.read(old));
    return object;
  }

  delete(object: StoredObject): void {
    rmSync(this.#path(object));
    this.#objects(object.bucket).delete(object.name);
  }

  #objects(bucket: string): Map<string, StoredObject> {
    const objects = this.#buckets.get(bucket);
    if (!objects) throw noBucket();
    return objects;
  }

  #write(object: StoredObject, bytes: Uint8Array): void {
    const objects = this.#objects(object.bucket);
    const temporary = join(this.#folder, object.bucket, `.${randomUUID()}`);
    writeFileSync(temporary, Buffer.concat([Buffer.from(`${JSON.stringify(object)}\n`), bytes]));
    renameSync(temporary, this.#path(object));
    objects.set(object.name, object);
  }

  #load(bucket: string): void {
    const objects = new Map<string, StoredObject>();
    this.#buckets.set(bucket, objects);
    for (const file of readdirSync(join(this.#folder, bucket))) {
      if (file.startsWith(".")) continue;
      const bytes = readFileSync(join(this.#folder, bucket, file));
      // Written by #write, as one line without a line break in it.
      const object = JSON.parse(bytes.subarray(0, bytes.indexOf("\n")).toString()) as StoredObject;
      objects.set(object.name, object);
      this.#generation = Math.max(this.#generation, Number(object.generation));
    }
  }

  #path({ bucket, name }: StoredObject): string {
    return join(this.#folder, bucket, createHash("sha256").update(name).digest("hex"));
  }
}

function merged(old: unknown, given: unknown): unknown {
  if (given === null) return undefined;
  if (typeof given !== "object") return given;
  const fields = Object.entries({ ...(old as object | undefined), ...given });
  return Object.fromEntries(fields.filter(([, value]) => value !== null));
}
