// What each operation of the JSON API does to the objects. Which request means which operation is left to routes.ts.
import { type Answer, Refusal } from "./answer.ts";
import type { Faults } from "./faults.ts";
import { listPage, selectFields } from "./listing.ts";
import { parseMetadata, parseMultipart } from "./multipart.ts";
import type { Objects, StoredObject } from "./objects.ts";
import { requireConditions } from "./preconditions.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** Of the server, such as `http://127.0.0.1:4443`. */
  readonly origin: string;
}

/** What the path of a request names; a text is empty where the path has none. */
export interface Target {
  readonly bucket: string;
  readonly name: string;
  readonly toBucket: string;
  readonly toName: string;
}

export class Api {
  readonly #objects: Objects;
  readonly #faults: Faults;

  constructor(objects: Objects, faults: Faults) {
    this.#objects = objects;
    this.#faults = faults;
  }

  createBucket({ body }: ApiRequest): Answer {
    const bucket = textOf(parseMetadata(body)["name"]);
    this.#objects.createBucket(bucket);
    return this.getBucket(bucket);
  }

  getBucket(bucket: string): Answer {
    this.#objects.requireBucket(bucket);
    const fields = { kind: "storage#bucket", id: bucket, name: bucket, location: "US", storageClass: "STANDARD" };
    return { status: 200, body: fields };
  }

  deleteBucket(bucket: string): Answer {
    this.#objects.deleteBucket(bucket);
    return { status: 204 };
  }

  insert(request: ApiRequest, { bucket }: Target): Answer {
    const { metadata, bytes } = parseMultipart(headerOf(request, "content-type"), request.body);
    const name = request.query.get("name") ?? textOf(metadata["name"]);
    requireConditions(request.query, this.#objects.find(bucket, name));
    this.#faults.limitMutation(bucket, name);
    return { status: 200, body: this.#objects.insert(bucket, name, bytes, metadata) };
  }

  list({ query }: ApiRequest, { bucket }: Target): Answer {
    const page = listPage(this.#objects, bucket, query);
    const fields = query.get("fields");
    return { status: 200, body: fields ? selectFields(page, fields) : page };
  }

  get({ query }: ApiRequest, target: Target): Answer {
    return { status: 200, body: this.#checked(query, target, true) };
  }

  download(request: ApiRequest, target: Target): Answer {
    const object = this.#checked(request.query, target, true);
    const bytes = this.#objects.read(object);
    const headers = downloadHeaders(object);
    const range = /^bytes=(\d*)-(\d*)$/.exec(headerOf(request, "range"));
    if (!range) return { status: 200, headers, body: bytes };
    const [, first = "", last = ""] = range;
    const start = first === "" ? Math.max(bytes.length - Number(last), 0) : Number(first);
    const end = first === "" || last === "" ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1);
    if (start > end) throw new Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
    const contentRange = `bytes ${start}-${end}/${bytes.length}`;
    return {
      status: 206,
      headers: { ...headers, "content-range": contentRange },
      body: bytes.subarray(start, end + 1),
    };
  }

  patch({ query, body }: ApiRequest, target: Target): Answer {
    const object = this.#checked(query, target, false);
    this.#faults.limitMutation(object.bucket, object.name);
    return { status: 200, body: this.#objects.patch(object, parseMetadata(body)) };
  }

  delete({ query }: ApiRequest, target: Target): Answer {
    const object = this.#checked(query, target, false);
    this.#faults.limitMutation(object.bucket, object.name);
    this.#objects.delete(object);
    return { status: 204 };
  }

  rewrite({ query, body }: ApiRequest, { bucket, name, toBucket, toName }: Target): Answer {
    const source = this.#objects.get(bucket, name, query.get("sourceGeneration"));
    requireConditions(query, this.#objects.find(toBucket, toName));
    this.#faults.limitMutation(toBucket, toName);
    const fields = { ...source, ...parseMetadata(body) };
    const resource = this.#objects.insert(toBucket, toName, this.#objects.read(source), fields);
    const sizes = { totalBytesRewritten: resource.size, objectSize: resource.size };
    return { status: 200, body: { kind: "storage#rewriteResponse", ...sizes, done: true, resource } };
  }

  /** The object, if it is there and the conditions hold. What is missing is a 404 before any condition. */
  #checked(query: URLSearchParams, { bucket, name }: Target, reads: boolean): StoredObject {
    const object = this.#objects.get(bucket, name, query.get("generation"));
    requireConditions(query, object, reads);
    return object;
  }
}

export function headerOf({ headers }: ApiRequest, name: string): string {
  return textOf(headers[name]);
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function downloadHeaders(object: StoredObject): Record<string, string> {
  return {
    "content-type": object.contentType,
    "x-goog-generation": object.generation,
    "x-goog-metageneration": object.metageneration,
    "x-goog-hash": `crc32c=${object.crc32c},md5=${object.md5Hash}`,
    "x-goog-stored-content-encoding": "identity",
    "x-goog-stored-content-length": object.size,
    "last-modified": new Date(object.updated).toUTCString(),
    etag: object.etag,
  };
}
