// Lets Node load TypeScript without a build step. The compiling is left to tsx, which knows both decorator dialects by tsconfig.json.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { MissingPackageError } from "../src/errors.ts";

interface Registering {
  readonly register: (options?: { readonly tsconfig?: string | false }) => unknown;
}

interface Manifest {
  readonly exports: Record<string, { readonly import: { readonly default: string } }>;
}

/**
 * Prepares the import of `path`. JavaScript needs nothing. For TypeScript tsx is taken from where the file lies, else from where this
 * package lies; without it Node itself does, where it can: from 22.18 on, without decorators. Gives who compiles.
 */
export async function enableTypeScript(path: string): Promise<"tsx" | "node"> {
  if (!/\.([cm]?ts|tsx|jsx)$/.test(path)) return "node";
  const modules = resolveTsx(path);
  if (!modules) {
    if (/\.[cm]?ts$/.test(path) && (process.features as { typescript?: unknown }).typescript) return "node";
    throw new MissingPackageError(
      `Running ${path} needs the package tsx, which compiles TypeScript. Install it: npm install --save-dev tsx`,
    );
  }
  const tsconfig = findUp(dirname(path), "tsconfig.json");
  const before = process.env["TSX_TSCONFIG_PATH"];
  // The half for CommonJS takes it from there only.
  if (tsconfig !== undefined) process.env["TSX_TSCONFIG_PATH"] = tsconfig;
  for (const url of modules) {
    const { register } = (await import(url)) as Registering;
    register(tsconfig === undefined ? {} : { tsconfig });
  }
  if (before === undefined) delete process.env["TSX_TSCONFIG_PATH"];
  else process.env["TSX_TSCONFIG_PATH"] = before;
  return "tsx";
}

/** The modules that register tsx: for ES modules, and for CommonJS. */
function resolveTsx(path: string): string[] | undefined {
  for (const from of [pathToFileURL(path).href, import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve("tsx/package.json");
      const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
      // `require.resolve` would give the files for `require`, which can't be imported.
      return ["./esm/api", "./cjs/api"].map(
        (name) => pathToFileURL(join(dirname(manifest), exports[name]?.import.default ?? name)).href,
      );
    } catch {
      // Not there: the next place.
    }
  }
  return undefined;
}

function findUp(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : findUp(parent, name);
}
