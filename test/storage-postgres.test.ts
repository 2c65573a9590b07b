// What is special to PostgreSQL: options, clients, how the table is made, shared commits, its errors. The contract is tested
// in test/contract, faults of the server in storage-postgres-faults.test.ts.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { inspect, promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { Client, Pool, type CustomTypesConfig } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type PostgresClient, StoragePostgres, type StoragePostgresOptions } from "dotflow/storage/postgres";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { postgres, postgresPassword } from "./servers/postgres.ts";
import { freePort } from "./servers/server.ts";
import { sharedServer } from "./servers/shared.ts";
import { keysOf } from "./storages.ts";

const missing = postgres.missing();
const because = missing === undefined ? "" : `, skipped: ${missing}`;
const value = labelled("value", 300);
const secret = "hunter2-not-for-logs";

describe("options", () => {
  it.each<[string, object, string]>([
    ["an empty connectionString", { connectionString: "" }, "The option connectionString of StoragePostgres is none"],
    ["one of something else", { connectionString: `mysql://u:${secret}@host/db` }, "The option connectionString"],
    ["one that can't be read", { connectionString: `postgres://u:#${secret}@host/db` }, "with %-signs for special"],
    ["a number as connectionString", { connectionString: 5432 }, "The option connectionString"],
    ["a client and a connectionString", { client: new Pool(), connectionString: "postgres://h/d" }, "not both"],
    ["a client that is none", { client: {} }, "The option client of StoragePostgres has no query"],
    ["null as client", { client: null }, "The option client of StoragePostgres has no query"],
    ["an empty table", { table: "" }, "The option table of StoragePostgres must be a name"],
    ["SQL as table", { table: 'x"; DROP TABLE users; --' }, "The option table"],
    ["the end of a quoted text as schema", { schema: "x$dotflow$; DROP TABLE users" }, "The option schema"],
    ["a table with its schema", { table: "public.checkpoints" }, "The option table"],
    ["a name that PostgreSQL would cut", { table: "t".repeat(64) }, "of at most 63 characters"],
    ["a time limit that is a text", { statementTimeout: "10s" }, "a whole number of milliseconds"],
    ["a time limit below 0", { statementTimeout: -1 }, "a whole number of milliseconds"],
    ["a durable that is no boolean", { durable: "yes" }, "The option durable of StoragePostgres is true or false"],
  ])("refuse %s", (_, options, message) => {
    const make = (): unknown => new StoragePostgres(options);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(inspect(caught(make), { depth: 9 })).not.toContain(secret);
  });

  it.each([
    "postgresql://user:pass%23word@host:5432/database?sslmode=verify-full",
    "postgres:///database?host=/var/run/postgresql",
    "postgres://user@/database",
    "/var/run/postgresql database",
    "socket:/var/run/postgresql?db=database",
  ])("take %s, without connecting", (connectionString) => {
    expect(new StoragePostgres({ connectionString })).toMatchObject({
      durable: true,
      table: '"public"."dotflow_checkpoints"',
    });
  });
});

describe("the package pg", () => {
  it("is named with the command that installs it where it is missing", async () => {
    const seen = await runScript({ connectionString: "postgres://127.0.0.1:1/none" }, { WITHOUT_PACKAGES: "pg" });
    expect(seen).toMatchObject({ code: "MISSING_PACKAGE" });
    expect(seen["message"]).toBe("StoragePostgres needs the package pg, which is not installed: npm install pg");
  });
});

