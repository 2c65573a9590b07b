// The proxy in front of a tiny server that notes each line it gets and answers it with the same line in capitals.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Proxy, startProxy } from "./proxy.ts";

let got: string[] = [];
let stopServer: () => Promise<void>;
let proxy: Proxy;
/** The server's end of each connection. */
let accepted: Socket[] = [];

beforeEach(async () => {
  got = [];
  accepted = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    let rest = "";
    socket.on("error", () => {});
    socket.on("data", (part) => {
      const lines = (rest + part.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        got.push(line);
        socket.write(`${line.toUpperCase()}\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startProxy((server.address() as AddressInfo).port);
  stopServer = async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
    await once(server, "close");
  };
});

afterEach(async () => {
  await proxy.stop();
  await stopServer();
});

it("passes bytes on unchanged, both ways, and many of them", async () => {
  const client = await open();
  const long = "x".repeat(5_000_000);
  expect(await client.ask(long)).toBe(long.toUpperCase());
  expect(got).toEqual([long]);
});

it("loses just as many answers as it was told, after the server has done what was asked", async () => {
  const client = await open();
  expect(await client.ask("one")).toBe("ONE");
  proxy.dropAnswers(2);
  expect(await client.ask("two")).toBe("lost");
  expect(await (await open()).ask("three")).toBe("lost");
  expect(await (await open()).ask("four")).toBe("FOUR");
  expect(got).toEqual(["one", "two", "three", "four"]);
  expect(proxy.dropped).toBe(2);
});

it("loses the answer of a connection that was silent when it was told to", async () => {
  const silent = await open();
  proxy.dropAnswers(1);
  expect(await silent.ask("one")).toBe("lost");
  expect(got).toEqual(["one"]);
});

it("lets the server do all that was sent on a connection whose first answer is lost", async () => {
  const client = await open();
  proxy.dropAnswers(1);
  expect(await client.ask("one\ntwo\nthree")).toBe("lost");
  await expect.poll(() => got).toEqual(["one", "two", "three"]);
});

it("does not take an interim answer of HTTP for the answer", async () => {
  const client = await open();
  proxy.dropAnswers(1);
  client.socket.write("http/1.1 100 continue\n");
  expect(await client.next()).toBe("HTTP/1.1 100 CONTINUE");
  expect(await client.ask("body")).toBe("lost");
  expect(got.at(-1)).toBe("body");
});

it("holds answers back without changing their order, also when the delay becomes shorter", async () => {
  const client = await open();
  const answered: string[] = [];
  proxy.delay(200);
  const slow = client.ask("slow").then((answer) => answered.push(answer));
  await expect.poll(() => got).toEqual(["slow"]);
  const other = (await open()).ask("other").then((answer) => answered.push(answer));
  proxy.delay(0);
  const quick = client.next().then((answer) => answered.push(answer));
  client.socket.write("quick\n");
  await Promise.all([slow, other, quick]);
  expect(answered.filter((answer) => answer !== "OTHER")).toEqual(["SLOW", "QUICK"]);
});

it("cuts the open connections, and lets new ones through", async () => {
  const clients = [await open(), await open()];
  for (const client of clients) await client.ask("one");
  const answers = clients.map((client) => client.next());
  proxy.cut();
  expect(await Promise.all(answers)).toEqual(["lost", "lost"]);
  expect(await (await open()).ask("two")).toBe("TWO");
});

it("refuses new connections until told otherwise, and keeps the open ones", async () => {
  const before = await open();
  await before.ask("one");
  proxy.refuse(true);
  expect(await (await open()).ask("two")).toBe("lost");
  expect(await before.ask("three")).toBe("THREE");
  proxy.refuse(false);
  expect(await (await open()).ask("four")).toBe("FOUR");
  expect(got).toEqual(["one", "three", "four"]);
});

it("ends the client's connection when the server ends its own, and resets it where no server is", async () => {
  const client = await open();
  await client.ask("one");
  const answer = client.next();
  for (const socket of accepted) socket.end();
  expect(await answer).toBe("lost");
  await stopServer();
  expect(await (await open()).ask("two")).toBe("lost");
  stopServer = async () => {};
});

interface Client {
  readonly socket: Socket;
  /** Sends a line, and gives the next one that comes, or `lost`. */
  ask(line: string): Promise<string>;
  /** The next line that comes, or `lost` when the connection ends before. */
  next(): Promise<string>;
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  let rest = "";
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  let ended = false;
  const look = (): void => {
    while (waiting.length > 0 && (lines.length > 0 || ended)) waiting.shift()?.(lines.shift() ?? "lost");
  };
  socket.on("error", () => {});
  socket.on("data", (part) => {
    const all = (rest + part.toString()).split("\n");
    rest = all.pop() ?? "";
    lines.push(...all);
    look();
  });
  for (const event of ["end", "close"])
    socket.on(event, () => {
      ended = true;
      look();
    });
  const next = (): Promise<string> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      look();
    });
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => {});
  return {
    socket,
    next,
    ask(line) {
      const answer = next();
      socket.write(`${line}\n`);
      return answer;
    },
  };
}
