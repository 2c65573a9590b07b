// Keeps values in one table of a PostgreSQL database: options, the five verbs, and when the table is made.
// Connections are left to postgres-client.ts, the table and its statements to postgres-table.ts, shared commits to postgres-writes.ts.
import type { Storage } from "../../src/storage.ts";
import { type Connection, openPool, type PostgresClient, type Row, useClient } from "./postgres-client.ts";
import { explained } from "./postgres-error.ts";
import { pageSize, prepare, type Statements, statementsOf, type Table, tableOf } from "./postgres-table.ts";
import { Writes } from "./postgres-writes.ts";

export type { PostgresClient } from "./postgres-client.ts";

export interface StoragePostgresOptions {
  /**
   * Where the database is, such as `postgres://user:password@host:5432/database?sslmode=verify-full`. Connected at the
   * first call, over the package `pg`, with up to five connections.
   *
   * @default what PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE of the environment say
   */
  connectionString?: string | undefined;
  /**
   * A client of your own instead: a `Pool` or `Client` of `pg`, a `PGlite`, or anything with such a `query`. Nothing is set
   * in its sessions, and it is never closed by this storage. A pool connects again when the server was restarted, a single
   * client does not; a pool needs a listener for `"error"`, or a restart of the server ends your program.
   */
  client?: PostgresClient;
  /** Where the table lies; made where it is missing. @default "public" */
  schema?: string;
  /** Made at the first call where it is missing. Storages with the same table share what they keep. @default "dotflow_checkpoints" */
  table?: string;
  /**
   * How long a statement may take, in milliseconds. Then it fails, and is tried again for a while.
   *
   * Too short, and large values never get through a slow line; too long, and a connection that hangs leaves no time for
   * another try. On connections of its own the storage has the server end the statement (`statement_timeout`); 0 leaves
   * that out, as poolers such as pgbouncer want it, and the storage itself waits ten seconds. With a client of yours only
   * the storage stops waiting: the statement ends when your client or server says so.
   *
   * @default 10000
   */
  statementTimeout?: number;
  /**
   * `false` takes the server as it is: commits that do not wait for the disk (`synchronous_commit = off`), a server that
   * never syncs (`fsync = off`, as `PGlite` has it), an unlogged table. A crash may then lose acknowledged values.
   *
   * @default true
   */
  durable?: boolean;
}

/**
 * Keeps checkpoints in one table of a PostgreSQL database. Needs the package `pg`, or a client of your own.
 *
 * A value that was acknowledged is committed and on the server's disk; each write sees to that itself, whatever
 * `synchronous_commit` says. Writes that wait at the same time share one transaction. Any number of processes may share the
 * table. A failover to a standby that is not synchronous can lose what was acknowledged last.
 */
export class StoragePostgres implements Storage {
  readonly durable: boolean;
  /** The table as it stands in statements: quoted, with its schema. */
  readonly table: string;
  readonly #table: Table;
  readonly #statements: Statements;
  readonly #writes: Writes;
  readonly #open: () => Promise<Connection>;
  #connection: Promise<Connection> | undefined;
  #prepared: Promise<void> | undefined;
  #closed = false;

  constructor(options: StoragePostgresOptions = {}) {
    const { connectionString, client, schema = "public", table = "dotflow_checkpoints" } = options;
    const { statementTimeout = 10_000, durable = true } = options;
    if (client !== undefined && connectionString !== undefined)
      throw new TypeError("StoragePostgres takes either connectionString or client, not both.");
    if (client !== undefined && typeof (client as Partial<PostgresClient> | null)?.query !== "function")
      throw new TypeError("The option client of StoragePostgres has no query. Give a Pool of pg, or leave it out.");
    if (connectionString !== undefined && !isConnectionString(connectionString))
      throw new TypeError(
        "The option connectionString of StoragePostgres is none. Give one such as postgres://user:password@host:5432/database, with %-signs for special characters in the password.",
      );
    if (!Number.isInteger(statementTimeout) || statementTimeout < 0 || statementTimeout > 0x7fff_0000)
      throw new TypeError(
        "The option statementTimeout of StoragePostgres is a whole number of milliseconds, such as 10000, or 0.",
      );
    if (typeof durable !== "boolean") throw new TypeError("The option durable of StoragePostgres is true or false.");
    this.#table = tableOf(schema, table);
    this.table = this.#table.name;
    this.durable = durable;
    this.#statements = statementsOf(this.#table, durable);
    this.#writes = new Writes((text, values) => this.#query(text, values), this.#statements);
    this.#open =
      client === undefined
        ? () => openPool({ connectionString, statementTimeout })
        : async () => useClient(client, statementTimeout);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#query(this.#statements.get, [key]);
    return row && ownBytes(row["value"]);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#writes.add({ verb: "put", key, value });
  }

  async create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#writes.add({ verb: "create", key, value });
  }

  async *list(prefix: string): AsyncIterable<string> {
    for (let last = "", full = true; full;) {
      const page = await (prefix === ""
        ? this.#query(this.#statements.listAll, [last])
        : this.#query(this.#statements.list, [prefix, behind(prefix), last]));
      for (const { key } of page) yield (last = String(key));
      full = page.length === pageSize;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#writes.add({ verb: "delete", key, value: new Uint8Array() });
  }

  /** Ends the connections that this storage made. A client that was handed in stays open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
  }

  async #query(text: string, values?: unknown[]): Promise<readonly Row[]> {
    if (this.#closed) throw new TypeError("This StoragePostgres was closed. Make a new one.");
    try {
      const connection = await this.#connect();
      await (this.#prepared ??= forgotten(prepare(connection, this.#table, this.durable), () => {
        this.#prepared = undefined;
      }));
      return await connection.query(text, values);
    } catch (error) {
      throw explained(error, this.table);
    }
  }

  #connect(): Promise<Connection> {
    return (this.#connection ??= forgotten(this.#open(), () => {
      this.#connection = undefined;
    }));
  }
}

/** Has a failed attempt forgotten, so that the next call makes another one. */
function forgotten<Result>(attempt: Promise<Result>, forget: () => void): Promise<Result> {
  attempt.catch(forget);
  return attempt;
}

/** The first text that comes after all that begin with `prefix`: `job0` for `job/`. */
function behind(prefix: string): string {
  const last = prefix.length - 1;
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}

/** Bytes that share their memory with nobody. `pg` gives small values as parts of a pool of bytes. */
function ownBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array))
    throw new TypeError("The client gave no Uint8Array for a bytea. Take its type parser for bytea away.");
  const isWhole = value.byteLength === value.buffer.byteLength;
  return isWhole ? new Uint8Array(value.buffer) : new Uint8Array(value);
}

function isConnectionString(text: unknown): boolean {
  if (typeof text !== "string") return false;
  // What `pg` also takes: the folder of a socket, and a database of it.
  if (text.startsWith("/") || text.startsWith("socket:")) return true;
  const url = text.replace("@/", "@host/");
  // A bare # is a sign of the password that was not encoded.
  return /^postgres(ql)?:\/\//.test(url) && URL.canParse(url) && !url.includes("#");
}