describe.skipIf(missing)(`over a PostgreSQL server${because}`, () => {
  let connectionString = "";
  let admin: Pool;
  beforeAll(async () => {
    connectionString = await sharedServer("postgres");
    admin = new Pool({ connectionString, max: 8 });
  });
  afterAll(() => admin.end());

  describe("a script", () => {
    it("that never closes the storage ends by itself", async () => {
      const { table } = place();
      expect(await runScript({ connectionString, table })).toEqual({ status: "completed", output: 42 });
    });

    it("finds the server by the environment", async () => {
      const { table } = place();
      const { hostname, port, username, password } = new URL(connectionString);
      const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: "postgres" };
      expect(await runScript({ table }, env)).toEqual({ status: "completed", output: 42 });
      expect(await keysOf(open({ table }))).toHaveLength(4);
    });
  });

  describe("the table", () => {
    it("is made by as many as come at once, with its schema, and all of them share it", async () => {
      const at = { schema: `schema-${randomUUID()}`, table: "Checkpoints-1" };
      onTestFinished(async () => void (await admin.query(`DROP SCHEMA "${at.schema}" CASCADE`)));
      const rivals = Array.from({ length: 16 }, () => open(at));
      const won = await Promise.all(rivals.map((storage, name) => storage.create("job/a", labelled(`${name}`, 300))));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(labelOf(await open(at).get("job/a"))).toBe(String(won.indexOf(true)));
      const { rows } = await admin.query<{ collname: string; lz4: string }>(
        `SELECT collname, (SELECT attcompression FROM pg_attribute WHERE attrelid = c.attrelid AND attname = 'value') AS lz4
         FROM pg_attribute c JOIN pg_collation l ON l.oid = attcollation
         WHERE attrelid = $1::regclass AND attname = 'key'`,
        [`"${at.schema}"."Checkpoints-1"`],
      );
      expect(rows).toEqual([{ collname: "C", lz4: "l" }]);
    });

    it("keeps apart what lies in another table, or in another schema", async () => {
      const [first, second] = [place(), place()];
      await open(first).put("job/a", value);
      expect(await open(second).get("job/a")).toBeUndefined();
      expect(await keysOf(open(second))).toEqual([]);
    });

    it("that this role may not make is refused with the SQL to run, which helps", async () => {
      const { table } = place();
      const storage = open({ table, connectionString: await roleWithout("CREATE") });
      const failure = await failureOf(storage.get("job/a"));
      expect(failure).toMatchObject({ code: "42501", retryable: false });
      const [, commands = ""] = /have its owner run: (.*); \(/s.exec(String(failure)) ?? [];
      await admin.query(commands);
      expect(await storage.create("job/a", value)).toBe(true);
      expect(await keysOf(storage)).toEqual(["job/a"]);
    });

    it("that this role may only read is read, and says which rights a write needs", async () => {
      const { table } = place();
      await open({ table }).put("job/a", value);
      const reader = await roleWithout("CREATE");
      await admin.query(`GRANT SELECT ON "${table}" TO "${new URL(reader).username}"`);
      const storage = open({ table, connectionString: reader });
      expect(labelOf(await storage.get("job/a"))).toBe("value");
      expect(await failureOf(storage.create("job/b", value))).toMatchObject({
        code: "42501",
        retryable: false,
        message: expect.stringContaining("SELECT, INSERT, UPDATE and DELETE on the table"),
      });
    });

    it("of a newer dotflow is left alone", async () => {
      const { table } = place();
      await open({ table }).put("job/a", value);
      await admin.query(`COMMENT ON TABLE "${table}" IS 'dotflow checkpoints, version 2'`);
      expect(await failureOf(open({ table }).put("job/a", value))).toMatchObject({
        retryable: false,
        message: expect.stringMatching(/made by a newer dotflow \(version 2.*update dotflow/),
      });
    });

    it("of somebody else is left alone, and becomes ours when we are told so", async () => {
      const { table } = place();
      await admin.query(`CREATE TABLE "${table}" (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)`);
      const storage = open({ table });
      const failure = await failureOf(storage.create("job/a", value));
      expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining("may be somebody else's") });
      const [command = ""] = /COMMENT ON TABLE .*1'/.exec(String(failure)) ?? [];
      await admin.query(command);
      expect(await storage.create("job/a", value)).toBe(true);
    });

    it("that is unlogged is refused, but where it need not be durable", async () => {
      const { table } = place();
      await open({ table }).put("job/a", value);
      await admin.query(`ALTER TABLE "${table}" SET UNLOGGED`);
      expect(await failureOf(open({ table }).get("job/a"))).toMatchObject({
        message: expect.stringContaining(`ALTER TABLE "public"."${table}" SET LOGGED`),
      });
      const storage = open({ table, durable: false });
      expect([storage.durable, labelOf(await storage.get("job/a"))]).toEqual([false, "value"]);
    });

    it("that was removed while it was in use is not made anew", async () => {
      const { table } = place();
      const storage = open({ table });
      await storage.put("job/a", value);
      await admin.query(`DROP TABLE "${table}"`);
      const gone = {
        code: "42P01",
        retryable: false,
        message: expect.stringContaining("was removed while it was in use"),
      };
      expect(await failureOf(storage.create("job/b", value))).toMatchObject(gone);
      expect(await failureOf(storage.get("job/a"))).toMatchObject(gone);
      expect(await failureOf(keysOf(storage))).toMatchObject(gone);
      expect(await open({ table }).create("job/b", value)).toBe(true);
    });
  });

  describe("a client that is handed in", () => {
    it("is used as it is: nothing is set in its sessions, and it is not closed", async () => {
      const client = new Pool({ connectionString, max: 1, statement_timeout: 54_321, application_name: "mine" });
      onTestFinished(() => client.end());
      const settings = `SELECT name, setting FROM pg_settings WHERE source IN ('session', 'client') ORDER BY name`;
      const before = (await client.query(settings)).rows as unknown[];
      const storage = new StoragePostgres({ client, table: place().table });
      await storage.put("job/a", value);
      await storage.create("job/b", value);
      await storage.delete("job/b");
      await storage.close();
      expect((await client.query(settings)).rows).toEqual(before);
      expect(before).toContainEqual({ name: "statement_timeout", setting: "54321" });
    });

    it("may be a single connection, whose statements then come one by one", async () => {
      const client = await connected();
      const warnings: string[] = [];
      const onWarning = ({ message }: Error): number => warnings.push(message);
      process.on("warning", onWarning);
      onTestFinished(() => void process.off("warning", onWarning));
      const storage = new StoragePostgres({ client, table: place().table });
      const keys = Array.from({ length: 20 }, (_, index) => `job/${index}`);
      await Promise.all(keys.map((key) => storage.create(key, labelled(key, 300))));
      expect(await Promise.all(keys.map(async (key) => labelOf(await storage.get(key))))).toEqual(keys);
      await new Promise((resolve) => setImmediate(resolve));
      expect(warnings).toEqual([]);
    });

    it("is refused while it is within a transaction, which may be rolled back", async () => {
      const client = await connected();
      const storage = new StoragePostgres({ client, table: place().table });
      await client.query("BEGIN");
      await expect(storage.create("job/a", value)).rejects.toThrow("the client is within a transaction");
      await client.query("ROLLBACK");
      expect(await storage.create("job/a", value)).toBe(true);
    });

    it("may give every statement another session, as poolers do in transaction mode", async () => {
      const client: PostgresClient = {
        async query(text, values) {
          const session = await connected(false);
          try {
            return await session.query(text, values);
          } finally {
            await session.end();
          }
        },
      };
      const storage = new StoragePostgres({ client, table: place().table });
      expect(await storage.create("job/a", value)).toBe(true);
      expect(await storage.create("job/a", value)).toBe(false);
      await storage.put("job/b", labelled("new", 300));
      expect([await keysOf(storage), labelOf(await storage.get("job/b"))]).toEqual([["job/a", "job/b"], "new"]);
    });

    it("that gives bytea as a text is refused", async () => {
      const types = { getTypeParser: () => (text: unknown) => text };
      const client = new Pool({ connectionString, max: 1, types: types as unknown as CustomTypesConfig });
      onTestFinished(() => client.end());
      const storage = new StoragePostgres({ client, table: place().table, durable: false });
      await storage.put("job/a", value);
      await expect(storage.get("job/a")).rejects.toThrow("no Uint8Array for a bytea");
    });
  });

  describe("writes that wait at the same time", () => {
    it("share a statement", async () => {
      const { storage, statements } = await counted();
      const keys = Array.from({ length: 500 }, (_, index) => `job/${index}`);
      const won = await Promise.all(keys.map((key) => storage.create(key, labelled(key, 300))));
      expect(won).toEqual(keys.map(() => true));
      expect(statements).toHaveLength(1);
      expect(await Promise.all(keys.map(async (key) => labelOf(await storage.get(key))))).toEqual(keys);
    });

    it("of one key have one winner, which is the first, in one statement", async () => {
      const { storage, statements } = await counted();
      const rivals = Array.from({ length: 64 }, (_, name) => storage.create("job/a", labelled(`${name}`, 300)));
      expect(await Promise.all(rivals)).toEqual(rivals.map((_, name) => name === 0));
      expect(labelOf(await storage.get("job/a"))).toBe("0");
      expect(statements).toHaveLength(2);
    });

    it("of one key are done in their order", async () => {
      const { storage } = await counted();
      const answers = await Promise.all([
        storage.create("job/a", labelled("1", 300)),
        storage.put("job/a", labelled("2", 300)),
        storage.delete("job/a"),
        storage.create("job/a", labelled("3", 300)),
        storage.create("job/a", labelled("4", 300)),
        storage.put("job/b", new Uint8Array()),
        storage.put("job/b", labelled("6", 300)),
        storage.put("job/c", value),
        storage.delete("job/c"),
      ]);
      expect([answers[0], answers[3], answers[4]]).toEqual([true, true, false]);
      expect(labelOf(await storage.get("job/a"))).toBe("3");
      expect(labelOf(await storage.get("job/b"))).toBe("6");
      expect(await keysOf(storage)).toEqual(["job/a", "job/b"]);
    });

    it("do not fail for one among them that can't be kept", async () => {
      const { storage } = await counted();
      const answers = await Promise.allSettled([
        storage.create("job/a", value),
        storage.create("job/\0", value),
        storage.create(`job/${Array.from({ length: 9_000 }, () => randomUUID()).join("")}`, value),
        storage.create("job/b", value),
      ]);
      expect(answers).toMatchObject([
        { value: true },
        { reason: { code: "22021", retryable: false } },
        { reason: { code: "54000", retryable: false } },
        { value: true },
      ]);
      expect(await keysOf(storage)).toEqual(["job/a", "job/b"]);
    });

    it("take their keys in the order of the keys, so that no two processes wait for each other", async () => {
      const storage = open({});
      await keysOf(storage);
      const other = await connected();
      const insert = (key: string): Promise<unknown> =>
        other.query(`INSERT INTO ${storage.table} VALUES ($1, '')`, [key]);
      await other.query("BEGIN");
      await insert("job/a");
      const created = Promise.all(["job/b", "job/a"].map((key) => storage.create(key, value)));
      const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`;
      await expect.poll(async () => (await admin.query(waiting, [`%${storage.table}%`])).rowCount).toBe(1);
      await insert("job/b");
      await other.query("COMMIT");
      expect(await created).toEqual([false, false]);
    });

    /** A storage whose table is there already, and the statements that it sends. */
    async function counted(): Promise<{ storage: StoragePostgres; statements: string[] }> {
      const statements: string[] = [];
      const client: PostgresClient = {
        query: (text, values) => {
          statements.push(text);
          return admin.query(text, values);
        },
      };
      const storage = new StoragePostgres({ client, table: place().table });
      await keysOf(storage);
      statements.length = 0;
      return { storage, statements };
    }
  });

  describe("a statement that takes too long", () => {
    it("is ended by the server, on connections of the storage's own", async () => {
      const storage = open({ statementTimeout: 200 });
      const release = await hold(storage);
      expect(await failureOf(storage.create("job/held", value))).toMatchObject({
        code: "57014",
        retryable: true,
        message: expect.stringContaining("raise statementTimeout"),
      });
      await release();
      expect(await storage.create("job/held", value)).toBe(true);
    });

    it("is not waited for any longer, on a client that was handed in", async () => {
      const storage = new StoragePostgres({ client: admin, table: place().table, statementTimeout: 200 });
      const release = await hold(storage);
      expect(await failureOf(storage.create("job/held", value))).toMatchObject({ code: "ETIMEDOUT" });
      await release();
      await expect.poll(async () => labelOf(await storage.get("job/held"))).toBe("value");
    });

    /** Has another session write the key and not commit: whoever wants to create it has to wait. */
    async function hold(storage: StoragePostgres): Promise<() => Promise<void>> {
      await keysOf(storage);
      const other = await connected();
      await other.query("BEGIN");
      await other.query(`INSERT INTO ${storage.table} VALUES ('job/held', '')`);
      return async () => void (await other.query("ROLLBACK"));
    }
  });

  describe("errors", () => {
    it.each<[string, (url: URL) => void, object]>([
      [
        "a wrong password",
        (url) => (url.password = secret),
        { code: "28P01", retryable: false, message: expect.stringContaining("check connectionString, or PGUSER") },
      ],
      ["an unknown user", (url) => (url.username = "nobody"), { code: "28P01", retryable: false }],
      [
        "a missing database",
        (url) => (url.pathname = "/nowhere"),
        { code: "3D000", retryable: false, message: expect.stringContaining("there is no such database; create it") },
      ],
      [
        "TLS that the server lacks",
        (url) => (url.search = "?sslmode=no-verify"),
        { message: expect.stringContaining("SSL") },
      ],
    ])("say what is wrong with %s, and no secret", async (_, change, expected) => {
      const url = new URL(connectionString);
      change(url);
      const failure = await failureOf(open({ connectionString: url.href }).get("job/a"));
      expect(failure).toMatchObject(expected);
      const all = inspect(failure, { depth: 9, showHidden: true });
      for (const each of [secret, postgresPassword]) expect(all).not.toContain(each);
    });

    it("of a server that is not there can be tried again, and say it once to all who wait", async () => {
      const storage = open({ connectionString: `postgres://u:${secret}@127.0.0.1:${await freePort()}/d` });
      const [failure, other] = await Promise.all([
        failureOf(storage.put("job/a", value)),
        failureOf(storage.get("job/b")),
      ]);
      expect(failure).toMatchObject({ code: "ECONNREFUSED" });
      for (const each of [failure, other]) expect(String(each).split("table").length).toBe(2);
      expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(secret);
    });

    it("of a host that there is not say so", async () => {
      const failure = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere"), { code: "ENOTFOUND" });
      const client = { query: () => Promise.reject(failure) };
      expect(await failureOf(new StoragePostgres({ client }).get("job/a"))).toMatchObject({
        message: expect.stringContaining("there is no such host; check connectionString or PGHOST: getaddrinfo"),
      });
    });

    it("of too many connections can be tried again", async () => {
      const role = await roleWithout("CREATE");
      await admin.query(`ALTER ROLE "${new URL(role).username}" CONNECTION LIMIT 0`);
      expect(await failureOf(open({ connectionString: role }).get("job/a"))).toMatchObject({
        code: "53300",
        retryable: true,
      });
    });

    it("of a database that is read-only say so", async () => {
      const storage = open({ connectionString: `${connectionString}?options=-c%20default_transaction_read_only=on` });
      await open({ table: storage.table.split('"')[3] ?? "" }).put("job/a", value);
      expect(labelOf(await storage.get("job/a"))).toBe("value");
      expect(await failureOf(storage.put("job/a", value))).toMatchObject({
        code: "25006",
        retryable: true,
        message: expect.stringContaining("give the address of the primary"),
      });
    });

    it("follow every call after close", async () => {
      const storage = open({});
      await storage.put("job/a", value);
      await storage.close();
      await storage.close();
      await expect(storage.get("job/a")).rejects.toThrow("This StoragePostgres was closed. Make a new one.");
    });
  });

  function place(): { table: string } {
    const table = `test-${randomUUID()}`;
    onTestFinished(async () => void (await admin.query(`DROP TABLE IF EXISTS "${table}"`)));
    return { table };
  }

  function open(options: StoragePostgresOptions): StoragePostgres {
    const storage = new StoragePostgres({ connectionString, ...(!options.table && place()), ...options });
    onTestFinished(() => storage.close());
    return storage;
  }

  async function connected(ends = true): Promise<Client> {
    const client = new Client({ connectionString });
    await client.connect();
    if (ends) onTestFinished(() => client.end());
    return client;
  }

  /** Gives the connection string of a new role that lacks a right on the schema `public`. */
  async function roleWithout(right: string): Promise<string> {
    const role = `role-${randomUUID()}`;
    await admin.query(`CREATE ROLE "${role}" LOGIN PASSWORD '${secret}'; REVOKE ${right} ON SCHEMA public FROM PUBLIC`);
    onTestFinished(async () => void (await admin.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`)));
    const url = new URL(connectionString);
    url.username = role;
    url.password = secret;
    return url.href;
  }
});

describe("PGlite", () => {
  const database = new PGlite();
  afterAll(() => database.close());

  it("never syncs, so it has to be taken as not durable", async () => {
    expect(await failureOf(new StoragePostgres({ client: database }).get("job/a"))).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/fsync = off.*or say durable: false/),
    });
    const storage = new StoragePostgres({ client: database, durable: false });
    expect([storage.durable, await storage.create("job/a", value)]).toEqual([false, true]);
  });

  it("gives errors without the values that were to be written", async () => {
    const storage = new StoragePostgres({ client: database, durable: false, table: "gone" });
    await storage.put("job/a", value);
    await database.query("DROP TABLE gone");
    const failure = await failureOf(storage.put("job/a", value));
    expect(failure).toMatchObject({ code: "42P01" });
    expect(failure).not.toHaveProperty("params");
  });
});

/** Runs a script of its own, and gives what it said; it has to end by itself as soon as it has said it. */
async function runScript(
  options: StoragePostgresOptions,
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const script = new URL("./children/storage-postgres-once.ts", import.meta.url).pathname;
  const hook = new URL("./children/without-packages.mjs", import.meta.url).href;
  const args = ["--import", "tsx", "--import", hook, script, JSON.stringify(options)];
  const running = promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  // An idle connection that holds the process does so for ten seconds.
  running.child.stdout?.once("data", () => setTimeout(() => running.child.kill(), 7_000).unref());
  const { stdout } = await running;
  return JSON.parse(stdout) as Record<string, unknown>;
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function caught(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
