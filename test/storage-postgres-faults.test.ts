// What StoragePostgres keeps when its server is killed, stopped, cut off, full or read-only, also in the middle of a run.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { action, type Context, DotFlow, isDotFlowError, type Storage } from "dotflow";
import { StoragePostgres, type StoragePostgresOptions } from "dotflow/storage/postgres";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { postgres, postgresWith } from "./servers/postgres.ts";
import { type Proxy, startProxy } from "./servers/proxy.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const missing = postgres.missing();
const because = missing === undefined ? "" : `, skipped: ${missing}`;
const value = labelled("value", 300);

describe.skipIf(missing)(`a run over a PostgreSQL server${because}`, { timeout: 120_000 }, () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer(postgres);
  });
  afterAll(() => server.stop());

  it("goes on, or fails and is resumed, when the server is killed and needs a while to come back", async () => {
    const run = new Run(open(server));
    let back: Promise<void> | undefined;
    await run.finish(
      async () => {
        await server.kill();
        back = server.start();
      },
      () => back,
    );
    await back;
    // The storage is asked again for about a second: how long recovery takes is up to the machine.
    await expectFinished(run, run.outcomes.length === 1 ? ["completed"] : ["STORAGE", "completed"]);
  });

  it("fails in time when the server is killed and stays away, and is resumed later", async () => {
    const run = new Run(open(server));
    await run.finish(
      () => server.kill(),
      () => server.start(),
    );
    await expectFinished(run, ["STORAGE", "completed"]);
  });

  it("goes on after a restart that befalls it while all connections are idle", async () => {
    const run = new Run(open(server));
    await run.finish(async () => {
      await server.kill();
      await server.start();
      // The idle connections end now. Without a listener that would end this process.
      await sleep(100);
    });
    await expectFinished(run, ["completed"]);
  });

  it("goes on when the server was stopped for longer than a statement may take", async () => {
    const run = new Run(open(server, { statementTimeout: 300 }));
    await run.finish(() => {
      server.pause();
      void sleep(2_500).then(() => server.resume());
    });
    await expectFinished(run, ["completed"]);
  });

  it("gets a retryable error from a server that was stopped and does not even say that time is up", async () => {
    const storage = open(server, { statementTimeout: 200 });
    await storage.put("job/a", value);
    server.pause();
    try {
      const answers = await Promise.all([failureOf(storage.get("job/a")), failureOf(storage.create("job/b", value))]);
      expect(answers).toMatchObject([{ retryable: true }, { retryable: true }]);
    } finally {
      server.resume();
    }
    expect(labelOf(await storage.get("job/a"))).toBe("value");
  });

  it("goes on when an administrator ends all its connections", async () => {
    const run = new Run(open(server));
    await run.finish(() =>
      asAdmin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dotflow'"),
    );
    await expectFinished(run, ["completed"]);
  });

  describe("through a proxy", () => {
    let proxy: Proxy;
    beforeAll(async () => {
      proxy = await startProxy(server.port);
    });
    afterAll(() => proxy.stop());

    it("goes on when its connections are cut within every step", async () => {
      const run = new Run(open({ port: proxy.port, address: server.address }), names);
      await run.finish(() => proxy.cut());
      await expectFinished(run, ["completed"]);
    });

    it.each([1, 2, 3])("goes on when %i answers are lost whose writes were done", async (count) => {
      const run = new Run(open({ port: proxy.port, address: server.address }));
      const before = proxy.dropped;
      await run.finish(() => proxy.dropAnswers(count));
      expect(proxy.dropped - before).toBe(count);
      await expectFinished(run, ["completed"]);
    });

    it("gives a retryable error, never an answer, where a create's answer was lost", async () => {
      const storage = open({ port: proxy.port, address: server.address });
      await storage.put("job/before", value);
      proxy.dropAnswers(1);
      const failure = await failureOf(storage.create("job/a", value));
      expect(
        (failure as { retryable?: unknown; code?: unknown }).retryable ?? (failure as NodeJS.ErrnoException).code,
      ).toSatisfy((told) => told === true || told === "ECONNRESET");
      await expect.poll(async () => labelOf(await storage.get("job/a"))).toBe("value");
      expect(await storage.create("job/a", value)).toBe(false);
    });

    it("fails in time when nobody lets it connect, and is resumed later", async () => {
      const run = new Run(open({ port: proxy.port, address: server.address }));
      await run.finish(
        () => {
          proxy.refuse(true);
          proxy.cut();
        },
        () => proxy.refuse(false),
      );
      await expectFinished(run, ["STORAGE", "completed"]);
    });
  });

  it("says that the table was removed, and does not make it anew", async () => {
    const storage = open(server);
    const run = new Run(storage);
    const { message } = (await failureOf(run.start(() => asAdmin(`DROP TABLE ${storage.table}`)))) as Error;
    expect(message).toContain("the table was removed while it was in use");
    expect(await asAdmin(`SELECT to_regclass('${storage.table}') AS found`)).toEqual([{ found: null }]);
  });

  it("says that the server became read-only, and is resumed when it no longer is", async () => {
    const run = new Run(open(server));
    const setReadOnly = async (mode: string): Promise<void> => {
      await asAdmin(`ALTER DATABASE postgres SET default_transaction_read_only = ${mode}`);
      await asAdmin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dotflow'");
    };
    onTestFinished(() => setReadOnly("off"));
    await run.finish(
      () => setReadOnly("on"),
      () => setReadOnly("off"),
    );
    await expectFinished(run, ["STORAGE", "completed"]);
    expect(run.messages[0]).toContain("the server takes no writes");
  });

  it("says that the disk is full, and is resumed when there is room", async (test) => {
    const small = await startServer(postgres);
    const disk = mountDisk(test, small, "2m");
    try {
      if (disk === undefined) test.skip("NOT TESTED: a small disk can't be mounted here");
      const storage = open(small);
      await keysOf(storage);
      await ask(small, `CREATE TABLESPACE small LOCATION '${disk}'`);
      await ask(small, `ALTER TABLE ${storage.table} SET TABLESPACE small`);
      await ask(small, `ALTER INDEX "${storage.table.split('"')[3]}_pkey" SET TABLESPACE small`);
      const run = new Run(storage);
      await run.finish(
        () => fill(storage),
        () => execFileSync("mount", ["-o", "remount,size=16m", String(disk)]),
      );
      await expectFinished(run, ["STORAGE", "completed"]);
      expect(run.messages[0]).toContain("the disk of the server is full; free some space");
    } finally {
      await small.kill();
      if (disk !== undefined) execFileSync("umount", [disk]);
      await small.stop();
    }
  });

  /** Opens a table of its own, over the port of the server or of a proxy. */
  function open(
    { port, address }: Pick<Server, "port" | "address">,
    options: StoragePostgresOptions = {},
  ): StoragePostgres {
    const url = new URL(address);
    url.port = String(port);
    const storage = new StoragePostgres({ connectionString: url.href, table: `run-${randomUUID()}`, ...options });
    onTestFinished(() => storage.close());
    return storage;
  }

  async function asAdmin(statement: string): Promise<unknown[]> {
    return ask(server, statement);
  }
});

