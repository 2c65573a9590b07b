// A Cloud Storage for tests, as a program: `main.ts <port> <folder> <bucket>…`. Speaks the JSON API as far as the client uses
// it, keeps its objects in the folder, and goes wrong where a test orders it (faults.ts).
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, refused, Refusal } from "./answer.ts";
import { Api } from "./api.ts";
import { Faults, type FaultSettings } from "./faults.ts";
import { Objects } from "./objects.ts";
import { ResumableUploads } from "./resumable.ts";
import { makeRoutes } from "./routes.ts";
import { exchangeToken } from "./token.ts";

const [port, folder = "", ...buckets] = process.argv.slice(2);
const faults = new Faults();
const objects = new Objects(folder);
for (const bucket of buckets) if (!objects.hasBucket(bucket)) objects.createBucket(bucket);
const find = makeRoutes(new Api(objects, faults), new ResumableUploads(objects));

const server = createServer((request, response) => {
  // A request whose connection breaks is not done.
  serve(request, response).catch(() => response.destroy());
});
// As long as Google's: connections that a client keeps are not closed under its next request.
server.keepAliveTimeout = 240_000;
server.listen(Number(port), "127.0.0.1");

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { pathname: path, searchParams: query } = new URL(request.url ?? "", origin);
  const { method = "GET", headers } = request;
  if (path === "/faults") return send(response, controlFaults(method, body));
  if (path === "/token") return send(response, exchangeToken(body));
  const isDownload = query.get("alt") === "media";
  const { kind, run } = find({ method, path, query, headers, body, origin });
  faults.begin(kind);
  response.once("close", () => faults.end());
  if (faults.delay > 0) await sleep(faults.delay);
  const answer = answerTo(run, headers.authorization, isDownload);
  if (faults.take("dropAnswers")) response.destroy();
  else if (isDownload && answer.body instanceof Uint8Array) sendDownload(response, answer, answer.body);
  else send(response, answer);
}

function answerTo(run: () => Answer, authorization: string | undefined, isDownload: boolean): Answer {
  try {
    faults.requireToken(authorization);
    const ordered = faults.refusal();
    if (ordered && !ordered.applied) throw ordered.refusal;
    const answer = run();
    if (ordered) throw ordered.refusal;
    return answer;
  } catch (error) {
    if (error instanceof Refusal) return refused(error, isDownload);
    throw error;
  }
}

function sendDownload(response: ServerResponse, answer: Answer, body: Uint8Array): void {
  // A copy: what is flipped here stays as it is on the disk.
  const bytes = Buffer.from(body);
  if (bytes.length > 0 && faults.take("corrupt")) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  if (!faults.take("stall")) return send(response, { ...answer, body: bytes });
  response.writeHead(answer.status, { ...answer.headers, "content-length": bytes.length });
  response.write(bytes.subarray(0, bytes.length >> 1));
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const isPlain = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const content = Buffer.from(isPlain ? (body ?? "") : JSON.stringify(body));
  const type = isPlain ? {} : { "content-type": "application/json; charset=UTF-8" };
  // No answer with the status 204 or 304 has a length.
  const length = status === 204 || status === 304 ? {} : { "content-length": content.length };
  response.writeHead(status, { ...type, ...headers, ...length }).end(content);
}

function controlFaults(method: string, body: Buffer): Answer {
  // Only our own tests ask here.
  if (method === "PUT") faults.set(JSON.parse(body.toString()) as FaultSettings);
  return { status: 200, body: { requests: faults.requests, mostUnderway: faults.mostUnderway } };
}
