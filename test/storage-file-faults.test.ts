// What StorageFile keeps when processes race or are killed, disks are full or read-only, and calls of the system fail.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join, relative, sep } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it, type TestContext } from "vitest";
import { StorageFile } from "../providers/storage/file.ts";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { ask, dotFilesIn, keysOf, placeForEach, start } from "./children/storage-file-place.ts";
import type { RivalReport } from "./children/storage-file-rival.ts";
import type { StormReport } from "./children/storage-file-storm.ts";

const onWindows = process.platform === "win32";
const value = labelled("value", 300);
const large = 400_000;
const place = placeForEach();

describe.each(["with-links", "without-links"])("rivals in several processes, on a file system %s", (links) => {
  it("create each key once, and nobody reads half a value", async () => {
    const rounds = 6;
    const processes = await Promise.all(
      ["a", "b", "c", "d"].map((name) => start("rival", place.folder, name, String(rounds), links)),
    );
    const race = Promise.all(processes.map((child) => ask<RivalReport[]>(child)));
    const torn = await readUntil(race, rounds, links === "without-links");
    const reports = (await race).flat();
    expect(torn).toEqual([]);
    for (let round = 0; round < rounds; round++) {
      const rivals = reports.filter(({ key }) => key === `race/${round}`);
      const winners = rivals.filter(({ won }) => won).map(({ rival }) => rival);
      expect(rivals).toHaveLength(64);
      expect(winners).toHaveLength(1);
      expect(labelOf(await place.storage.get(`race/${round}`))).toBe(winners[0]);
      // Without links a loser may come while the winner's name is reserved and its value not there yet.
      if (links === "with-links") expect(new Set(rivals.map(({ read }) => read))).toEqual(new Set(winners));
    }
    expect(dotFilesIn(place.folder)).toEqual([]);
  });

  /** Gives the sizes of values that were read while the race went on and were not whole. */
  async function readUntil(race: Promise<unknown>, rounds: number, emptyIsFine: boolean): Promise<number[]> {
    const torn: number[] = [];
    let over = false;
    void race.finally(() => (over = true)).catch(() => {});
    while (!over) {
      for (let round = 0; round < rounds; round++) {
        const bytes = await place.storage.get(`race/${round}`);
        if (bytes && labelOf(bytes) === undefined && !(emptyIsFine && bytes.length === 0)) torn.push(bytes.length);
      }
      await turn();
    }
    return torn;
  }
});

describe("a process that is killed in the middle of its writes", () => {
  it.each([1, 40, 90])("leaves whole values only, after %i acknowledged ones", async (writes) => {
    const storm = await start("storm", place.folder, "job");
    const acknowledged = new Map<string, number>();
    let count = 0;
    await new Promise<void>((done) => {
      storm.on("message", ({ key, label }: StormReport) => {
        acknowledged.set(key, Number(label.replace("created-", "")));
        if (++count === writes) storm.kill("SIGKILL");
      });
      storm.once("exit", () => done());
    });
    const there = await keysOf(place.storage, "");
    for (const key of there)
      expect([key, labelOf(await place.storage.get(key))]).toEqual([key, expect.stringMatching(/^(created-)?\d+$/)]);
    for (const [key, least] of acknowledged) {
      const label = labelOf(await place.storage.get(key)) ?? "";
      expect(Number(label.replace("created-", ""))).toBeGreaterThanOrEqual(least);
    }
    expect(await place.storage.create("job/steps/after", value)).toBe(true);
  });
});

