// Makes a storage from its address, for the command line, configuration files and environment variables.
import { fileURLToPath } from "node:url";
import type { Storage } from "../../src/storage.ts";
import { StorageAzure } from "./azure.ts";
import { StorageFile } from "./file.ts";
import { StorageGCS } from "./gcs.ts";
import { StorageMemory } from "./memory.ts";
import { StoragePostgres } from "./postgres.ts";
import { StorageRedis } from "./redis.ts";
import { StorageS3 } from "./s3.ts";
import { StorageSqlite } from "./sqlite.ts";

/**
 * Makes the storage that `address` names. Nothing is connected or written yet; log-ins come from the environment, as the
 * SDK of the storage finds them.
 *
 * | address | storage |
 * |---|---|
 * | `memory:` | `StorageMemory` |
 * | `file:.dotflow`, `file:///var/lib/etl` | `StorageFile` |
 * | `sqlite:etl.db`, `sqlite:///var/lib/etl.db?table=etl` | `StorageSqlite` |
 * | `s3://bucket/prefix?region=eu-central-1&endpoint=https://…&forcePathStyle=true` | `StorageS3` |
 * | `gs://bucket/prefix?apiEndpoint=https://…` | `StorageGCS` |
 * | `az://container/prefix`, log-in by `AZURE_STORAGE_CONNECTION_STRING` | `StorageAzure` |
 * | `postgres://user:password@host/database?schema=public&table=etl` | `StoragePostgres` |
 * | `redis://host:6379/0?prefix=etl:`, `rediss://…` | `StorageRedis` |
 *
 * Throws a `TypeError` for an address that means nothing; its text repeats the scheme at most, as the rest may be secret.
 */
export function openStorage(address: string): Storage {
  const scheme = typeof address === "string" ? /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase() : undefined;
  const open = scheme === undefined ? undefined : openers.get(scheme);
  if (open) return open(address);
  const what = scheme === undefined ? "has no scheme" : `has the scheme "${scheme}:", which is not known`;
  throw new TypeError(
    `The address of the storage ${what}. Give one such as file:.dotflow; it can begin with ${[...openers.keys()].join(":, ")}:.`,
  );
}

const openers = new Map<string, (address: string) => Storage>([
  ["memory", () => new StorageMemory()],
  ["file", (address) => new StorageFile({ folder: pathOf(address) })],
  [
    "sqlite",
    (address) => {
      const [path = "", query] = address.split("?", 2);
      const { table } = named("sqlite", new URLSearchParams(query), ["table"]);
      return new StorageSqlite({ file: pathOf(path), table });
    },
  ],
  [
    "s3",
    (address) => {
      const { place: bucket, prefix, query } = placeOf(address, "bucket");
      const { forcePathStyle, ...options } = named("s3", query, ["region", "endpoint", "forcePathStyle"]);
      return new StorageS3({ bucket, prefix, forcePathStyle: flag("forcePathStyle", forcePathStyle), ...options });
    },
  ],
  [
    "gs",
    (address) => {
      const { place: bucket, prefix, query } = placeOf(address, "bucket");
      return new StorageGCS({ bucket, prefix, ...named("gs", query, ["projectId", "apiEndpoint"]) });
    },
  ],
  [
    "az",
    (address) => {
      const { place: container, prefix, query } = placeOf(address, "container");
      named("az", query, []);
      return new StorageAzure({ container, prefix });
    },
  ],
  ["postgres", openPostgres],
  ["postgresql", openPostgres],
  ["redis", openRedis],
  ["rediss", openRedis],
]);

/** What stands behind `?` and is not ours is for `pg`, such as `sslmode`. */
function openPostgres(address: string): Storage {
  const url = parsed(address);
  const { schema, table } = taken(url, ["schema", "table"]);
  return new StoragePostgres({ connectionString: url.href, schema, table });
}

function openRedis(address: string): Storage {
  const url = parsed(address);
  const { prefix } = taken(url, ["prefix"]);
  return new StorageRedis({ url: url.href, prefix });
}

/** The path behind the scheme: as it stands, or of a file URL. */
function pathOf(address: string): string {
  const colon = address.indexOf(":");
  const path = address.slice(colon + 1);
  if (!path.startsWith("//")) return path;
  try {
    return fileURLToPath(`file:${path}`);
  } catch (cause) {
    const scheme = address.slice(0, colon);
    throw new TypeError(
      `The address of the storage names a machine behind ${scheme}://. Give ${scheme}:folder/name for a path from here, ${scheme}:///folder/name for an absolute one.`,
      { cause },
    );
  }
}

function placeOf(address: string, what: string): { place: string; prefix: string; query: URLSearchParams } {
  const { protocol, host, username, password, pathname, searchParams, hash } = parsed(address);
  if (host === "" || username !== "" || password !== "")
    throw new TypeError(`The address of the storage has no ${what}. Give ${protocol}//${what}/prefix.`);
  if (hash !== "") throw new TypeError(`The address of the storage, ${protocol}, has a # in it: write %23.`);
  try {
    return { place: host, prefix: decodeURIComponent(pathname.slice(1)), query: searchParams };
  } catch (cause) {
    throw new TypeError(
      `The address of the storage, ${protocol}, has a % in its path that is not encoded: write %25.`,
      { cause },
    );
  }
}

function parsed(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  const scheme = address.slice(0, address.indexOf(":"));
  throw new TypeError(
    `The address of the storage behind ${scheme}: can't be read as a URL. Signs such as @ / ? # % in a user name or password must be encoded: %40 %2F %3F %23 %25.`,
  );
}

/** The parameters of `query`, which has no others. */
function named<Name extends string>(
  scheme: string,
  query: URLSearchParams,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const unknown = [...query.keys()].find((name) => !names.some((each) => each === name));
  if (unknown === undefined) return Object.fromEntries(query) as Partial<Record<Name, string>>;
  const has = names.length > 0 ? `It can have ${names.join(", ")}.` : "It can have none.";
  throw new TypeError(`The address of the storage, ${scheme}:, has an unknown parameter "${unknown}". ${has}`);
}

/** Takes parameters out of `url`, and gives them. */
function taken<Name extends string>(url: URL, names: readonly Name[]): Partial<Record<Name, string>> {
  const given: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = url.searchParams.get(name);
    if (value === null) continue;
    given[name] = value;
    url.searchParams.delete(name);
  }
  return given;
}

function flag(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw new TypeError(`The parameter ${name} in the address of the storage must be true or false.`);
}
