// What is special to files: folders, modes, full and read-only disks, killed processes. The contract is tested elsewhere.
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { StorageFile } from "../providers/storage/file.ts";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import type { RivalReport } from "./children/storage-file-rival.ts";
import type { StormReport } from "./children/storage-file-storm.ts";

const onWindows = process.platform === "win32";
const value = labelled("value", 300);
const large = 400_000;

let base: string;
let folder: string;
let storage: StorageFile;
const children = new Set<ChildProcess>();

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), "storage-file-"));
  folder = join(base, "store");
  storage = new StorageFile({ folder });
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  fs.rmSync(base, { recursive: true, force: true });
});

describe("a StorageFile", () => {
  it.each([0, 1, 300, 256 * 1024, 256 * 1024 + 1, 5_000_000])("gives back %i bytes as they were", async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255);
    expect(await storage.create("job/created", bytes)).toBe(true);
    await storage.put("job/put", bytes);
    for (const key of ["job/created", "job/put"]) {
      const found = await storage.get(key);
      expect(found?.constructor).toBe(Uint8Array);
      expect(Buffer.compare(found ?? Buffer.from("none"), bytes)).toBe(0);
    }
  });

  it("lies in .dotflow of the working directory unless told otherwise", () => {
    expect(new StorageFile().folder).toBe(resolve(".dotflow"));
    expect(new StorageFile({ folder: "some/where" }).folder).toBe(resolve("some/where"));
    expect(() => new StorageFile({ folder: "" })).toThrow("The option folder of StorageFile is empty");
  });

  it("writes nothing before the first value", async () => {
    expect(await storage.get("job/a")).toBeUndefined();
    expect(await keys("")).toEqual([]);
    await storage.delete("job/a");
    expect(fs.existsSync(folder)).toBe(false);
  });

  it.skipIf(onWindows)("keeps folders and files for its owner only", async () => {
    await storage.create("job/steps/a", value);
    await storage.put("job/b", labelled("large", large));
    const modes = ["", "job", "job/steps", "job/steps/a", "job/b"].map((path) => fs.statSync(join(folder, path)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o600, 0o600]);
  });
});

describe("keys", () => {
  it.each(["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".a", "a/.b", "a\\b", "..\\a", "a\0b", "a\nb", "é"])(
    "refuses %j",
    async (key) => {
      const listing = (async () => keys(`${key}/`))();
      const calls = [storage.get(key), storage.put(key, value), storage.create(key, value), storage.delete(key), listing];
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining(JSON.stringify(key)) } });
      }
      expect(fs.readdirSync(base)).toEqual([]);
    },
  );

  it("are file names where they are plain, and never meet where case, signs or a last dot don't count", async () => {
    const names = ["job/a-b_c=1.json", "job/a", "job/A", "job/a.", "job/a ", "job/a:b", "job/%41", "job/a%2e", "Job/a", "job/~"];
    for (const name of names) expect(await storage.create(name, labelled(name, 50))).toBe(true);
    for (const name of names) expect(labelOf(await storage.get(name))).toBe(name);
    expect(await keys("")).toEqual(names.toSorted());
    expect(fs.existsSync(join(folder, "job", "a-b_c=1.json"))).toBe(true);
    const folded = fs.readdirSync(join(folder, "job")).map((name) => name.toLowerCase().replace(/[. ]$/, ""));
    expect(new Set(folded).size).toBe(folded.length);
  });

  it("can't be the beginning of another key, and say so", async () => {
    await storage.put("job/a", value);
    await expect(storage.create("job/a/b", value)).rejects.toThrow(/a value lies where a folder is needed.*job.a.b/);
    await expect(storage.put("job/a/b/c", value)).rejects.toThrow("a value lies where a folder is needed");
    await expect(storage.create("job", value)).rejects.toThrow("a folder lies where the value would go");
    await expect(storage.put("job", value)).rejects.toThrow("a folder lies where the value would go");
    expect(await storage.get("job")).toBeUndefined();
    expect(await storage.get("job/a/b")).toBeUndefined();
    await storage.delete("job");
    await storage.delete("job/a/b");
    expect(await keys("")).toEqual(["job/a"]);
    expect(dotFiles()).toEqual([]);
  });

  it("are listed below a prefix, also one that ends within a name", async () => {
    const all = ["job-b/1", "job/1", "job/10", "job/2", "job/sub/1"];
    for (const key of all) await storage.put(key, value);
    fs.writeFileSync(join(folder, "README.md"), "not ours");
    fs.writeFileSync(join(folder, "job", ".hidden"), "not ours");
    expect(await keys("")).toEqual(all);
    expect(await keys("job/")).toEqual(["job/1", "job/10", "job/2", "job/sub/1"]);
    expect(await keys("job/1")).toEqual(["job/1", "job/10"]);
    expect(await keys("job/s")).toEqual(["job/sub/1"]);
    expect(await keys("jo")).toEqual(all);
    expect(await keys("job/1/")).toEqual([]);
    expect(await keys("none/")).toEqual([]);
  });

  it.skipIf(onWindows)("are listed in a folder that is a link to another disk", async () => {
    fs.mkdirSync(join(base, "elsewhere"));
    await storage.put("other/a", value);
    fs.symlinkSync(join(base, "elsewhere"), join(folder, "job"));
    await storage.put("job/a", value);
    expect(await keys("")).toEqual(["job/a", "other/a"]);
  });
});

