// Loads an optional package when it is first needed, and names it where it is missing.
import { createRequire } from "node:module";
import { MissingPackageError } from "../../src/errors.ts";

/**
 * Gives what `load` imports. Where the package is not installed, rejects with a `MissingPackageError` that says who needs
 * it and which command installs it. `install` is what to install, where that is more than the name.
 *
 * ```ts
 * const { Pool } = await loadPackage("pg", "StoragePostgres", () => import("pg"));
 * ```
 */
export async function loadPackage<Module>(
  name: string,
  user: string,
  load: () => Promise<Module>,
  install = name,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw isMissing(cause, name) ? missing(name, user, install, cause) : cause;
  }
}

/**
 * The same at once, for packages that `require` can load. A bundler does not see it: whoever uses it lets the package be
 * handed in as well.
 */
export function requirePackage(name: string, user: string): unknown {
  try {
    return createRequire(import.meta.url)(name);
  } catch (cause) {
    throw isMissing(cause, name) ? missing(name, user, name, cause) : cause;
  }
}

function missing(name: string, user: string, install: string, cause: unknown): MissingPackageError {
  const text = `${user} needs the package ${name}, which is not installed: npm install ${install}`;
  return new MissingPackageError(text, { cause });
}

/** Not so where the package is there and one that it needs itself is missing. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isNotFound = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  return isNotFound && new RegExp(`'${name}(/[^']*)?'`).test(String(message));
}
