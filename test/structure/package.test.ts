// The package as it is published: its entries, what loading them pulls in. dist/ is built by test/build.ts.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { read, root } from "./sources.ts";

interface Manifest {
  readonly name: string;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly dependencies: Record<string, string>;
}

const manifest = JSON.parse(read("package.json")) as Manifest;
const entries = Object.entries(manifest.exports)
  .filter(([subpath]) => subpath !== "./package.json")
  .map(([subpath, target]) => ({ name: posix.join(manifest.name, subpath), target: Object(target) as Entry }));

interface Entry {
  readonly types?: string;
  readonly default?: string;
}

it("lists every entry without wildcards, with the types first", () => {
  for (const { name, target } of entries) {
    expect(name).not.toContain("*");
    expect(Object.keys(target), name).toEqual(["types", "default"]);
  }
});

it("has a built file for every entry", () => {
  const files = entries.flatMap(({ target }) => [target.types, target.default]);
  expect(files.filter((file) => !file || !existsSync(join(root, file)))).toEqual([]);
});

it("reads the source of every entry in the tests, by the table in tsconfig.json", () => {
  const config = JSON.parse(read("tsconfig.json")) as { compilerOptions: { paths: Record<string, string[]> } };
  const sources = entries.map(({ name, target }) => [
    name,
    [target.default?.replace("/dist/", "/").replace(/js$/, "ts")],
  ]);
  expect(config.compilerOptions.paths).toEqual(Object.fromEntries(sources));
});

it("loads every entry in plain Node, with import and with require", () => {
  const names = JSON.stringify(entries.map(({ name }) => name));
  expect(() => node("module", `for (const name of ${names}) await import(name)`)).not.toThrow();
  expect(() => node("commonjs", `for (const name of ${names}) require(name)`)).not.toThrow();
});

it("loads nothing but the core's dependencies with dotflow itself", async () => {
  const options = { bundle: true, write: false, metafile: true, platform: "node", format: "esm" } as const;
  const { metafile } = await build({ ...options, absWorkingDir: root, entryPoints: ["dist/src/index.js"] });
  const loaded = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  );
  expect(Object.keys(manifest.dependencies)).toEqual(expect.arrayContaining(loaded));
});

function node(type: "module" | "commonjs", code: string): void {
  execFileSync(process.execPath, [`--input-type=${type}`, "--eval", code], { cwd: root, stdio: "pipe" });
}
