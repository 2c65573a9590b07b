// The clients that a user may hand in, by the few methods used. Their types need no package, not even that of Node.

/** A client of `redis` 5 or newer, from `createClient` or `createClientPool`; connected. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Uint8Array)[], options?: { typeMapping?: object }): Promise<unknown>;
}

/** A client of `ioredis` 5 or newer, from `new Redis`. */
export interface IoRedisClient {
  callBuffer(...args: [command: string, ...args: (string | Uint8Array | number)[]]): Promise<unknown>;
}

export type RedisClient = NodeRedisClient | IoRedisClient;

/** Throws a `TypeError` for what is no client, and for clients over which a listing could miss keys. */
export function requireClient(client: unknown): asserts client is RedisClient {
  const give = "Give a client of one server: createClient() of redis 5 or newer, or new Redis() of ioredis 5 or newer.";
  if (typeof client !== "object" || client === null) throw new TypeError(`The option client is no client. ${give}`);
  const { callBuffer, sendCommand, isCluster, options } = client as Record<string, unknown>;
  // Those of a cluster and of a sentinel take the key's node as further arguments.
  const isOneServer = typeof sendCommand === "function" && sendCommand.length <= 2;
  if (isCluster === true || (typeof callBuffer !== "function" && typeof sendCommand === "function" && !isOneServer)) {
    throw new TypeError(
      `The option client is one of several servers (a cluster, or a sentinel of node-redis), over which keys can't be listed without gaps. ${give}`,
    );
  }
  if (typeof callBuffer !== "function" && !isOneServer) throw new TypeError(`The option client is no client. ${give}`);
  if ((options as { keyPrefix?: unknown } | undefined)?.keyPrefix) {
    throw new TypeError(
      "The client has a keyPrefix of its own, which its listings don't know. Give one without it, and use the option prefix of StorageRedis.",
    );
  }
}