describe("delete", () => {
  it("removes folders that became empty, and no neighbour", async () => {
    for (const key of ["job/runs/1/a", "job/runs/1/b", "job-b/a", "jo/a"]) await storage.put(key, value);
    await storage.delete("job/runs/1/a");
    expect(await keys("job/")).toEqual(["job/runs/1/b"]);
    await storage.delete("job/runs/1/b");
    expect(visible("")).toEqual(["jo", "job-b"]);
    await storage.delete("jo/a");
    await storage.delete("job-b/a");
    expect(visible("")).toEqual([]);
    await storage.put("a", value);
    await storage.delete("a");
    expect(fs.existsSync(folder)).toBe(true);
    expect(await storage.create("job/runs/1/a", value)).toBe(true);
  });

  it("lets other processes go on that write to a folder it removed", async () => {
    const other = new StorageFile({ folder });
    await other.create("job/signals/1", value);
    await storage.delete("job/signals/1");
    expect(fs.existsSync(join(folder, "job"))).toBe(false);
    expect(await other.create("job/signals/2", value)).toBe(true);
    expect(await keys("job/")).toEqual(["job/signals/2"]);
  });

  it("loses no value that another process writes while a folder is removed", async () => {
    const pair = await Promise.all(["left", "right"].map((name) => start("neighbour", folder, name, "150")));
    const found = await Promise.all(pair.map((child) => ask<number>(child)));
    expect(found).toEqual([150, 150]);
    expect(await keys("")).toEqual([]);
  });
});

describe.each(["with-links", "without-links"])("rivals in several processes, on a file system %s", (links) => {
  it("create each key once, and nobody reads half a value", async () => {
    const rounds = 6;
    const processes = await Promise.all(["a", "b", "c", "d"].map((name) => start("rival", folder, name, String(rounds), links)));
    const race = Promise.all(processes.map((child) => ask<RivalReport[]>(child)));
    const torn = await readUntil(race, rounds, links === "without-links");
    const reports = (await race).flat();
    expect(torn).toEqual([]);
    for (let round = 0; round < rounds; round++) {
      const rivals = reports.filter(({ key }) => key === `race/${round}`);
      const winners = rivals.filter(({ won }) => won).map(({ rival }) => rival);
      expect(rivals).toHaveLength(64);
      expect(winners).toHaveLength(1);
      expect(labelOf(await storage.get(`race/${round}`))).toBe(winners[0]);
      // Without links a loser may come while the winner's name is reserved and its value not there yet.
      if (links === "with-links") expect(new Set(rivals.map(({ read }) => read))).toEqual(new Set(winners));
    }
    expect(dotFiles()).toEqual([]);
  });

  /** Gives the sizes of values that were read while the race went on and were not whole. */
  async function readUntil(race: Promise<unknown>, rounds: number, emptyIsFine: boolean): Promise<number[]> {
    const torn: number[] = [];
    let over = false;
    void race.finally(() => (over = true)).catch(() => {});
    while (!over) {
      for (let round = 0; round < rounds; round++) {
        const bytes = await storage.get(`race/${round}`);
        if (bytes && labelOf(bytes) === undefined && !(emptyIsFine && bytes.length === 0)) torn.push(bytes.length);
      }
      await turn();
    }
    return torn;
  }
});

