// Stands for a service in the network: `GET`, `PUT`, `DELETE`, `If-None-Match: *` and a listing by prefix, in buckets.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

const buckets = new Map<string, Map<string, Buffer>>();
const server = createServer((request, answer) => void handle(request, answer));

export async function startService(): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function stopService(): void {
  server.close();
}

async function handle(request: IncomingMessage, answer: ServerResponse): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  const [, bucket = "", key = ""] = /^\/([^/]+)\/(.*)$/.exec(pathname) ?? [];
  const values = buckets.get(bucket) ?? new Map<string, Buffer>();
  buckets.set(bucket, values);
  const prefix = searchParams.get("prefix");
  const body = await buffer(request);
  if (prefix !== null) return answer.end(JSON.stringify([...values.keys()].filter((name) => name.startsWith(prefix))));
  if (request.method === "GET") return answer.writeHead(values.has(key) ? 200 : 404).end(values.get(key));
  if (request.method === "DELETE") values.delete(key);
  else if (values.has(key) && request.headers["if-none-match"]) answer.statusCode = 412;
  else values.set(key, body);
  return answer.end();
}
