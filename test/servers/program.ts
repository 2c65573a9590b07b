// Finds programs of this machine, and says which package has one that is missing.
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program, in `PATH` or one of `folders`. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const candidates = [...folders, ...(process.env["PATH"] ?? "").split(delimiter)].map((folder) => join(folder, name));
  return candidates.find(isProgram);
}

/** `undefined` where the program is there, else a sentence that names the package to install. */
export function missingProgram(name: string, packageName: string, folders?: readonly string[]): string | undefined {
  return findProgram(name, folders) ? undefined : `${name} is missing: apt-get install ${packageName}`;
}

/** The folders of Debian's PostgreSQL versions, newest first. */
export function postgresFolders(): string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin"));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