describe.skipIf(missing)(`a server that need not wait for its disk${because}`, { timeout: 60_000 }, () => {
  // Nothing that is not waited for gets to the disk by itself while the test lasts.
  const lazy = postgresWith({ synchronous_commit: "off", wal_writer_delay: "10s", wal_writer_flush_after: 0 });
  let server: Server;
  beforeAll(async () => {
    server = await startServer(lazy);
  });
  afterAll(() => server.stop());

  it.each(["create", "put"] as const)("keeps what %s acknowledged, when it is killed at once", async (verb) => {
    expect(await labelAfterKill(verb, {})).toBe("value");
  });

  it("keeps what was deleted away, when it is killed at once", async () => {
    const table = await filled();
    const storage = openTable(table);
    await storage.delete("job/a");
    await restart();
    expect(await keysOf(openTable(table))).toEqual([]);
  });

  it("loses it where the storage need not be durable, or the tests above would show nothing", async () => {
    expect(await labelAfterKill("create", { durable: false })).toBeUndefined();
  });

  it("is refused when it never syncs", async () => {
    const careless = await startServer(postgresWith({ fsync: "off" }));
    onTestFinished(() => careless.stop());
    const storage = new StoragePostgres({ connectionString: careless.address });
    onTestFinished(() => storage.close());
    expect(await failureOf(storage.create("job/a", value))).toMatchObject({
      retryable: false,
      message: expect.stringContaining("the server runs with fsync = off"),
    });
  });

  async function labelAfterKill(verb: "create" | "put", options: StoragePostgresOptions): Promise<string | undefined> {
    const table = await filled();
    await openTable(table, options)[verb]("job/b", value);
    await restart();
    return labelOf(await openTable(table).get("job/b"));
  }

  /** A table with one value in it, all of it on the disk. */
  async function filled(): Promise<string> {
    const table = `lazy-${randomUUID()}`;
    await openTable(table).put("job/a", value);
    await ask(server, "CHECKPOINT");
    return table;
  }

  function openTable(table: string, options: StoragePostgresOptions = {}): StoragePostgres {
    const storage = new StoragePostgres({ connectionString: server.address, table, ...options });
    onTestFinished(() => storage.close());
    return storage;
  }

  async function restart(): Promise<void> {
    await server.kill();
    await server.start();
  }
});

