// Folders on this machine's disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageFile } from "dotflow/storage/file";
import type { PlaceKind } from "./kind.ts";

export const file: PlaceKind = {
  shared: true,
  make: () => join(mkdtempSync(join(tmpdir(), "dotflow-")), "store"),
  open: (folder) => new StorageFile({ folder }),
  remove: (folder) => rmSync(join(folder, ".."), { recursive: true, force: true }),
};
