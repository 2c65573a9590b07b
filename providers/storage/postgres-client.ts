// Connections to PostgreSQL: a pool of our own, or a client that was handed in. Runs single statements, each with a time limit.
// What the statements mean is left to postgres.ts and postgres-table.ts, what errors mean to postgres-error.ts.
import { loadPackage } from "../shared/load-package.ts";
import { inTime } from "../shared/time-limit.ts";

/**
 * What is needed of a client that is handed in: a `Pool` or a `Client` of `pg`, a `PGlite`, or anything else with such a
 * `query`. Parameters are texts, `Uint8Array`s, and lists of texts and numbers; `bytea` comes back as `Uint8Array`.
 */
export interface PostgresClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

export type Row = Readonly<Record<string, unknown>>;

export interface Connection {
  readonly query: (text: string, values?: unknown[]) => Promise<readonly Row[]>;
  readonly close: () => Promise<void>;
}

export interface PoolOptions {
  /** What is missing comes from the environment, as in every program that uses `pg`. */
  readonly connectionString: string | undefined;
  /** Milliseconds; 0 leaves the server's own limit. */
  readonly statementTimeout: number;
}

/** Writes take one connection, readings the others. Servers have few to give: 100 in all, if nobody changed it. */
const mostConnections = 5;

/** How long to wait where no limit was given. */
const defaultLimit = 10_000;

/** The server is to notice first: then it is certain that the statement is over. */
const grace = 1_000;

export async function openPool({ connectionString, statementTimeout }: PoolOptions): Promise<Connection> {
  const { default: pg } = await loadPackage("pg", "StoragePostgres", () => import("pg"));
  const limit = statementTimeout || defaultLimit;
  const pool = new pg.Pool({
    ...(connectionString !== undefined && { connectionString }),
    ...(statementTimeout > 0 && { statement_timeout: statementTimeout }),
    // After this the connection is dropped, so that the next attempt gets another one.
    query_timeout: limit + grace,
    connectionTimeoutMillis: limit,
    max: mostConnections,
    keepAlive: true,
    // Idle connections must not keep a program alive that has nothing else to do.
    allowExitOnIdle: true,
    fallback_application_name: "dotflow",
  });
  // A connection that ends while nobody uses it, as when the server is restarted. The pool has dropped it already, but
  // without a listener Node would end the program.
  pool.on("error", () => {});
  return {
    query: async (text, values = []) => rowsOf(await pool.query(text, values)),
    close: () => pool.end(),
  };
}

/** A client that was handed in stays as it is: nothing is set in its sessions, and it is not closed. */
export function useClient(client: PostgresClient, statementTimeout: number): Connection {
  const limit = (statementTimeout || defaultLimit) + grace;
  const late = (seconds: number): string => `PostgreSQL did not answer within ${seconds} seconds`;
  const ask = (text: string, values: unknown[]): Promise<readonly Row[]> =>
    inTime(limit, late, async () => rowsOf(await client.query(text, values)));
  return { query: isPool(client) ? (text, values = []) => ask(text, values) : oneByOne(client, ask), close };

  async function close(): Promise<void> {}
}

/** A single connection has one statement at a time, and none of ours within somebody's transaction: it might be rolled back. */
function oneByOne(
  client: PostgresClient,
  ask: (text: string, values: unknown[]) => Promise<readonly Row[]>,
): Connection["query"] {
  const { getTransactionStatus } = client as { getTransactionStatus?: () => unknown };
  let last: Promise<unknown> = Promise.resolve();
  return (text, values = []) => {
    const turn = last.then(() => {
      if (["T", "E"].includes(String(getTransactionStatus?.call(client))))
        throw new Error("the client is within a transaction; give StoragePostgres a client of its own, or a pool");
      return ask(text, values);
    });
    last = turn.catch(() => {});
    return turn;
  };
}

/** Only pools count their connections. */
function isPool(client: PostgresClient): boolean {
  return typeof (client as { totalCount?: unknown }).totalCount === "number";
}

function rowsOf({ rows }: { readonly rows: readonly unknown[] }): readonly Row[] {
  // Every statement of ours names its columns, and no client is asked for rows as lists.
  return rows as readonly Row[];
}
