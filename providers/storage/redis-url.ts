// Reads the address of a Redis server. Nothing of it, and no password, stands in an error.

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

export function parseUrl(text: unknown): RedisServer {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "redis:" && url?.protocol !== "rediss:") throw wrong("is not the address of a Redis server");
  const database = url.pathname.replace(/^\//, "");
  if (!/^\d{0,4}$/.test(database)) throw wrong("has a path that is not the number of a database");
  if (url.search !== "" || url.hash !== "")
    throw wrong("has something behind its path, which would mean nothing here: make a client with it and hand that in");
  return {
    host: url.hostname.replace(/^\[|\]$/g, "") || "localhost",
    port: url.port === "" ? 6379 : Number(url.port),
    tls: url.protocol === "rediss:",
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(database),
  };
}

function decoded(part: string): string | undefined {
  try {
    return part === "" ? undefined : decodeURIComponent(part);
  } catch {
    throw wrong("has a % in its user name or password that is not encoded: write %25");
  }
}

function wrong(what: string): TypeError {
  return new TypeError(
    `The option url of StorageRedis ${what}. Give one such as redis://localhost:6379, rediss://user:password@host:6380 or redis://host/2.`,
  );
}
