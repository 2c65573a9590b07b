// What is special to files: folders, modes, names, leftovers. The contract is tested elsewhere, faults in storage-file-faults.test.ts.
import fs from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { StorageFile } from "../providers/storage/file.ts";
import { labelled, labelOf } from "../testing/contract/bytes.ts";
import { ask, dotFilesIn, keysOf, placeForEach, start } from "./children/storage-file-place.ts";

const onWindows = process.platform === "win32";
const value = labelled("value", 300);
const place = placeForEach();

describe("a StorageFile", () => {
  it.each([0, 1, 300, 256 * 1024, 256 * 1024 + 1, 5_000_000])("gives back %i bytes as they were", async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255);
    expect(await place.storage.create("job/created", bytes)).toBe(true);
    await place.storage.put("job/put", bytes);
    for (const key of ["job/created", "job/put"]) {
      const found = await place.storage.get(key);
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
    expect(await place.storage.get("job/a")).toBeUndefined();
    expect(await keysOf(place.storage, "")).toEqual([]);
    await place.storage.delete("job/a");
    expect(fs.existsSync(place.folder)).toBe(false);
  });

  it.skipIf(onWindows)("keeps folders and files for its owner only", async () => {
    await place.storage.create("job/steps/a", value);
    await place.storage.put("job/b", labelled("large", 400_000));
    const modes = ["", "job", "job/steps", "job/steps/a", "job/b"].map(
      (path) => fs.statSync(join(place.folder, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o600, 0o600]);
  });
});

describe("keys", () => {
  it.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    ".a",
    "a/.b",
    "a\\b",
    "..\\a",
    "a\0b",
    "a\nb",
    "é",
  ])("refuses %j", async (key) => {
    const listing = keysOf(place.storage, `${key}/`);
    const calls = [
      place.storage.get(key),
      place.storage.put(key, value),
      place.storage.create(key, value),
      place.storage.delete(key),
      listing,
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({
        status: "rejected",
        reason: { message: expect.stringContaining(JSON.stringify(key)) },
      });
    }
    expect(fs.readdirSync(place.base)).toEqual([]);
  });

  it("are file names where they are plain, and never meet where case, signs or a last dot don't count", async () => {
    const names = [
      "job/a-b_c=1.json",
      "job/a",
      "job/A",
      "job/a.",
      "job/a ",
      "job/a:b",
      "job/%41",
      "job/a%2e",
      "Job/a",
      "job/~",
    ];
    for (const name of names) expect(await place.storage.create(name, labelled(name, 50))).toBe(true);
    for (const name of names) expect(labelOf(await place.storage.get(name))).toBe(name);
    expect(await keysOf(place.storage, "")).toEqual(names.toSorted());
    expect(fs.existsSync(join(place.folder, "job", "a-b_c=1.json"))).toBe(true);
    const folded = fs.readdirSync(join(place.folder, "job")).map((name) => name.toLowerCase().replace(/[. ]$/, ""));
    expect(new Set(folded).size).toBe(folded.length);
  });

  it("can't be the beginning of another key, and say so", async () => {
    await place.storage.put("job/a", value);
    await expect(place.storage.create("job/a/b", value)).rejects.toThrow(
      /a value lies where a folder is needed.*job.a.b/,
    );
    await expect(place.storage.put("job/a/b/c", value)).rejects.toThrow("a value lies where a folder is needed");
    await expect(place.storage.create("job", value)).rejects.toThrow("a folder lies where the value would go");
    await expect(place.storage.put("job", value)).rejects.toThrow("a folder lies where the value would go");
    expect(await place.storage.get("job")).toBeUndefined();
    expect(await place.storage.get("job/a/b")).toBeUndefined();
    await place.storage.delete("job");
    await place.storage.delete("job/a/b");
    expect(await keysOf(place.storage, "")).toEqual(["job/a"]);
    expect(dotFilesIn(place.folder)).toEqual([]);
  });

  it("are listed below a prefix, also one that ends within a name", async () => {
    const all = ["job-b/1", "job/1", "job/10", "job/2", "job/sub/1"];
    for (const key of all) await place.storage.put(key, value);
    fs.writeFileSync(join(place.folder, "README.md"), "not ours");
    fs.writeFileSync(join(place.folder, "job", ".hidden"), "not ours");
    expect(await keysOf(place.storage, "")).toEqual(all);
    expect(await keysOf(place.storage, "job/")).toEqual(["job/1", "job/10", "job/2", "job/sub/1"]);
    expect(await keysOf(place.storage, "job/1")).toEqual(["job/1", "job/10"]);
    expect(await keysOf(place.storage, "job/s")).toEqual(["job/sub/1"]);
    expect(await keysOf(place.storage, "jo")).toEqual(all);
    expect(await keysOf(place.storage, "job/1/")).toEqual([]);
    expect(await keysOf(place.storage, "none/")).toEqual([]);
  });

  it.skipIf(onWindows)("are listed in a folder that is a link to another disk", async () => {
    fs.mkdirSync(join(place.base, "elsewhere"));
    await place.storage.put("other/a", value);
    fs.symlinkSync(join(place.base, "elsewhere"), join(place.folder, "job"));
    await place.storage.put("job/a", value);
    expect(await keysOf(place.storage, "")).toEqual(["job/a", "other/a"]);
  });
});

