// This package as it is installed: where it lies, and its version.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly name: string;
  readonly version: string;
}

export function version(): string {
  return findPackage()?.manifest.version ?? "unknown";
}

/** The folder of this package; `undefined` where it was bundled into something else. */
export function packageFolder(): string | undefined {
  return findPackage()?.folder;
}

function findPackage(): { readonly folder: string; readonly manifest: Manifest } | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (; dirname(folder) !== folder; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
      if (manifest.name === "dotflow") return { folder, manifest };
    } catch {
      // None here: the folder above.
    }
  }
  return undefined;
}
