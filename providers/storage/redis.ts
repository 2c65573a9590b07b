// Keeps values in a Redis server: which key is which, what is there, what goes.
// Connections are left to redis-connection.ts, what the server promises to redis-durability.ts.
import type { Storage } from "../../src/storage.ts";
import { type RedisClient, requireClient } from "./redis-client.ts";
import { type Connection, openConnection } from "./redis-connection.ts";
import { type Durability, readDurability, stated, unread } from "./redis-durability.ts";
import { explained, passingError } from "./redis-error.ts";
import { type Send, senderOf, textOf } from "./redis-send.ts";
import { parseUrl } from "./redis-url.ts";

export type { IoRedisClient, NodeRedisClient, RedisClient } from "./redis-client.ts";

export interface StorageRedisOptions {
  /**
   * The server, such as `redis://localhost:6379`, `rediss://user:password@host:6380` (TLS) or `redis://host/2` (a database
   * of the server). Connected at the first call, over the package `redis` or, where that is not installed, `ioredis`.
   */
  url?: string;
  /**
   * A client of your own instead of `url`: of `redis` 5 or newer, connected, or of `ioredis` 5 or newer. It is used as it
   * is, with its own time limits and retries, and never closed by this storage.
   */
  client?: RedisClient;
  /**
   * What the names of all keys begin with. Storages with one prefix share what they keep; it must not begin another one's.
   *
   * @default "dotflow:"
   */
  prefix?: string;
  /**
   * Whether an acknowledged write survives a crash of the server, where the server does not tell: managed services refuse
   * `CONFIG GET`. Nothing is asked then, and nothing is checked.
   *
   * @default what the server's configuration says
   */
  durable?: boolean;
}

/** How many keys the server looks at for one page of a listing. It does nothing else meanwhile, for some milliseconds. */
const pageSize = "10000";

/**
 * Keeps checkpoints in a Redis server. Needs the package `redis` or `ioredis`.
 *
 * Whether an acknowledged value survives a crash is up to the server: `durable` is what its configuration says, and
 * `durability` why. A failover to a replica can lose what was acknowledged, whatever the configuration. Nothing ever
 * expires. Several processes may share a server.
 */
export class StorageRedis implements Storage {
  /** What the names of all keys begin with. */
  readonly prefix: string;
  readonly #open: (onEnd: () => void) => Promise<Connection>;
  readonly #stated: Durability | undefined;
  #durability: Durability;
  #connection: Promise<Connection> | undefined;
  #closed = false;

  constructor(options: StorageRedisOptions) {
    const { url, client, prefix = "dotflow:", durable } = options ?? {};
    if ((url === undefined) === (client === undefined))
      throw new TypeError("StorageRedis needs either url, such as redis://localhost:6379, or client.");
    if (typeof prefix !== "string" || prefix === "")
      throw new TypeError('The option prefix of StorageRedis is empty or no text. Give one such as "dotflow:".');
    if (durable !== undefined && typeof durable !== "boolean")
      throw new TypeError("The option durable of StorageRedis is true, false, or left out.");
    if (client === undefined) {
      const server = parseUrl(url);
      this.#open = (onEnd) => openConnection(server, onEnd);
    } else {
      requireClient(client);
      const send = senderOf(client);
      this.#open = async () => ({ send, close() {} });
    }
    this.prefix = prefix;
    this.#stated = durable === undefined ? undefined : stated(durable);
    this.#durability = this.#stated ?? unread;
  }

  /**
   * Whether a value that was acknowledged survives a crash of the server.
   *
   * Read from the server's configuration (`appendonly yes`, `appendfsync always`, `maxmemory-policy noeviction`) with each
   * new connection; `false` before the first call, and where the server does not tell. The option `durable` overrides it.
   */
  get durable(): boolean {
    return this.#durability.durable;
  }

  /** Why it is durable or is not, as a sentence for people. */
  get durability(): string {
    return this.#durability.text;
  }