describe("delete", () => {
  it("removes folders that became empty, and no neighbour", async () => {
    for (const key of ["job/runs/1/a", "job/runs/1/b", "job-b/a", "jo/a"]) await place.storage.put(key, value);
    await place.storage.delete("job/runs/1/a");
    expect(await keysOf(place.storage, "job/")).toEqual(["job/runs/1/b"]);
    await place.storage.delete("job/runs/1/b");
    expect(visible("")).toEqual(["jo", "job-b"]);
    await place.storage.delete("jo/a");
    await place.storage.delete("job-b/a");
    expect(visible("")).toEqual([]);
    const single = new StorageFile({ folder: join(place.base, "single") });
    await single.put("a", value);
    await single.delete("a");
    expect(fs.readdirSync(single.folder)).toEqual([]);
    expect(await place.storage.create("job/runs/1/a", value)).toBe(true);
  });

  it("lets other processes go on that write to a folder it removed", async () => {
    const other = new StorageFile({ folder: place.folder });
    await other.create("job/signals/1", value);
    await place.storage.delete("job/signals/1");
    expect(fs.existsSync(join(place.folder, "job"))).toBe(false);
    expect(await other.create("job/new/1", value)).toBe(true);
    expect(await other.create("job/signals/2", value)).toBe(true);
    expect(await keysOf(place.storage, "job/")).toEqual(["job/new/1", "job/signals/2"]);
  });

  it("loses no value that another process writes while a folder is removed", async () => {
    const pair = await Promise.all(["left", "right"].map((name) => start("neighbour", place.folder, name, "150")));
    const found = await Promise.all(pair.map((child) => ask<number>(child)));
    expect(found).toEqual([150, 150]);
    expect(await keysOf(place.storage, "")).toEqual([]);
  });
});

describe("temporary files of dead processes", () => {
  const leftover = ".dotflow-4711-0123456789ab-1";

  it("are removed after an hour, when their folder is first used", async () => {
    await place.storage.put("job/a", value);
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const name of [leftover, ".dotflow-4711-0123456789ab-2", ".someone-else"])
      fs.writeFileSync(join(place.folder, "job", name), "half");
    for (const name of [leftover, ".someone-else"]) fs.utimesSync(join(place.folder, "job", name), old, old);
    const next = new StorageFile({ folder: place.folder });
    await next.put("job/b", value);
    expect(dotFilesIn(place.folder)).toEqual([".dotflow-4711-0123456789ab-2", ".someone-else"]);
  });

  it("don't keep a folder that became empty", async () => {
    await place.storage.put("job/a", value);
    fs.writeFileSync(join(place.folder, "job", leftover), "half");
    fs.utimesSync(join(place.folder, "job", leftover), 0, 0);
    await new StorageFile({ folder: place.folder }).delete("job/a");
    expect(visible("")).toEqual([]);
  });
});

describe("a folder that someone removed while it was in use", () => {
  beforeEach(async () => {
    await place.storage.create("job/leases/1", value);
    await place.storage.create("job/runs/1/steps/a", value);
  });

  it.each(["", "job", "job/runs/1", "job/runs/1/steps"])(
    "fails the next write instead of being made again: /%s",
    async (removed) => {
      const kept = join(place.base, "kept");
      fs.renameSync(join(place.folder, removed), kept);
      for (const call of [
        place.storage.create("job/runs/1/steps/b", value),
        place.storage.put("job/runs/1/steps/deeper/b", value),
      ]) {
        await expect(call).rejects.toMatchObject({
          code: "ENOENT",
          message: expect.stringContaining("was removed while it was in use"),
        });
      }
      expect(fs.existsSync(join(place.folder, removed))).toBe(false);
      fs.renameSync(kept, join(place.folder, removed));
      expect(await place.storage.create("job/runs/1/steps/b", value)).toBe(true);
      expect(await keysOf(place.storage, "job/runs/")).toEqual(["job/runs/1/steps/a", "job/runs/1/steps/b"]);
    },
  );

  it("is made again for a caller that has listed what it wrote there, and was told that nothing is left", async () => {
    fs.rmSync(place.folder, { recursive: true });
    expect(await keysOf(place.storage, "job/snapshots/")).toEqual([]);
    await expect(place.storage.create("job/leases/1", value)).rejects.toThrow("was removed");
    expect(await keysOf(place.storage, "job/leases/")).toEqual([]);
    expect(await place.storage.create("job/leases/1", value)).toBe(true);
    expect(await place.storage.create("job/runs/2/steps/a", value)).toBe(true);
  });

  it("is found out also after another folder was removed because it was empty", async () => {
    const other = new StorageFile({ folder: place.folder });
    await other.create("other/job/runs/1/steps/a", value);
    await other.delete("other/job/runs/1/steps/a");
    await place.storage.create("job/runs/1/once/a", value);
    fs.rmSync(join(place.folder, "job"), { recursive: true });
    await expect(place.storage.create("job/runs/1/steps/b", value)).rejects.toThrow("was removed while it was in use");
  });
});

function visible(path: string): string[] {
  return fs
    .readdirSync(join(place.folder, path))
    .filter((name) => !name.startsWith("."))
    .toSorted();
}
