// Stands between StorageS3 and a real server: notes every request, and answers in its place what no local server ever says.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface GatewayRequest {
  readonly method: string;
  /** Path and query, from behind the bucket's name on. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers instead of the server and gives `true`, or leaves the request to it. */
export type Reply = (request: GatewayRequest, response: ServerResponse) => true | undefined;

export interface Gateway {
  readonly endpoint: string;
  /** All requests so far. */
  readonly requests: GatewayRequest[];
  /** From now on each request goes to `reply` first. */
  answer(reply: Reply): void;
  stop(): Promise<void>;
}

/** `target` is the endpoint of a server. Signatures stay right: the host that was signed is passed on. */
export async function startGateway(target: string): Promise<Gateway> {
  const requests: GatewayRequest[] = [];
  const { hostname, port, pathname } = new URL(target);
  const folder = pathname.replace(/\/$/, "");
  let reply: Reply = () => undefined;
  const server = createServer((incoming, response) => {
    const path = (incoming.url ?? "").slice(folder.length).replace(/^\/[^/?]*\/?/, "");
    const noted = { method: incoming.method ?? "", path, headers: incoming.headers };
    requests.push(noted);
    if (reply(noted, response)) incoming.resume();
    else passOn(incoming, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");

  function passOn(incoming: IncomingMessage, response: ServerResponse): void {
    const outgoing = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`,
    requests,
    answer: (given) => void (reply = given),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** An answer as S3 gives its errors. */
export function s3Error(response: ServerResponse, status: number, code: string, fields = ""): true {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>Said so.</Message>${fields}</Error>`,
  );
  return true;
}

export function respond(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body = "",
): true {
  response.writeHead(status, headers).end(body);
  return true;
}