  /**
   * Connects now rather than with the first call, and gives the storage itself: `await new StorageRedis({ url }).connect()`.
   *
   * From then on `durable` and `durability` say what the server's configuration says.
   */
  async connect(): Promise<this> {
    await this.#sender();
    return this;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const answer = await this.#send("GET", this.#name(key));
    if (answer === null) return undefined;
    if (!Buffer.isBuffer(answer))
      throw new TypeError("The client gave a text where bytes were asked for. Use redis 5 or ioredis 5, or newer.");
    // A copy: the client's bytes may be a part of what it read from the network, and keep all of that in memory.
    return new Uint8Array(answer);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#send("SET", this.#name(key), bytesOf(value));
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    const answer = await this.#send("SET", this.#name(key), bytesOf(value), "NX");
    if (answer !== null && textOf(answer) !== "OK")
      throw new TypeError(`SET gave ${textOf(answer)}, neither OK nor null`);
    return answer !== null;
  }

  async *list(prefix: string): AsyncIterable<string> {
    const send = await this.#sender();
    const pattern = `${escaped(this.#name(prefix))}*`;
    const seen = new Set<string>();
    const scan = async (cursor: string): Promise<[next: string, keys: string[]]> => {
      const [next, names] = (await send("SCAN", cursor, "MATCH", pattern, "COUNT", pageSize)) as [unknown, unknown[]];
      const keys = names.map((name) => textOf(name).slice(this.prefix.length));
      return [textOf(next), keys.filter((key) => seen.size < seen.add(key).size)];
    };
    let [cursor, keys] = await scan("0");
    yield* keys;
    if (cursor === "0") return;
    // A cursor leads through the memory of one process: one that took its place would pass over keys without a word.
    const server = await processOf(send);
    cursor = "0";
    do {
      [cursor, keys] = await scan(cursor);
      yield* keys;
    } while (cursor !== "0");
    if ((await processOf(send)) !== server)
      throw passingError("Redis was started again, or another server took over, within a listing");
  }

  async delete(key: string): Promise<void> {
    await this.#send("UNLINK", this.#name(key));
  }

  /** Ends the connection that this storage made. A client that was handed in stays as it is. */
  async close(): Promise<void> {
    this.#closed = true;
    const connecting = this.#connection;
    this.#connection = undefined;
    const connection = await connecting?.catch(() => undefined);
    connection?.close();
  }

  async #send(...command: Parameters<Send>): Promise<unknown> {
    return (await this.#sender())(...command);
  }

  /** Speaks over one connection: when that ends, whoever holds this gets an error, never another connection. */
  async #sender(): Promise<Send> {
    try {
      this.#connection ??= this.#connect();
      const { send } = await this.#connection;
      return async (...command) => {
        try {
          return await send(...command);
        } catch (error) {
          throw explained(error);
        }
      };
    } catch (error) {
      throw explained(error);
    }
  }

  #connect(): Promise<Connection> {
    const forget = (): void => {
      if (this.#connection === connecting) this.#connection = undefined;
    };
    const connecting = (async (): Promise<Connection> => {
      if (this.#closed) throw new TypeError("This StorageRedis was closed. Make a new one.");
      const connection = await this.#open(forget);
      try {
        this.#durability = this.#stated ?? (await readDurability(connection.send));
      } catch (error) {
        connection.close();
        throw error;
      }
      return connection;
    })();
    connecting.catch(forget);
    return connecting;
  }

  #name(key: string): string {
    return this.prefix + key;
  }
}

/** The same bytes, as the clients take them. */
function bytesOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** In a pattern of Redis these signs stand for others. */
function escaped(text: string): string {
  return text.replace(/[*?[\]\\]/g, String.raw`\$&`);
}

/** What tells a server from the one that was there before it was started again. */
async function processOf(send: Send): Promise<string | undefined> {
  return /^run_id:(\w+)/m.exec(textOf(await send("INFO", "server")))?.[1];
}
