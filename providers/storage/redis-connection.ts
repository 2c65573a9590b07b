// A connection of our own to a Redis server, over whichever of the two packages is installed.
// It is never mended: the first sign of trouble ends it, and the storage opens another one with its next call.
import { loadPackage } from "../shared/load-package.ts";
import { inTime } from "../shared/time-limit.ts";
import { passingError, replyCode } from "./redis-error.ts";
import { type Send, senderOf } from "./redis-send.ts";
import type { RedisServer } from "./redis-url.ts";

export interface Connection {
  readonly send: Send;
  /** Ends it at once. Commands without an answer fail. */
  close(): void;
}

/** What the two packages have in common. */
interface Driver {
  readonly send: Send;
  connect(): Promise<unknown>;
  /** Lets the process end while it is open. */
  letGo(): unknown;
  /** Ends it. Does nothing when it has ended. */
  end(): unknown;
}

type NodeRedis = Pick<typeof import("redis"), "createClient">;
type IoRedis = Pick<typeof import("ioredis"), "Redis">;

/** How long the server may take to accept a connection and a login. */
const connectLimit = 5_000;

/** The client's own limit for that. Ours comes first, as it names the server. */
const clientLimit = 2 * connectLimit;

/** How long it may take to answer a command, in addition to one millisecond for each kilobyte that it and those before it send. */
const answerLimit = 10_000;

/** Connects. `onEnd` is called once, when the connection is of no more use. */
export async function openConnection(server: RedisServer, onEnd: () => void): Promise<Connection> {
  const driver = await makeDriver(server, () => finish());
  const { host, port, tls } = server;
  let ended = false;
  /** Bytes of the commands without an answer: they go one behind the other. */
  let underway = 0;

  const finish = (): void => {
    if (ended) return;
    ended = true;
    onEnd();
    driver.end();
  };

  const send: Send = async (command, ...args) => {
    if (ended) throw passingError(`The connection to Redis at ${host}:${port} has ended`);
    const size = args.reduce((sum, { length }) => sum + length, 0);
    underway += size;
    try {
      const silence = (): string => `Redis at ${host}:${port} gave no answer to ${command} in time`;
      return await inTime(answerLimit + underway / 1_000, silence, () => driver.send(command, ...args));
    } catch (error) {
      const reply = replyCode(error);
      // An answer of the server leaves the connection intact; one that became a replica is worth another look-up.
      if (reply === "" || reply === "READONLY") finish();
      throw reply === "" ? Object.assign(error as Error, { retryable: true }) : error;
    } finally {
      underway -= size;
    }
  };

  try {
    const advice = tls ? "; check that it speaks TLS there, or begin the url with redis:" : "";
    const silence = (): string => `Redis at ${host}:${port} did not accept the connection in time${advice}`;
    await inTime(connectLimit, silence, () => driver.connect());
  } catch (error) {
    finish();
    throw located(error, server);
  }
  // A script that did all its work ends by itself. What waits for an answer has a timer, which holds it until then.
  driver.letGo();
  return { send, close: finish };
}

/** Node says nothing where it tried several addresses of one name. */
function located(error: unknown, { host, port }: RedisServer): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (!(error instanceof Error) || typeof code !== "string" || message !== "") return error;
  return Object.assign(error, { message: `connect ${code} ${host}:${port}` });
}

async function makeDriver(server: RedisServer, onEnd: () => void): Promise<Driver> {
  try {
    return nodeRedis(await loadPackage("redis", "StorageRedis", () => import("redis")), server, onEnd);
  } catch (error) {
    if (!isMissing(error)) throw error;
    // One command is enough: where both are missing, the error of the first stands.
    const orElse = (other: unknown): never => {
      throw isMissing(other) ? error : other;
    };
    return ioRedis(await loadPackage("ioredis", "StorageRedis", () => import("ioredis")).catch(orElse), server, onEnd);
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === "MISSING_PACKAGE";
}

function nodeRedis({ createClient }: NodeRedis, server: RedisServer, onEnd: () => void): Driver {
  const { host, port, tls, username, password, database } = server;
  const address = { host, port, connectTimeout: clientLimit, reconnectStrategy: false as const };
  const client = createClient({
    RESP: 2,
    socket: tls ? { ...address, tls } : address,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database,
    // Ours is the limit for the whole of a command. The client's own ends when a command is sent, and costs a timer for each.
    commandOptions: { timeout: undefined },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
  // Without a listener an error ends the process. Callers learn of it by what they wait for.
  client.on("error", onEnd).on("end", onEnd);
  return {
    send: senderOf(client),
    connect: () => client.connect(),
    letGo: () => client.unref(),
    end: () => client.isOpen && client.destroy(),
  };
}

function ioRedis({ Redis }: IoRedis, server: RedisServer, onEnd: () => void): Driver {
  const { host, port, tls, username, password, database: db } = server;
  const client = new Redis({
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    protocol: 2,
    lazyConnect: true,
    connectTimeout: clientLimit,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
  });
  let failure: Error | undefined;
  client.on("error", (error) => (failure ??= error)).on("end", onEnd);
  return {
    send: senderOf(client),
    async connect() {
      // Its rejection says only that the connection was closed; and a database that is not there is no rejection at all.
      await client.connect().catch((error: Error) => (failure ??= error));
      if (failure !== undefined) throw failure;
    },
    letGo: () => client.stream?.unref(),
    end: () => client.disconnect(),
  };
}
