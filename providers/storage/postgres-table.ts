// The table: its name, its statements, how it is made, and whether it is ours and its server keeps what it acknowledges.
// When the statements are run is left to postgres.ts and postgres-writes.ts.
import type { Connection, Row } from "./postgres-client.ts";

export interface Table {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly schema: string;
}

/** Raised with every change of the columns. It stands in the comment of the table. */
const version = 1;

/** What PostgreSQL takes, without what needs care in quotes. */
const plainName = /^[a-z_][a-z0-9_-]{0,62}$/i;

export function tableOf(schema: string, table: string): Table {
  for (const [option, name] of Object.entries({ schema, table })) {
    if (typeof name !== "string" || !plainName.test(name))
      throw new TypeError(
        `The option ${option} of StoragePostgres must be a name of letters, digits, _ and -, of at most 63 characters, such as "dotflow".`,
      );
  }
  return { name: `"${schema}"."${table}"`, schema: `"${schema}"` };
}

export interface Statements {
  readonly get: string;
  /** Of `[prefix, what comes behind it, the last key of the page before]`. */
  readonly list: string;
  /** Of `[the last key of the page before]`. */
  readonly listAll: string;
  readonly create: Insert;
  readonly put: Insert;
  /** Of `[keys]`. */
  readonly delete: string;
}

export interface Insert {
  /** Of `[key, value]`. */
  readonly one: string;
  /** Of `[keys, where each value begins in the bytes, how long it is, bytes]`. */
  readonly many: string;
}

/** The most keys of one page of a listing. */
export const pageSize = 1_000;

/** Their texts never change, so that whoever watches the server sees few of them. */
export function statementsOf({ name }: Table, durable: boolean): Statements {
  const wait = durable ? synced : "true";
  const page = `ORDER BY key LIMIT ${pageSize}`;
  // Values go as bytes, one behind the other: as a list of `bytea` they would go as text, of twice the size.
  const insert = (conflict: string): Insert => ({
    one: `INSERT INTO ${name} (key, value) SELECT $1::text, $2::bytea WHERE ${wait} ${conflict}`,
    many: `INSERT INTO ${name} (key, value)
      SELECT key, substring($4::bytea FROM start FOR length)
      FROM unnest($1::text[], $2::int[], $3::int[]) AS given (key, start, length)
      WHERE ${wait} ${conflict}`,
  });
  return {
    get: `SELECT value FROM ${name} WHERE key = $1`,
    list: `SELECT key FROM ${name} WHERE key >= $1 AND key < $2 AND key > $3 ${page}`,
    listAll: `SELECT key FROM ${name} WHERE key > $1 ${page}`,
    create: insert("ON CONFLICT (key) DO NOTHING RETURNING key"),
    put: insert("ON CONFLICT (key) DO UPDATE SET value = excluded.value"),
    delete: `DELETE FROM ${name} WHERE key = ANY($1::text[]) AND ${wait}`,
  };
}

/**
 * Makes the transaction of its statement, and no other, wait for the disk, whatever role, database or server say. What is
 * stronger than `on` stays, such as `remote_apply`.
 */
const synced = `CASE current_setting('synchronous_commit')
  WHEN 'off' THEN set_config('synchronous_commit', 'on', true) = 'on' ELSE true END`;

/** Makes the table where it is missing. Rejects where what is there can't be used. */
export async function prepare({ query }: Connection, table: Table, durable: boolean): Promise<void> {
  const look = async (): Promise<Row> => (await query(looking, [table.name]))[0] ?? {};
  let found = await look();
  if (found["replica"] === true) throw refusal("25006", "the server is a replica");
  if (durable && found["fsync"] === "off") throw refusal(undefined, notSyncing);
  if (found["kind"] === null) {
    try {
      await query(creating(table));
    } catch (error) {
      throw explainedCreation(error, table, String(found["role"]));
    }
    found = await look();
  }
  if (durable && found["kind"] === "u")
    throw refusal(
      undefined,
      `${table.name} is an unlogged table, which a crash empties: ALTER TABLE ${table.name} SET LOGGED`,
    );
  requireVersion(found["comment"], table);
}

const looking = `SELECT current_setting('fsync') AS fsync, pg_is_in_recovery() AS replica, current_user AS role,
    (SELECT relpersistence::text FROM pg_class WHERE oid = given.oid) AS kind,
    obj_description(given.oid, 'pg_class') AS comment
  FROM (SELECT to_regclass($1)::oid AS oid) AS given`;

const notSyncing =
  "the server runs with fsync = off, so that a crash of its machine loses what it acknowledged; turn it on, or say durable: false";

/** Two processes may come at once: the second waits, and finds the table there. */
function creating({ name, schema }: Table): string {
  return `DO $dotflow$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('dotflow ${name}', 0));
    IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA ${schema}; END IF;
    IF to_regclass('${name}') IS NULL THEN
      ${columns(name)};
      ${comment(name)};
      BEGIN
        -- Several times faster than the usual compression. Not every server was built with it.
        EXECUTE 'ALTER TABLE ${name} ALTER COLUMN value SET COMPRESSION lz4';
      EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN NULL;
      END;
    END IF;
  END $dotflow$`;
}

/** `COLLATE "C"` orders by bytes, so that a listing is one range of the index in every locale. */
function columns(name: string): string {
  return `CREATE TABLE ${name} (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)`;
}

function comment(name: string): string {
  return `COMMENT ON TABLE ${name} IS 'dotflow checkpoints, version ${version}'`;
}

function explainedCreation(error: unknown, { name, schema }: Table, role: string): unknown {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== "42501") return error;
  const grantee = `"${role.replaceAll('"', '""')}"`;
  const commands = [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    columns(name),
    comment(name),
    `GRANT USAGE ON SCHEMA ${schema} TO ${grantee}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name} TO ${grantee}`,
  ];
  const message = `the table ${name} is missing and this role may not make it; have its owner run: ${commands.join("; ")}; (${error.message})`;
  return Object.assign(error, { message, retryable: false });
}

function requireVersion(found: unknown, { name }: Table): void {
  const saved = /^dotflow checkpoints, version (\d+)/.exec(String(found))?.[1];
  if (saved === undefined)
    throw refusal(
      undefined,
      `${name} has no comment of dotflow and may be somebody else's; choose another table, or say that it is yours: ${comment(name)}`,
    );
  if (Number(saved) > version)
    throw refusal(undefined, `${name} was made by a newer dotflow (version ${saved} of the table); update dotflow`);
}

function refusal(code: string | undefined, message: string): Error {
  return Object.assign(new Error(message), code === undefined ? { retryable: false } : { code });
}
