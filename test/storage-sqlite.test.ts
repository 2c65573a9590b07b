// What is special to SQLite: options, files and modes, tables, handles, shared commits. The contract is tested elsewhere, faults in storage-sqlite-faults.test.ts.
import { execFile } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { type SqliteDatabase, type SqliteStatement, StorageSqlite } from "../providers/storage/sqlite.ts";
import { setUpConnection, setUpTables } from "../providers/storage/sqlite-schema.ts";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { keysOf, placeForEach, row } from "./children/storage-sqlite-place.ts";

const onWindows = process.platform === "win32";
const value = labelled("value", 300);
const place = placeForEach();

/** A database that is no database of ours in one way or another. */
const notADatabase = (given: unknown): SqliteDatabase => given as SqliteDatabase;

describe("a StorageSqlite", () => {
  it("lies in .dotflow/checkpoints.db of the working directory unless told otherwise", () => {
    expect(new StorageSqlite().file).toBe(resolve(".dotflow/checkpoints.db"));
    expect(new StorageSqlite({ file: "some/where.db" }).file).toBe(resolve("some/where.db"));
    expect(new StorageSqlite().durable).toBe(true);
  });

  it.each([
    [{ file: "" }, "The option file of StorageSqlite is empty"],
    [{ file: ":memory:" }, "Use StorageMemory"],
    [{ file: "file:a.db?mode=ro" }, "Give a path instead of a URL"],
    [{ table: "" }, "The option table of StorageSqlite"],
    [{ table: 'a"; DROP TABLE b' }, "The option table of StorageSqlite"],
    [{ table: "sqlite_a" }, "The option table of StorageSqlite"],
    [{ table: "a".repeat(61) }, "The option table of StorageSqlite"],
    [{ busyTimeout: -1 }, "The option busyTimeout of StorageSqlite is -1"],
    [{ busyTimeout: Number.NaN }, "The option busyTimeout of StorageSqlite is NaN"],
    [{ database: notADatabase({}) }, "is no open database of node:sqlite or better-sqlite3"],
    [{ database: notADatabase(null) }, "is no open database of node:sqlite or better-sqlite3"],
    [
      { database: notADatabase({ exec() {}, close() {}, prepare: () => ({ all: () => Promise.resolve([]) }) }) },
      "which answer without promises",
    ],
  ])("refuses the options %j", (options, message) => {
    expect(() => new StorageSqlite(options)).toThrow(TypeError);
    expect(() => new StorageSqlite(options)).toThrow(message);
  });

  it("refuses a file beside a database", async () => {
    const database = await place.database(join(place.base, "own.db"));
    expect(() => new StorageSqlite({ file: "a.db", database })).toThrow("was given both file and database");
  });

  it("makes nothing before the first value", async () => {
    expect(await place.storage.get("job/a")).toBeUndefined();
    expect(await keysOf(place.storage)).toEqual([]);
    expect(fs.readdirSync(place.base)).toEqual([]);
    await place.storage.put("job/a", value);
    expect(labelOf(await place.storage.get("job/a"))).toBe("value");
  });

  it.skipIf(onWindows)("keeps its folder and files for its owner only", async () => {
    await place.storage.create("job/a", value);
    const modes = ["", "-wal", "-shm"].map((end) => fs.statSync(place.file + end).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(fs.statSync(dirname(place.file)).mode & 0o777).toBe(0o700);
  });

  it.skipIf(onWindows)("leaves the mode of a file that was there", async () => {
    fs.mkdirSync(dirname(place.file));
    fs.writeFileSync(place.file, "", { mode: 0o640 });
    await place.storage.create("job/a", value);
    expect(fs.statSync(place.file).mode & 0o777).toBe(0o640);
  });

  it("leaves one file when it is closed, and answers no call after it", async () => {
    await place.storage.create("job/a", value);
    await place.storage.close();
    expect(fs.readdirSync(dirname(place.file))).toEqual([basename(place.file)]);
    await expect(place.storage.get("job/a")).rejects.toThrow("was closed");
    await expect(place.storage.create("job/b", value)).rejects.toThrow("was closed");
    expect(labelOf(await place.another().get("job/a"))).toBe("value");
  });

  it("syncs every commit, also in a file that was there", async () => {
    for (let opened = 0; opened < 2; opened++) {
      const database = await place.database(join(place.base, "plain.db"));
      setUpConnection(database);
      expect(row(database, "PRAGMA synchronous")).toEqual({ synchronous: 2 });
      expect(row(database, "PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
      expect(row(database, "PRAGMA fullfsync")).toEqual({ fullfsync: 1 });
      expect(row(database, "PRAGMA checkpoint_fullfsync")).toEqual({ checkpoint_fullfsync: 1 });
      database.exec("CREATE TABLE IF NOT EXISTS a (b)");
    }
  });

  it("lets the process end by itself, closed or not", async () => {
    const program = join(import.meta.dirname, "children", "storage-sqlite-exit.ts");
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program, place.file]);
    expect(stdout).toBe("completed\n");
    expect(await keysOf(place.storage, "job/runs/")).toHaveLength(3);
  });

  it("names both drivers where this Node has none", async () => {
    const program = join(import.meta.dirname, "children", "storage-sqlite-exit.ts");
    const without = new URL("children/without-packages.mjs", import.meta.url).href;
    const old = "data:text/javascript,process.getBuiltinModule = () => undefined";
    const run = promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--import", without, "--import", old, program, place.file],
      { env: { ...process.env, WITHOUT_PACKAGES: "better-sqlite3" } },
    );
    const { stderr } = await run.then(
      () => ({ stderr: "" }),
      (error: { stderr: string }) => error,
    );
    expect(stderr).toMatch(/MissingPackageError.*node:sqlite, which is built into Node from 22\.13 on/);
    expect(stderr).toMatch(/npm install better-sqlite3/);
    expect(fs.readdirSync(place.base)).toEqual([]);
  });
});

