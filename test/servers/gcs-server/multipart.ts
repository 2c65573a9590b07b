// Takes an upload of the type multipart/related apart: JSON metadata, then the bytes of the object.
import { Refusal } from "./answer.ts";

export interface Upload {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

export function parseMultipart(contentType: string, body: Buffer): Upload {
  const boundary = /^multipart\/related;.*boundary="?([^";]+)/i.exec(contentType)?.[1];
  if (boundary === undefined) throw malformed();
  const [metadata, media] = partsOf(body, `--${boundary}`);
  if (metadata === undefined || media === undefined) throw malformed();
  return { metadata: parseMetadata(metadata), bytes: media };
}

export function parseMetadata(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length === 0) return {};
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (typeof value !== "object" || value === null) throw malformed();
  return { ...value };
}

/** The bodies of the parts. The delimiter is looked for in the bytes: an object may hold anything else. */
function partsOf(body: Buffer, delimiter: string): Buffer[] {
  const parts: Buffer[] = [];
  let start = body.indexOf(delimiter);
  for (;;) {
    const end = body.indexOf(`\r\n${delimiter}`, start + delimiter.length);
    if (start < 0 || end < 0) return parts;
    const head = body.indexOf("\r\n\r\n", start);
    if (head < 0 || head > end) throw malformed();
    parts.push(body.subarray(head + 4, end));
    start = end + 2;
  }
}

const malformed = (): Refusal => new Refusal(400, "badContent", "Malformed multipart body.");