describe("a process that is killed in the middle of its writes", () => {
  it.each([1, 40, 90])("leaves whole values only, after %i acknowledged ones", async (writes) => {
    const child = start("storm", folder, "job");
    const acknowledged = new Map<string, number>();
    let count = 0;
    const storm = await child;
    await new Promise<void>((done) => {
      storm.on("message", ({ key, label }: StormReport) => {
        acknowledged.set(key, Number(label.replace("created-", "")));
        if (++count === writes) storm.kill("SIGKILL");
      });
      storm.once("exit", () => done());
    });
    const there = await keys("");
    for (const key of there) expect([key, labelOf(await storage.get(key))]).toEqual([key, expect.stringMatching(/^(created-)?\d+$/)]);
    for (const [key, least] of acknowledged) {
      const label = labelOf(await storage.get(key)) ?? "";
      expect(Number(label.replace("created-", ""))).toBeGreaterThanOrEqual(least);
    }
    expect(await storage.create("job/steps/after", value)).toBe(true);
  });
});

describe("temporary files of dead processes", () => {
  const leftover = ".dotflow-4711-0123456789ab-1";

  it("are removed after an hour, when their folder is first used", async () => {
    await storage.put("job/a", value);
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const name of [leftover, ".dotflow-4711-0123456789ab-2", ".someone-else"]) fs.writeFileSync(join(folder, "job", name), "half");
    for (const name of [leftover, ".someone-else"]) fs.utimesSync(join(folder, "job", name), old, old);
    const next = new StorageFile({ folder });
    await next.put("job/b", value);
    expect(dotFiles()).toEqual([".dotflow-4711-0123456789ab-2", ".someone-else"]);
  });

  it("don't keep a folder that became empty", async () => {
    await storage.put("job/a", value);
    fs.writeFileSync(join(folder, "job", leftover), "half");
    fs.utimesSync(join(folder, "job", leftover), 0, 0);
    await new StorageFile({ folder }).delete("job/a");
    expect(visible("")).toEqual([]);
  });
});

describe("a folder that someone removed while it was in use", () => {
  beforeEach(async () => {
    await storage.create("job/leases/1", value);
    await storage.create("job/runs/1/steps/a", value);
  });

  it.each(["", "job", "job/runs/1", "job/runs/1/steps"])("fails the next write instead of being made again: /%s", async (removed) => {
    const kept = join(base, "kept");
    fs.renameSync(join(folder, removed), kept);
    for (const call of [storage.create("job/runs/1/steps/b", value), storage.put("job/runs/1/steps/deeper/b", value)]) {
      await expect(call).rejects.toMatchObject({ code: "ENOENT", message: expect.stringContaining("was removed while it was in use") });
    }
    expect(fs.existsSync(join(folder, removed))).toBe(false);
    fs.renameSync(kept, join(folder, removed));
    expect(await storage.create("job/runs/1/steps/b", value)).toBe(true);
    expect(await keys("job/runs/")).toEqual(["job/runs/1/steps/a", "job/runs/1/steps/b"]);
  });

  it("is made again for a caller that has listed what it wrote there, and was told that nothing is left", async () => {
    fs.rmSync(folder, { recursive: true });
    expect(await keys("job/snapshots/")).toEqual([]);
    await expect(storage.create("job/leases/1", value)).rejects.toThrow("was removed");
    expect(await keys("job/leases/")).toEqual([]);
    expect(await storage.create("job/leases/1", value)).toBe(true);
    expect(await storage.create("job/runs/2/steps/a", value)).toBe(true);
  });

  it("is found out also after another folder was removed because it was empty", async () => {
    const other = new StorageFile({ folder });
    await other.create("other/a", value);
    await other.delete("other/a");
    await storage.create("job/runs/1/once/a", value);
    fs.rmSync(join(folder, "job"), { recursive: true });
    await expect(storage.create("job/runs/1/steps/b", value)).rejects.toThrow("was removed while it was in use");
  });
});