describe("a disk", () => {
  it("that is full fails the write, keeps what was there, and goes on when there is room", async (test) => {
    const disk = mountDisk(test, "256k");
    try {
      const full = new StorageFile({ folder: join(disk, "store") });
      let written = 0;
      const failure = await fill(full, () => written++);
      expect(failure).toMatchObject({
        code: "ENOSPC",
        message: expect.stringMatching(/the disk is full; free some space.*job.steps/),
      });
      expect(written).toBeGreaterThan(3);
      await expect(full.create("job/large", labelled("large", large))).rejects.toMatchObject({ code: "ENOSPC" });
      await expect(full.put("job/steps/0", labelled("new", 200_000))).rejects.toMatchObject({ code: "ENOSPC" });
      expect(fs.readdirSync(join(disk, "store", "job"))).toEqual(["steps"]);
      expect(fs.readdirSync(join(disk, "store", "job", "steps"))).toHaveLength(written);
      for (let step = 0; step < written; step++)
        expect(labelOf(await full.get(`job/steps/${step}`))).toBe(`step-${step}`);
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
        readOnly.put("job/a", labelled("new", 300)),
        readOnly.create("job/b", value),
        readOnly.create("new/b", value),
        readOnly.delete("job/a"),
        new StorageFile({ folder: readOnly.folder }).create("job/b", value),
      ];
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({
          reason: { code: "EROFS", message: expect.stringContaining("the file system is read-only") },
        });
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

describe("calls of the operating system", () => {
  const real = { ...fs };
  const disturbable = ["openSync", "fsyncSync", "linkSync", "renameSync", "unlinkSync"] as const;

  afterEach(() => {
    Object.assign(fs, Object.fromEntries(disturbable.map((name) => [name, real[name]])));
    syncBuiltinESMExports();
  });

  it("sync the value before it has its name, then the folder, and the parents of new folders", async () => {
    const files = new Map<number, string>();
    const calls: string[] = [];
    disturb("openSync", (path, flags, mode) => {
      const file = real.openSync(path, flags, mode);
      files.set(file, flags === "wx" ? "value" : relative(place.base, String(path)).replaceAll(sep, "/"));
      return file;
    });
    disturb("fsyncSync", (file) => {
      real.fsyncSync(file);
      calls.push(`sync ${files.get(file)}`);
    });
    for (const name of ["linkSync", "renameSync", "unlinkSync"] as const) {
      disturb(name, (from: fs.PathLike, to?: fs.PathLike) => {
        (real[name] as (from: fs.PathLike, to?: fs.PathLike) => void)(from, to);
        calls.push(name);
      });
    }
    const callsOf = async (call: Promise<unknown>): Promise<string[]> => {
      await call;
      return calls.splice(0);
    };
    const folders = onWindows ? [] : ["sync ", "sync store", "sync store/job"];
    const last = onWindows ? [] : ["sync store/job/steps"];
    expect(await callsOf(place.storage.create("job/steps/a", value))).toEqual([
      ...folders,
      "sync value",
      "linkSync",
      "unlinkSync",
      ...last,
    ]);
    expect(await callsOf(place.storage.create("job/steps/b", value))).toEqual([
      "sync value",
      "linkSync",
      "unlinkSync",
      ...last,
    ]);
    expect(await callsOf(place.storage.put("job/steps/b", value))).toEqual(["sync value", "renameSync", ...last]);
    expect(await callsOf(place.storage.delete("job/steps/b"))).toEqual(["unlinkSync", ...last]);
    expect(await callsOf(new StorageFile({ folder: place.folder }).create("job/steps/c", value))).toContain(
      "sync store/job",
    );
  });

  it("fail in the fsync of the file: nothing is there, and the old value stays", async () => {
    await place.storage.put("job/old", value);
    disturb("fsyncSync", () => fail("EIO", "fsync"));
    await expect(place.storage.create("job/new", value)).rejects.toThrow("the disk failed");
    await expect(place.storage.put("job/old", labelled("new", 300))).rejects.toMatchObject({ code: "EIO" });
    expect(fs.readdirSync(join(place.folder, "job"))).toEqual(["old"]);
    expect(labelOf(await place.storage.get("job/old"))).toBe("value");
  });

  it("fail in the fsync of the folder: a created value is taken back", async () => {
    await place.storage.put("job/old", value);
    let syncs = 0;
    disturb("fsyncSync", (file) => (++syncs === 2 ? fail("EIO", "fsync") : real.fsyncSync(file)));
    await expect(place.storage.create("job/new", value)).rejects.toMatchObject({ code: "EIO" });
    expect(fs.readdirSync(join(place.folder, "job"))).toEqual(["old"]);
    expect(await place.storage.create("job/new", value)).toBe(true);
  });

  it("fail for too many open files: retryable, and nothing has changed", async () => {
    await place.storage.put("job/old", value);
    disturb("openSync", () => fail("EMFILE", "open"));
    await expect(place.storage.put("job/old", labelled("new", 300))).rejects.toMatchObject({
      code: "EMFILE",
      retryable: true,
    });
    disturb("openSync", (path, flags, mode) =>
      flags === "wx" ? fail("EMFILE", "open") : real.openSync(path, flags, mode),
    );
    await expect(place.storage.create("job/new", value)).rejects.toMatchObject({ retryable: true });
    disturb("openSync", real.openSync);
    expect(await keysOf(place.storage, "job/")).toEqual(["job/old"]);
    expect(labelOf(await place.storage.get("job/old"))).toBe("value");
  });

  it("lose the first answer of a link: the value is known as one's own", async () => {
    disturb("linkSync", (from, to) => {
      real.linkSync(from, to);
      real.linkSync(from, to);
    });
    expect(await place.storage.create("job/a", value)).toBe(true);
    disturb("linkSync", real.linkSync);
    expect(await place.storage.create("job/a", labelled("late", 300))).toBe(false);
    expect(labelOf(await place.storage.get("job/a"))).toBe("value");
    expect(dotFilesIn(place.folder)).toEqual([]);
  });

  it("fail in the rename after a name was reserved: the name is free again", async () => {
    disturb("linkSync", () => fail("ENOTSUP", "link"));
    disturb("renameSync", () => fail("EIO", "rename"));
    await expect(place.storage.create("job/a", value)).rejects.toMatchObject({ code: "EIO" });
    disturb("renameSync", real.renameSync);
    expect(await place.storage.create("job/a", value)).toBe(true);
    expect(await place.storage.create("job/a", value)).toBe(false);
    expect(dotFilesIn(place.folder)).toEqual([]);
  });

  function disturb<Name extends (typeof disturbable)[number]>(name: Name, call: (typeof fs)[Name]): void {
    fs[name] = call;
    syncBuiltinESMExports();
  }

  function fail(code: string, syscall: string): never {
    throw Object.assign(new Error(code), { code, syscall });
  }
});
