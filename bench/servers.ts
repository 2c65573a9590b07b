// Servers for the rows that need one, and a proxy that counts what is asked of them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../test/servers/serve.ts", import.meta.url));

/** Starts a server of the tests, calls `use` with its address, and ends it. Rejects where it can't be started, and says why. */
export async function withServer<Result>(name: string, use: (address: string) => Promise<Result>): Promise<Result> {
  const server = spawn(process.execPath, ["--import", "tsx", program, name], { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  server.stderr.on("data", (part: Buffer) => (complaint += part.toString()));
  const ended = once(server, "close");
  try {
    const line = once(createInterface(server.stdout), "line").then(([text]) => String(text));
    const address = await Promise.race([line, ended.then(() => undefined)]);
    if (address === undefined) throw new Error(/Error: (.*)/.exec(complaint)?.[1] ?? complaint);
    return await use(address);
  } finally {
    server.stdin.end();
    await ended;
  }
}

/** How many requests of each method went through. */
export type Counts = Readonly<Record<string, number>>;

/** Calls `use` with the port of a proxy in front of `port`, and with what gives the counts since it was last called. */
export async function withCounter<Result>(
  port: number,
  use: (port: number, take: () => Counts) => Promise<Result>,
): Promise<Result> {
  let counts: Record<string, number> = {};
  const proxy = createServer((incoming, answer) => {
    const { method = "", url, headers } = incoming;
    counts[method] = (counts[method] ?? 0) + 1;
    const outgoing = request({ host: "127.0.0.1", port, method, path: url, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    outgoing.on("error", () => answer.destroy());
    incoming.pipe(outgoing);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  try {
    return await use((proxy.address() as AddressInfo).port, () => {
      const taken = counts;
      counts = {};
      return taken;
    });
  } finally {
    proxy.close();
    proxy.closeAllConnections();
  }
}