/** Five steps in a row, with a fault within some of them, started with `resume` until it has completed. */
class Run {
  readonly #storage: Storage;
  readonly #faultyAt: readonly string[];
  readonly calls: string[] = [];
  /** How each start ended: `completed`, or the code of an error. */
  readonly outcomes: string[] = [];
  readonly messages: string[] = [];
  output: unknown;

  constructor(storage: Storage, faultyAt: readonly string[] = ["third"]) {
    this.#storage = storage;
    this.#faultyAt = faultyAt;
  }

  /** The fault comes in the first start only; `heal` after each start that failed. */
  async finish(fault: () => unknown, heal: () => unknown = () => {}): Promise<void> {
    let next = fault;
    while (!this.outcomes.includes("completed") && this.outcomes.length < 3) {
      try {
        await this.start(next);
        this.outcomes.push("completed");
      } catch (error) {
        if (!isDotFlowError(error)) throw error;
        this.outcomes.push(error.code);
        this.messages.push(error.message);
        await heal();
      }
      next = () => {};
    }
  }

  async start(fault: () => unknown): Promise<void> {
    const workflow = new DotFlow({ workflowId: "job", storage: this.#storage });
    for (const name of names) {
      const step = async (previous: Context<string[] | null>): Promise<string[]> => {
        this.calls.push(name);
        if (this.#faultyAt.includes(name)) await fault();
        return [...(previous.storage ?? []), name];
      };
      workflow.task.add(action({ name }, step));
    }
    const result = await workflow.start({ resume: true });
    this.output = await result.output();
  }

  async recorded(): Promise<string[]> {
    return (await keysOf(this.#storage)).flatMap((key) => key.split("/steps/")[1] ?? []);
  }
}

async function expectFinished(run: Run, outcomes: readonly string[]): Promise<void> {
  expect([run.outcomes, run.messages]).toEqual([outcomes, run.messages]);
  expect(run.output).toEqual(names);
  // What was acknowledged before the fault is never called again; the third step is, where its own record could not be written.
  const repeated = outcomes.length > 1 ? ["third"] : [];
  expect(run.calls.toSorted()).toEqual([...names, ...repeated].toSorted());
  expect((await run.recorded()).toSorted()).toEqual(names.toSorted());
}

const names = ["first", "second", "third", "fourth", "fifth"];

async function ask({ address }: Pick<Server, "address">, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    await client.query("SET default_transaction_read_only = off");
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Bytes that can't be compressed. */
function random(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}

/** Writes until not even a small value finds room. */
async function fill(storage: Storage): Promise<void> {
  for (const size of [60_000, 6_000, 1_000, 100])
    for (let count = 0; (await failureOf(storage.put(`fill/${size}/${count}`, random(size)))) === undefined; count++);
}

/** Gives `undefined`, and skips the test, where this machine lets nobody mount. */
function mountDisk(test: TestContext, { folder }: Server, size: string): string | undefined {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk], { stdio: "pipe" });
  } catch (error) {
    const why = `NOT TESTED: a small disk can't be mounted here (root on Linux is needed): ${(error as Error).message}`;
    console.warn(`${test.task.name}: ${why}`);
    return undefined;
  }
  const { uid, gid } = statSync(folder);
  chownSync(disk, uid, gid);
  chmodSync(disk, 0o700);
  return disk;
}
