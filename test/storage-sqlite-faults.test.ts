// What StorageSqlite keeps when processes race or are killed, locks are held, disks are full or read-only, and files go.
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, type TestContext } from "vitest";
import { StorageError } from "dotflow";
import { StorageSqlite } from "../providers/storage/sqlite.ts";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { pipeline, pipelineOutput, pipelineTasks } from "./children/guarantee-pipeline.ts";
import { ask, keysOf, placeForEach, row, start } from "./children/storage-sqlite-place.ts";
import type { StormReport } from "./children/storage-sqlite-storm.ts";

const value = labelled("value", 300);
const place = placeForEach();

describe("processes", () => {
  it("that open a new file at the same moment make it once", async () => {
    const rounds = 12;
    const names = Array.from({ length: 8 }, (_, index) => `process-${index}`);
    const children = await Promise.all(names.map((name) => start("opener", place.base, name, `${rounds}`)));
    const first = String(Date.now() + 200);
    const answers = await Promise.all(children.map((child) => ask<[own: boolean, all: boolean][]>(child, first)));
    for (let round = 0; round < rounds; round++) {
      expect(answers.map((answer) => answer[round]?.[0])).toEqual(names.map(() => true));
      const winners = names.filter((_, index) => answers[index]?.[round]?.[1]);
      expect(winners).toHaveLength(1);
      const storage = place.another({ file: join(place.base, `${round}`, "checkpoints.db") });
      expect(await keysOf(storage, "own/")).toEqual(names.map((name) => `own/${name}`));
      expect(Buffer.from((await storage.get("all/one")) ?? []).toString()).toBe(winners[0]);
    }
  });

  it("that write and list without a pause don't keep each other from it", async () => {
    await place.storage.create("job/first", value);
    const names = ["a", "b", "c", "d"];
    const children = await Promise.all(names.map((name) => start("storm", place.file, name, "60")));
    const reports: StormReport[] = [];
    const ended = Promise.all(
      children.map(async (child) => {
        child.on("message", (report: StormReport) => reports.push(report));
        child.send("go");
        const [[code]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
        return code as number | null;
      }),
    );
    let isOver = false;
    void ended.then(() => (isOver = true));
    while (!isOver) {
      await keysOf(place.storage, "a/steps/");
      await place.storage.put("job/renewal", value);
    }
    expect(await ended).toEqual([0, 0, 0, 0]);
    expect(reports).toHaveLength(4 * 60 * 15);
    expect(await keysOf(place.storage, "")).toHaveLength(2 + 4 * (60 * 13 + 2));
  });

  it.each([1, 20, 75, 200])(
    "that are killed in the middle of a commit lose nothing acknowledged, after %i writes",
    async (writes) => {
      const children = await Promise.all(["a", "b"].map((name) => start("storm", place.file, name)));
      const acknowledged = new Map<string, number>();
      await Promise.all(children.map((child) => killAfter(child, writes, acknowledged)));
      expect(acknowledged.size).toBeGreaterThanOrEqual(Math.min(writes, 10));
      const successor = place.another();
      for (const key of await keysOf(successor)) expect(labelOf(await successor.get(key))).toMatch(/^\d+$/);
      for (const [key, turn] of acknowledged) {
        const kept = Number(labelOf(await successor.get(key)));
        if (key.endsWith("progress")) expect(kept).toBeGreaterThanOrEqual(turn);
        else expect([key, kept]).toEqual([key, turn]);
      }
      expect(await successor.create("a/after", value)).toBe(true);
      expect(row(await place.database(), "PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
    },
  );

  async function killAfter(child: ChildProcess, writes: number, acknowledged: Map<string, number>): Promise<void> {
    let count = 0;
    child.on("message", ({ key, turn }: StormReport) => {
      acknowledged.set(key, Math.max(turn, acknowledged.get(key) ?? 0));
      if (++count === writes) child.kill("SIGKILL");
    });
    child.send("go");
    await once(child, "exit");
  }
});

describe("a lock of another process", () => {
  it("is waited for, while the event loop goes on", async () => {
    await place.storage.create("job/a", value);
    const other = await start("lock", place.file);
    await ask(other, "BEGIN IMMEDIATE");
    let isDone = false;
    const created = place.storage.create("job/b", value).finally(() => (isDone = true));
    for (let turn = 0; turn < 10; turn++) await sleep(20);
    expect(isDone).toBe(false);
    expect(labelOf(await place.storage.get("job/a"))).toBe("value");
    await ask(other, "COMMIT");
    expect(await created).toBe(true);
  });

  it("that is held for too long fails the call, which says so and is retryable", async () => {
    await place.storage.create("job/a", value);
    const other = await start("lock", place.file);
    await ask(other, "BEGIN IMMEDIATE");
    const impatient = place.another({ file: place.file, busyTimeout: 60 });
    const calls = [impatient.create("job/b", value), impatient.put("job/a", value), impatient.delete("job/a")];
    for (const call of await Promise.allSettled(calls)) {
      const message = expect.stringMatching(
        /another process holds the write lock for too long.*SQLITE_BUSY.*checkpoints/,
      );
      expect(call).toMatchObject({ status: "rejected", reason: { retryable: true, message } });
    }
    expect(await keysOf(impatient)).toEqual(["job/a"]);
    await ask(other, "ROLLBACK");
    expect(await impatient.create("job/b", value)).toBe(true);
  });

  it("for reading holds up no write", async () => {
    await place.storage.create("job/a", value);
    const other = await start("lock", place.file);
    await ask(other, "BEGIN");
    await ask(other, "SELECT * FROM dotflow");
    for (let step = 0; step < 50; step++) expect(await place.storage.create(`job/${step}`, value)).toBe(true);
    // The log can't be cut while it is read, and is when the reader has ended.
    const megabyte = 1024 * 1024;
    const logSize = (): number => fs.statSync(`${place.file}-wal`).size;
    for (const key of ["job/large", "job/larger"]) await place.storage.put(key, labelled(key, 18 * megabyte));
    expect(logSize()).toBeGreaterThan(36 * megabyte);
    await ask(other, "COMMIT");
    await place.storage.put("job/largest", labelled("largest", 18 * megabyte));
    expect(logSize()).toBe(0);
    expect(await keysOf(place.storage)).toHaveLength(54);
  });

  it("that outlasts a run fails it, and the resumed one calls only what is missing", async () => {
    const storage = place.another({ file: place.file, busyTimeout: 20 });
    await storage.put("first/a", value);
    const other = await start("lock", place.file);
    const called: string[] = [];
    const run = pipeline({ workflowId: "job", storage }, async (taskId) => {
      called.push(taskId);
      if (taskId === "join") await ask(other, "BEGIN IMMEDIATE");
    });
    await expectToFail(run.start());
    await ask(other, "ROLLBACK");
    await expectToResume(called, ["join", "load"]);
  });
});

describe("a file", () => {
  it("that is removed in a run fails it; put back, it is resumed", async () => {
    const called: string[] = [];
    const run = pipeline({ workflowId: "job", storage: place.storage }, (taskId) => {
      called.push(taskId);
      if (taskId === "join") move(place.file, `${place.file}.kept`);
    });
    await expectToFail(run.start());
    expect(fs.existsSync(place.file)).toBe(false);
    move(`${place.file}.kept`, place.file);
    await expectToResume(called, ["join", "load"]);
  });

  it.each(["file", "handle"])(
    "that is removed or replaced while it is in use fails the next write, over a %s",
    async (kind) => {
      await place.storage.create("job/a", value);
      const storage = kind === "file" ? place.storage : new StorageSqlite({ database: await place.database() });
      await storage.create("job/b", value);
      move(place.file, `${place.file}.kept`);
      await expectRemoved(storage);
      expect(fs.existsSync(place.file)).toBe(false);
      await place.another().create("job/c", value);
      await expectRemoved(storage);
      move(place.file, `${place.file}.other`);
      move(`${place.file}.kept`, place.file);
      expect(await storage.create("job/c", value)).toBe(true);
      expect(await keysOf(storage)).toEqual(["job/a", "job/b", "job/c"]);
    },
  );

  it("that is no database is refused, and left as it is", async () => {
    fs.mkdirSync(dirname(place.file));
    fs.writeFileSync(place.file, "a letter to my aunt, which is long enough".repeat(100));
    const before = fs.readFileSync(place.file);
    for (const call of [() => place.storage.create("job/a", value), () => place.storage.get("job/a")])
      await expect(call()).rejects.toMatchObject({
        retryable: false,
        message: expect.stringMatching(/it is no SQLite database; choose another file.*SQLITE_NOTADB.*checkpoints/),
      });
    expect(fs.readFileSync(place.file)).toEqual(before);
    fs.rmSync(place.file);
    expect(await place.storage.create("job/a", value)).toBe(true);
  });

  it("that is damaged is never read as something else", async () => {
    await place.storage.create("job/a", value);
    await place.storage.close();
    const bytes = fs.readFileSync(place.file);
    fs.writeFileSync(place.file, bytes.fill(255, 4_096));
    const damaged = place.another();
    for (const call of [() => damaged.get("job/a"), () => damaged.create("job/b", value)])
      await expect(call()).rejects.toMatchObject({
        retryable: false,
        message: expect.stringMatching(/the database is damaged; keep a copy of it.*SQLITE_CORRUPT/),
      });
  });

  it("that is a folder can't be opened, and the error says where", async () => {
    fs.mkdirSync(place.file, { recursive: true });
    await expect(place.storage.create("job/a", value)).rejects.toThrow(/can't be opened.*SQLITE_CANTOPEN.*checkpoints/);
  });

  it("that can't be looked at is an error, and no place without values", async () => {
    fs.mkdirSync(dirname(place.file), { recursive: true });
    // Leads to itself; what it stands for is a folder whose owner keeps others out.
    fs.symlinkSync(place.file, place.file);
    await expect(place.storage.get("job/a")).rejects.toMatchObject({ code: "ELOOP" });
    await expect(keysOf(place.storage)).rejects.toMatchObject({ code: "ELOOP" });
  });

  it("is used by whoever comes after a process that was killed with it open", async () => {
    const child = await start("storm", place.file, "a");
    child.send("go");
    await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(fs.existsSync(`${place.file}-wal`)).toBe(true);
    expect((await keysOf(place.another(), "a/")).length).toBeGreaterThan(0);
  });

  async function expectRemoved(storage: StorageSqlite): Promise<void> {
    const calls = [
      storage.create("job/x", value),
      storage.put("job/a", value),
      storage.delete("job/a"),
      keysOf(storage),
    ];
    for (const call of await Promise.allSettled(calls)) {
      const message = expect.stringContaining("was removed or replaced while it was in use");
      expect(call).toMatchObject({ status: "rejected", reason: { retryable: false, message } });
    }
  }

  /** With what SQLite keeps beside it. */
  function move(from: string, to: string): void {
    for (const end of ["", "-wal", "-shm"]) if (fs.existsSync(from + end)) fs.renameSync(from + end, to + end);
  }
});

describe("a disk", () => {
  it("that is full fails the write, keeps what was there, and goes on when there is room", async (test) => {
    const disk = mountDisk(test, "1m");
    const storage = new StorageSqlite({ file: join(disk, "store", "checkpoints.db") });
    try {
      let written = 0;
      const failure = await fill(storage, () => written++);
      expect(failure).toMatchObject({
        retryable: false,
        message: expect.stringMatching(/the disk is full; free some space.*SQLITE_FULL.*checkpoints/),
      });
      expect(written).toBeGreaterThan(3);
      await expect(storage.create("job/large", labelled("large", 900_000))).rejects.toThrow("the disk is full");
      for (let step = 0; step < written; step++)
        expect(labelOf(await storage.get(`job/steps/${step}`))).toBe(`step-${step}`);
      expect(await keysOf(storage)).toHaveLength(written);
      execFileSync("mount", ["-o", "remount,size=3m", disk]);
      expect(await storage.create("job/steps/again", labelled("again", 16_000))).toBe(true);
      expect(await keysOf(storage)).toHaveLength(written + 1);
    } finally {
      await storage.close();
      execFileSync("umount", [disk]);
    }
  });

  it("that is too full for one value takes the small ones that wait beside it", async (test) => {
    const disk = mountDisk(test, "1m");
    const storage = new StorageSqlite({ file: join(disk, "checkpoints.db") });
    try {
      await storage.create("job/a", value);
      const answers = await Promise.allSettled([
        storage.create("job/b", value),
        storage.create("job/large", labelled("large", 3_000_000)),
        storage.create("job/c", value),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await keysOf(storage)).toEqual(["job/a", "job/b", "job/c"]);
    } finally {
      await storage.close();
      execFileSync("umount", [disk]);
    }
  });

  it("that is full in a run fails it; with room again it is resumed", async (test) => {
    const disk = mountDisk(test, "1m");
    const storage = new StorageSqlite({ file: join(disk, "checkpoints.db") });
    try {
      const called: string[] = [];
      const run = pipeline({ workflowId: "job", storage }, (taskId) => {
        called.push(taskId);
        if (taskId === "join") fillRest(join(disk, "ballast"));
      });
      // What is in the log already has room for a few records: they go on until it has none.
      const outcome = await run.start().then(
        (result) => result.status,
        (error: unknown) => error,
      );
      fs.rmSync(join(disk, "ballast"));
      if (outcome !== "completed") expect(outcome === "failed" || outcome instanceof StorageError).toBe(true);
      await expectToResume(called, undefined, storage);
    } finally {
      await storage.close();
      execFileSync("umount", [disk]);
    }
  });

  it("that became read-only is read, says what is wrong with a write, and is written when it can be", async (test) => {
    const disk = mountDisk(test, "1m");
    const file = join(disk, "checkpoints.db");
    const storage = new StorageSqlite({ file });
    try {
      // As a process leaves it that was killed: with a log.
      await place.storage.create("job/a", value);
      for (const end of ["", "-wal", "-shm"]) fs.copyFileSync(place.file + end, file + end);
      execFileSync("mount", ["-o", "remount,ro", disk]);
      expect(labelOf(await storage.get("job/a"))).toBe("value");
      await expect(storage.create("job/b", value)).rejects.toMatchObject({
        retryable: false,
        message: expect.stringMatching(/SQLITE_(READONLY|CANTOPEN).*checkpoints/),
      });
      execFileSync("mount", ["-o", "remount,rw", disk]);
      expect(await storage.create("job/b", value)).toBe(true);
      expect(await keysOf(storage)).toEqual(["job/a", "job/b"]);
    } finally {
      await storage.close();
      execFileSync("umount", [disk]);
    }
  });

  /** Gives the error that ended it. */
  async function fill(storage: StorageSqlite, onWritten: () => void): Promise<unknown> {
    for (let step = 0; ; step++) {
      try {
        await storage.create(`job/steps/${step}`, labelled(`step-${step}`, 16_000));
        onWritten();
      } catch (error) {
        return error;
      }
    }
  }

  function fillRest(ballast: string): void {
    const file = fs.openSync(ballast, "w");
    try {
      for (;;) fs.writeSync(file, Buffer.alloc(4_096));
    } catch {
      fs.closeSync(file);
    }
  }

  function mountDisk(test: TestContext, size: string): string {
    const disk = join(place.base, "disk");
    fs.mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk], { stdio: "pipe" });
    } catch (error) {
      const why = `NOT TESTED: a small disk can't be mounted here (root on Linux is needed): ${(error as Error).message}`;
      console.warn(`${test.task.name}: ${why}`);
      test.skip(why);
    }
    return disk;
  }
});

/** The run ends, and says that the storage failed. */
async function expectToFail(run: Promise<{ status: string }>): Promise<void> {
  const outcome = await run.then(
    ({ status }) => status,
    (error: unknown) => error,
  );
  if (outcome !== "failed") expect(outcome).toBeInstanceOf(StorageError);
}

/** Resumes to the right result; calls just `missing`, or where that is not known, nothing that is saved. */
async function expectToResume(called: string[], missing?: string[], storage = place.another()): Promise<void> {
  const { completed } = await pipeline({ workflowId: "job", storage }).checkpoints.info();
  const again: string[] = [];
  const workflow = pipeline({ workflowId: "job", storage }, (taskId) => again.push(taskId));
  const result = await workflow.start({ resume: true });
  expect(result.status).toBe("completed");
  expect(await result.output()).toEqual(pipelineOutput);
  expect(again.toSorted()).toEqual((missing ?? pipelineTasks.filter((id) => !completed.includes(id))).toSorted());
  expect(new Set(called)).toEqual(new Set(pipelineTasks.slice(0, called.length)));
  expect(await keysOf(storage, "job/runs/").then((keys) => keys.filter((key) => key.includes("/steps/")))).toHaveLength(
    5,
  );
  expect(await workflow.checkpoints.verify()).toEqual([]);
}
