// Databases on this machine's disk, each in a folder of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { StorageSqlite } from "dotflow/storage/sqlite";
import type { PlaceKind } from "./kind.ts";

export const sqlite: PlaceKind = {
  shared: true,
  scale: 0.5,
  make: () => join(mkdtempSync(join(tmpdir(), "dotflow-sqlite-")), "store", "checkpoints.db"),
  open: (file) => new StorageSqlite({ file }),
  remove: (file) => rmSync(dirname(dirname(file)), { recursive: true, force: true }),
};
