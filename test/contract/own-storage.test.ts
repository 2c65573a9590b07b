// The storage that docs/storage-own.md builds keeps the whole contract, over processes too.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { Storage } from "dotflow";
import { storageContract } from "dotflow/testing";
import { StorageLmdb } from "../../examples/own-storage/storage-lmdb.ts";

const checks = storageContract({
  open: () => new StorageLmdb(join(mkdtempSync(join(tmpdir(), "dotflow-lmdb-")), "store")),
  reopen: (storage) => new StorageLmdb(pathOf(storage)),
  cleanUp: (storage) => rmSync(dirname(pathOf(storage)), { recursive: true }),
  processes: {
    module: new URL("./open-lmdb.ts", import.meta.url),
    place: pathOf,
    execArgv: ["--import", "tsx"],
  },
});

it.each(checks)("$theme: $name", { timeout: 60_000 }, async (check) => {
  await expect(check.run()).resolves.toBeUndefined();
  expect(check.skip).toBeUndefined();
});

it("is printed in the docs as it is", () => {
  const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const code = textOf("examples/own-storage/storage-lmdb.ts").replace(/^\/\/.*\n/, "");
  expect(textOf("docs/storage-own.md")).toContain(`\`\`\`ts\n${code}\`\`\``);
});

function pathOf(storage: Storage): string {
  if (storage instanceof StorageLmdb) return storage.path;
  throw new TypeError("not a StorageLmdb");
}