describe("values", () => {
  it("belong to the caller, before and after", async () => {
    const given = labelled("given", 300);
    await place.storage.put("job/a", given);
    given.fill(0);
    const found = await place.storage.get("job/a");
    expect(found?.constructor).toBe(Uint8Array);
    expect(labelOf(found)).toBe("given");
    found?.fill(0);
    expect(labelOf(await place.storage.get("job/a"))).toBe("given");
  });

  it("that are larger than SQLite keeps are refused, and those that wait beside them are not", async () => {
    const large = new Uint8Array(1_000_000_000);
    const answers = await Promise.allSettled([
      place.storage.create("job/a", value),
      place.storage.create("job/large", large),
      place.storage.put("job/large", large),
      place.storage.create("job/b", value),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(answers[1]).toMatchObject({ reason: { message: expect.stringContaining("has 1000000000 bytes") } });
    expect(await keysOf(place.storage)).toEqual(["job/a", "job/b"]);
  });
});

describe("a value that is none", () => {
  it("fails alone, and leaves no transaction open", async () => {
    const none = { byteLength: 1 } as Uint8Array; // As plain JavaScript could hand over.
    const answers = await Promise.allSettled([
      place.storage.create("job/a", value),
      place.storage.create("job/none", none),
      place.storage.create("job/b", value),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await expect(place.storage.create("job/none", none)).rejects.toBeInstanceOf(Error);
    expect(await place.storage.create("job/c", value)).toBe(true);
    expect(await keysOf(place.storage)).toEqual(["job/a", "job/b", "job/c"]);
  });
});

describe("keys", () => {
  it("are compared byte by byte: no sign of a pattern and no case has a meaning", async () => {
    const keys = ["a%/1", "a*/1", "a-b/1", "a/1", "aB/1", "a_b/1", "ab/1", "axb/1"];
    for (const key of keys) expect(await place.storage.create(key, labelled(key, 50))).toBe(true);
    for (const key of keys) {
      expect(labelOf(await place.storage.get(key))).toBe(key);
      expect(await keysOf(place.storage, key.slice(0, -1))).toEqual([key]);
    }
    await place.storage.delete("A/1");
    expect(await keysOf(place.storage)).toEqual(keys);
    expect(await keysOf(place.storage, "a")).toEqual(keys);
  });

  it("are listed in a database whose texts are UTF-16", async () => {
    const database = await place.database(join(place.base, "utf16.db"));
    database.exec("PRAGMA encoding = 'UTF-16le'");
    const storage = new StorageSqlite({ database });
    for (const key of ["a/1", "a/2", "a0/1", "a-/1", "b/1"]) await storage.create(key, value);
    expect(row(database, "PRAGMA encoding")).toEqual({ encoding: "UTF-16le" });
    expect(await keysOf(storage, "a/")).toEqual(["a/1", "a/2"]);
    expect(await keysOf(storage)).toHaveLength(5);
  });

  it("are listed a page at a time, with nothing held between two pages", async () => {
    const keys = Array.from({ length: 2_001 }, (_, index) => `job/${String(index).padStart(5, "0")}`);
    await Promise.all(keys.map((key) => place.storage.create(key, value)));
    const found: string[] = [];
    const database = await place.database();
    for await (const key of place.storage.list("job/")) {
      if (found.push(key) % 500 !== 0) continue;
      // Cuts the log, which a listing that holds an old state would not let happen.
      expect(row(database, "PRAGMA wal_checkpoint(TRUNCATE)")).toEqual({ busy: 0, log: 0, checkpointed: 0 });
      await place.storage.put("job/00000", value);
    }
    expect(found.toSorted()).toEqual(keys);
  });
});

describe("tables", () => {
  it("of different names in one file don't meet", async () => {
    const other = place.another({ file: place.file, table: "other" });
    await place.storage.create("job/a", labelled("first", 50));
    expect(await other.create("job/a", labelled("second", 50))).toBe(true);
    await other.delete("job/a");
    expect(labelOf(await place.storage.get("job/a"))).toBe("first");
    expect(await keysOf(other)).toEqual([]);
  });

  it("that another process makes in the last moment are used", async () => {
    const file = join(place.base, "raced.db");
    const [inner, other] = [await place.database(file), await place.database(file)];
    const database: SqliteDatabase = {
      exec(sql) {
        if (sql === "BEGIN IMMEDIATE" && other.prepare("SELECT 1 FROM sqlite_master").all().length === 0)
          setUpTables(other, "dotflow");
        return inner.exec(sql);
      },
      prepare: (sql) => inner.prepare(sql),
      close: () => inner.close(),
    };
    expect(await new StorageSqlite({ database }).create("job/a", value)).toBe(true);
  });

  it("that are not ours are refused and left as they are", async () => {
    const database = await place.database(join(place.base, "theirs.db"));
    database.exec("CREATE TABLE Orders (id); INSERT INTO Orders VALUES (1)");
    const storage = new StorageSqlite({ database, table: "orders" });
    await expect(storage.create("job/a", value)).rejects.toThrow(/table "orders" that is not of dotflow/);
    expect(database.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "Orders" }]);
  });

  it("of a newer dotflow are refused and left as they are", async () => {
    await place.storage.create("job/a", value);
    const database = await place.database();
    database.exec("UPDATE dotflow_schema SET version = 2");
    const later = place.another();
    const calls = [later.get("job/a"), later.create("job/b", value), keysOf(later), later.delete("job/a")];
    for (const call of await Promise.allSettled(calls)) {
      const message = expect.stringContaining("has version 2, and this dotflow knows version 1. Update dotflow");
      expect(call).toMatchObject({ status: "rejected", reason: { message } });
    }
    database.exec("UPDATE dotflow_schema SET version = 1");
    expect(await keysOf(later)).toEqual(["job/a"]);
  });
});

describe("writes that wait at the same time", () => {
  it("share a commit", async () => {
    const { database, commits } = await countingCommits();
    const storage = new StorageSqlite({ database });
    await storage.create("job/first", value);
    const before = commits();
    const keys = Array.from({ length: 64 }, (_, index) => `job/${index}`);
    const created = await Promise.all([...keys, ...keys].map((key) => storage.create(key, value)));
    expect(created.filter(Boolean)).toHaveLength(64);
    expect(commits() - before).toBe(1);
    await storage.put("job/1", labelled("alone", 50));
    expect(commits() - before).toBe(2);
  });

  it("take effect in their order", async () => {
    const { storage } = place;
    const answers = await Promise.all([
      storage.create("job/a", labelled("1", 50)),
      storage.delete("job/a"),
      storage.create("job/a", labelled("2", 50)),
      storage.create("job/a", labelled("3", 50)),
      storage.put("job/b", labelled("4", 50)),
      storage.create("job/b", labelled("5", 50)),
    ]);
    expect(answers.filter((answer) => typeof answer === "boolean")).toEqual([true, true, false, false]);
    expect(labelOf(await storage.get("job/a"))).toBe("2");
    expect(labelOf(await storage.get("job/b"))).toBe("4");
  });

  it("of several storages over one file have one winner a key", async () => {
    const storages = [place.storage, place.another(), place.another(), place.another()];
    for (let round = 0; round < 5; round++) {
      const rivals = Array.from({ length: 64 }, (_, index) => `rival-${index}`);
      const created = await Promise.all(
        rivals.map(async (name, index) => storages[index % 4]?.create(`job/${round}`, labelled(name, 300))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(labelOf(await place.storage.get(`job/${round}`))).toBe(rivals[created.indexOf(true)]);
    }
  });

  /** A database of ours whose commits are counted. */
  async function countingCommits(): Promise<{ database: SqliteDatabase; commits: () => number }> {
    const inner = await place.database(join(place.base, "counted.db"));
    let count = 0;
    const counted = (statement: SqliteStatement): SqliteStatement => ({
      get: (...values) => statement.get(...values),
      all: (...values) => statement.all(...values),
      run(...values) {
        count++;
        return statement.run(...values);
      },
    });
    const database: SqliteDatabase = {
      exec: (sql) => inner.exec(sql),
      prepare: (sql) => (sql === "COMMIT" ? counted(inner.prepare(sql)) : inner.prepare(sql)),
      close: () => inner.close(),
    };
    return { database, commits: () => count };
  }
});

describe("a database that is handed in", () => {
  it("is used, made durable, and not closed", async () => {
    const database = await place.database(join(place.base, "own.db"));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE mine (a)");
    const storage = new StorageSqlite({ database, table: "checkpoints" });
    expect(storage.durable).toBe(true);
    expect(storage.file && fs.realpathSync(storage.file)).toBe(fs.realpathSync(join(place.base, "own.db")));
    await storage.create("job/a", value);
    await storage.close();
    expect(row(database, "PRAGMA synchronous")).toEqual({ synchronous: 2 });
    database.exec("INSERT INTO mine VALUES (1)");
    expect(labelOf(await new StorageSqlite({ database, table: "checkpoints" }).get("job/a"))).toBe("value");
  });

  it("keeps its journal mode; without a log the folder is synced too", async () => {
    const database = await place.database(join(place.base, "own.db"));
    database.exec("PRAGMA journal_mode = DELETE");
    await new StorageSqlite({ database }).create("job/a", value);
    expect(row(database, "PRAGMA journal_mode")).toEqual({ journal_mode: "delete" });
    expect(row(database, "PRAGMA synchronous")).toEqual({ synchronous: 3 });
  });

  it("is refused with a journal in memory, without which a killed process would damage it", async () => {
    const database = await place.database(join(place.base, "own.db"));
    database.exec("PRAGMA journal_mode = MEMORY");
    await expect(new StorageSqlite({ database }).create("job/a", value)).rejects.toThrow("has journal_mode memory");
  });

  it("works in memory, and does not call itself durable", async () => {
    const storage = new StorageSqlite({ database: await place.database(":memory:") });
    expect(storage.durable).toBe(false);
    expect(storage.file).toBeUndefined();
    expect(await storage.create("job/a", value)).toBe(true);
    expect(await storage.create("job/a", value)).toBe(false);
    expect(await keysOf(storage)).toEqual(["job/a"]);
  });

  it("takes no write into a transaction of its owner, who could undo it", async () => {
    const database = await place.database(join(place.base, "own.db"));
    const storage = new StorageSqlite({ database });
    await storage.create("job/a", value);
    database.exec("CREATE TABLE mine (a); BEGIN; INSERT INTO mine VALUES (1)");
    await expect(storage.create("job/b", value)).rejects.toThrow("cannot start a transaction within a transaction");
    database.exec("COMMIT");
    expect(database.prepare("SELECT a FROM mine").all()).toEqual([{ a: 1 }]);
    expect(await storage.create("job/b", value)).toBe(true);
  });
});

describe("a network file system", () => {
  const { statfsSync } = fs;

  afterEach(() => {
    fs.statfsSync = statfsSync;
    syncBuiltinESMExports();
  });

  it.skipIf(process.platform !== "linux")("is refused, since processes share the file by memory", async () => {
    const networked = Object.assign(statfsSync(place.base), { type: 0x6969 });
    Object.assign(fs, { statfsSync: () => networked });
    syncBuiltinESMExports();
    await expect(place.storage.create("job/a", value)).rejects.toThrow(/checkpoints\.db" on NFS.*Use a disk of this/);
    expect(fs.readdirSync(dirname(place.file))).toEqual([]);
  });
});
