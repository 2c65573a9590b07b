// The storage contract over StorageSqlite, with real processes: over a file, and over an open database that was handed in.
// With the other driver it is tested by storage-sqlite-builtin.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { type SqliteDatabase, StorageSqlite } from "dotflow/storage/sqlite";
import { storageContract } from "dotflow/testing";
import { loadDriver } from "../../providers/storage/sqlite-driver.ts";

const handles = new Set<SqliteDatabase>();

describe.each(["file", "handle"])("over a %s", (kind) => {
  const checks = storageContract({
    open: () => open(kind, join(mkdtempSync(join(tmpdir(), "dotflow-sqlite-")), "checkpoints.db")),
    reopen: (storage) => open(kind, fileOf(storage)),
    cleanUp(storage) {
      for (const handle of handles) handle.close();
      handles.clear();
      rmSync(dirname(fileOf(storage)), { recursive: true });
    },
    processes: {
      module: new URL("./open-sqlite.ts", import.meta.url),
      place: (storage) => `${kind} ${fileOf(storage)}`,
      execArgv: ["--import", "tsx"],
    },
  });

  it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });

  it("skips nothing", () => {
    expect(checks.filter(({ skip }) => skip)).toEqual([]);
  });
});

async function open(kind: string, file: string): Promise<StorageSqlite> {
  if (kind === "file") return new StorageSqlite({ file });
  const database = (await loadDriver())(file);
  handles.add(database);
  return new StorageSqlite({ database });
}

function fileOf(storage: Storage): string {
  if (storage instanceof StorageSqlite && storage.file !== undefined) return storage.file;
  throw new TypeError("not a StorageSqlite over a file");
}
