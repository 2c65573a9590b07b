// The storage contract over StorageFile, with real processes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { Storage } from "../../src/storage.ts";
import { StorageFile } from "dotflow/storage/file";
import { storageContract } from "dotflow/testing";

const checks = storageContract({
  open: () => new StorageFile({ folder: join(mkdtempSync(join(tmpdir(), "dotflow-file-")), "checkpoints") }),
  reopen: (storage) => new StorageFile({ folder: folderOf(storage) }),
  cleanUp: (storage) => rmSync(dirname(folderOf(storage)), { recursive: true }),
  processes: {
    module: new URL("./open-file.ts", import.meta.url),
    place: folderOf,
    execArgv: ["--import", "tsx"],
  },
});

it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
  await expect(check.run()).resolves.toBeUndefined();
});

it("skips nothing", () => {
  expect(checks.filter(({ skip }) => skip)).toEqual([]);
});

function folderOf(storage: Storage): string {
  if (storage instanceof StorageFile) return storage.folder;
  throw new TypeError("not a StorageFile");
}
