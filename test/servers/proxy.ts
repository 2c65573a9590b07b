// A proxy between a client and a server of this machine that loses, delays and cuts what goes through it. It passes bytes on
// unchanged and knows no protocol.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Proxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** How many answers were lost by `dropAnswers`. */
  readonly dropped: number;
  /**
   * Loses the answers to the next `count` requests. The server gets each of them and does it; at the first byte of its
   * answer the client's connection is destroyed.
   *
   * A request is what a client sends next, a handshake included. Where a client sends requests before it has the answers
   * to earlier ones, those of the same connection are lost with it.
   */
  dropAnswers(count: number): void;
  /** Holds back each answer for so long; 0 ends that. */
  delay(milliseconds: number): void;
  /** Destroys all connections that are open now. Requests that the server has may be done or not. */
  cut(): void;
  /** Whether new connections are reset as soon as they are made. Those that are open stay. */
  refuse(refused: boolean): void;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  let toDrop = 0;
  let dropped = 0;
  let milliseconds = 0;
  let refused = false;

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on("error", () => {});
    if (refused) return void client.resetAndDestroy();
    const server = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    let losing = false;
    let passed = Promise.resolve();
    clients.add(client);
    servers.add(server);

    client.on("data", (part) => {
      if (toDrop > 0 && !losing) {
        toDrop--;
        losing = true;
      }
      server.write(part);
    });
    server.on("data", (part) => {
      if (losing && !isInterim(part)) {
        if (!client.destroyed) dropped++;
        client.resetAndDestroy();
      }
      passOn(() => client.write(part));
    });
    client.on("end", () => server.end());
    server.on("end", () => passOn(() => client.end()));
    server.on("error", () => client.resetAndDestroy());
    server.on("close", () => {
      servers.delete(server);
      passOn(() => client.destroy());
    });
    client.on("close", () => {
      clients.delete(client);
      // What the client sent before is still to be done: the server gets all of it, and then the end.
      server.end();
      server.resume();
    });

    /** In order, also when the delay becomes shorter. */
    function passOn(pass: () => void): void {
      const held = milliseconds > 0 ? new Promise<void>((resolve) => setTimeout(resolve, milliseconds)) : undefined;
      passed = passed.then(() => held).then(() => void (client.destroyed || pass()));
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");

  const cut = (): void => {
    for (const client of clients) client.resetAndDestroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    get dropped() {
      return dropped;
    },
    dropAnswers: (count) => void (toDrop = count),
    delay: (time) => void (milliseconds = time),
    cut,
    refuse: (whether) => void (refused = whether),
    async stop() {
      const closed = once(listener, "close");
      listener.close();
      cut();
      for (const server of servers) server.destroy();
      await closed;
    },
  };
}

/** HTTP's "go on" comes before the request was done. */
function isInterim(part: Buffer): boolean {
  return part.subarray(0, 12).toString("latin1") === "HTTP/1.1 100";
}