describe("a disk", () => {
  it("that is full fails the write, keeps what was there, and goes on when there is room", async (test) => {
    const disk = mountDisk(test, "256k");
    try {
      const full = new StorageFile({ folder: join(disk, "store") });
      let written = 0;
      const failure = await fill(full, () => written++);
      expect(failure).toMatchObject({ code: "ENOSPC", message: expect.stringMatching(/the disk is full; free some space.*job.steps/) });
      expect(written).toBeGreaterThan(3);
      await expect(full.create("job/large", labelled("large", large))).rejects.toMatchObject({ code: "ENOSPC" });
      await expect(full.put("job/steps/0", labelled("new", 200_000))).rejects.toMatchObject({ code: "ENOSPC" });
      expect(fs.readdirSync(join(disk, "store", "job"))).toEqual(["steps"]);
      expect(fs.readdirSync(join(disk, "store", "job", "steps"))).toHaveLength(written);
      for (let step = 0; step < written; step++) expect(labelOf(await full.get(`job/steps/${step}`))).toBe(`step-${step}`);
      await full.delete("job/steps/1");
      await full.delete("job/steps/2");
      expect(await full.create("job/steps/again", labelled("again", 16_000))).toBe(true);
      expect(labelOf(await full.get("job/steps/again"))).toBe("again");
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("that became read-only is read, and says what is wrong with a write", async (test) => {
    const disk = mountDisk(test, "256k");
    try {
      const readOnly = new StorageFile({ folder: join(disk, "store") });
      await readOnly.put("job/a", value);
      execFileSync("mount", ["-o", "remount,ro", disk]);
      const calls = [
        readOnly.put("job/a", labelled("new", 300)), readOnly.create("job/b", value), readOnly.create("new/b", value),
        readOnly.delete("job/a"), new StorageFile({ folder: readOnly.folder }).create("job/b", value),
      ];
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ reason: { code: "EROFS", message: expect.stringContaining("the file system is read-only") } });
      }
      expect(labelOf(await readOnly.get("job/a"))).toBe("value");
      execFileSync("mount", ["-o", "remount,rw", disk]);
      expect(await readOnly.create("job/b", value)).toBe(true);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  /** Gives the error that ended it. */
  async function fill(full: StorageFile, onWritten: () => void): Promise<unknown> {
    for (let step = 0; ; step++) {
      try {
        await full.create(`job/steps/${step}`, labelled(`step-${step}`, 16_000));
        onWritten();
      } catch (error) {
        return error;
      }
    }
  }

  function mountDisk(test: TestContext, size: string): string {
    const disk = join(base, "disk");
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

describe("a call of the operating system that fails", () => {
  const real = { ...fs };

  afterEach(() => {
    Object.assign(fs, { linkSync: real.linkSync, fsyncSync: real.fsyncSync, openSync: real.openSync, renameSync: real.renameSync });
    syncBuiltinESMExports();
  });

  it("fsync of the file: nothing is there, and the old value stays", async () => {
    await storage.put("job/old", value);
    disturb("fsyncSync", () => fail("EIO", "fsync"));
    await expect(storage.create("job/new", value)).rejects.toThrow("the disk failed");
    await expect(storage.put("job/old", labelled("new", 300))).rejects.toMatchObject({ code: "EIO" });
    expect(fs.readdirSync(join(folder, "job"))).toEqual(["old"]);
    expect(labelOf(await storage.get("job/old"))).toBe("value");
  });

  it("fsync of the folder: a created value is taken back", async () => {
    await storage.put("job/old", value);
    let syncs = 0;
    disturb("fsyncSync", (file) => (++syncs === 2 ? fail("EIO", "fsync") : real.fsyncSync(file)));
    await expect(storage.create("job/new", value)).rejects.toMatchObject({ code: "EIO" });
    expect(fs.readdirSync(join(folder, "job"))).toEqual(["old"]);
    expect(await storage.create("job/new", value)).toBe(true);
  });

  it("too many open files: retryable, and nothing has changed", async () => {
    await storage.put("job/old", value);
    disturb("openSync", () => fail("EMFILE", "open"));
    await expect(storage.put("job/old", labelled("new", 300))).rejects.toMatchObject({ code: "EMFILE", retryable: true });
    disturb("openSync", (path, flags, mode) => (flags === "wx" ? fail("EMFILE", "open") : real.openSync(path, flags, mode)));
    await expect(storage.create("job/new", value)).rejects.toMatchObject({ retryable: true });
    disturb("openSync", real.openSync);
    expect(await keys("job/")).toEqual(["job/old"]);
    expect(labelOf(await storage.get("job/old"))).toBe("value");
  });

  it("a link whose first answer was lost: the value is known as one's own", async () => {
    disturb("linkSync", (from, to) => {
      real.linkSync(from, to);
      real.linkSync(from, to);
    });
    expect(await storage.create("job/a", value)).toBe(true);
    disturb("linkSync", real.linkSync);
    expect(await storage.create("job/a", labelled("late", 300))).toBe(false);
    expect(labelOf(await storage.get("job/a"))).toBe("value");
    expect(dotFiles()).toEqual([]);
  });

  it("a rename after the name was reserved: the name is free again", async () => {
    disturb("linkSync", () => fail("ENOTSUP", "link"));
    disturb("renameSync", () => fail("EIO", "rename"));
    await expect(storage.create("job/a", value)).rejects.toMatchObject({ code: "EIO" });
    disturb("renameSync", real.renameSync);
    expect(await storage.create("job/a", value)).toBe(true);
    expect(await storage.create("job/a", value)).toBe(false);
    expect(dotFiles()).toEqual([]);
  });

  function disturb<Name extends "linkSync" | "fsyncSync" | "openSync" | "renameSync">(name: Name, call: (typeof fs)[Name]): void {
    fs[name] = call;
    syncBuiltinESMExports();
  }

  function fail(code: string, syscall: string): never {
    throw Object.assign(new Error(code), { code, syscall });
  }
});

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of storage.list(prefix)) found.push(key);
  return found.toSorted();
}

function visible(path: string): string[] {
  return fs.readdirSync(join(folder, path)).filter((name) => !name.startsWith(".")).toSorted();
}

/** The hidden files in all folders, except the one that says that folders were removed. */
function dotFiles(): string[] {
  const all = fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => path.slice(path.lastIndexOf("/") + 1));
  return all.filter((name) => name.startsWith(".") && name !== ".emptied").toSorted();
}

/** Starts a child process and waits until it has loaded. */
async function start(program: string, ...args: string[]): Promise<ChildProcess> {
  const path = join(import.meta.dirname, "children", `storage-file-${program}.ts`);
  const child = fork(path, args, { execArgv: ["--import", "tsx"], cwd: dirname(import.meta.dirname) });
  children.add(child);
  if (program !== "storm") await once(child, "message");
  return child;
}

/** Tells a child to go, and gives what it sends back. */
async function ask<Answer>(child: ChildProcess): Promise<Answer> {
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`The child process ended (${code ?? signal}) without an answer.`);
  });
  child.send("go");
  const [answer] = (await Promise.race([once(child, "message"), ended])) as [Answer];
  ended.catch(() => {});
  return answer;
}
