// Uploads in several requests. Unfinished ones live in memory: a server that was killed has forgotten them.
import { randomUUID } from "node:crypto";
import { type Answer, Refusal } from "./answer.ts";
import type { Objects } from "./objects.ts";
import { requireConditions } from "./preconditions.ts";

interface Beginning {
  readonly bucket: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
}

interface Session extends Beginning {
  readonly parts: Uint8Array[];
  received: number;
  finished?: unknown;
}

export class ResumableUploads {
  readonly #objects: Objects;
  readonly #sessions = new Map<string, Session>();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  begin(origin: string, beginning: Beginning): Answer {
    const { bucket, name, query } = beginning;
    requireConditions(query, this.#objects.find(bucket, name));
    const id = randomUUID();
    this.#sessions.set(id, { ...beginning, parts: [], received: 0 });
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`;
    return { status: 200, headers: { location: `${origin}${path}`, "x-guploader-uploadid": id } };
  }

  /** `range` is the header Content-Range: `bytes 0-*\/*`, `bytes 0-9/*`, `bytes 0-9/10`, or `bytes *\/*` to ask how far it is. */
  add(id: string, range: string, body: Uint8Array): Answer {
    const session = this.#session(id);
    if (session.finished !== undefined) return { status: 200, body: session.finished };
    const [, first, last, total] = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(range || "bytes 0-*/*") ?? [];
    if (first !== undefined) {
      // What was received before is sent again after a lost answer.
      const fresh = body.subarray(session.received - Number(first));
      session.parts.push(fresh);
      session.received += fresh.length;
    }
    const isWhole = (last === "*" && total === "*") || Number(total) === session.received;
    if (isWhole) return { status: 200, body: this.#finish(session) };
    return { status: 308, ...(session.received > 0 && { headers: { range: `bytes=0-${session.received - 1}` } }) };
  }

  abort(id: string): Answer {
    this.#session(id);
    this.#sessions.delete(id);
    return { status: 499 };
  }

  #finish(session: Session): unknown {
    const { bucket, name, metadata, query, parts } = session;
    requireConditions(query, this.#objects.find(bucket, name));
    session.finished = this.#objects.insert(bucket, name, Buffer.concat(parts), metadata);
    return session.finished;
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new Refusal(404, "notFound", "Upload session not found.");
    return session;
  }
}
