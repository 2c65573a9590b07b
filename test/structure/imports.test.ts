// Who may import what: the core stands alone, providers know its types only, and nothing goes in a circle.
import { expect, it } from "vitest";
import { type Import, read, type Source, sourcesOf } from "./sources.ts";

const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
const packages = Object.keys(dependencies);
const lightBuiltins = ["async_hooks", "crypto", "os", "path", "url", "util", "zlib"].map((name) => `node:${name}`);

/** The only values that a provider takes from the core. */
const valuesForProviders = new Map([
  ["providers/storage/memory.ts", ["src/storage-memory.ts"]],
  ["providers/shared/load-package.ts", ["src/errors.ts"]],
  // Options, retries and time of notifications are those of the core, with the same checks and words.
  [
    "providers/shared/notify-options.ts",
    ["src/clock.ts", "src/duration.ts", "src/errors.ts", "src/options.ts", "src/retry.ts"],
  ],
  ["providers/shared/notify-send.ts", ["src/clock.ts", "src/retry.ts"]],
]);

/** What one module of the core may use beyond the rule. */
const exceptions = new Map([
  // Only /proc tells for certain that the process of a lease is dead; Node has no other way to ask.
  ["src/journal/identity.ts", "fs"],
]);

it("keeps the core free of providers, SDKs and the file system", () => {
  const allowed = (found: Import, path: string): boolean =>
    found.file
      ? found.file.startsWith("src/")
      : [...packages, ...lightBuiltins].includes(found.name) || exceptions.get(path) === found.name;
  expect(refused(sourcesOf("src"), allowed)).toEqual([]);
});

it("keeps the test kit free of providers and test runners", () => {
  const allowed = ({ file, name }: Import): boolean =>
    file ? /^(src|testing)\//.test(file) : name.startsWith("node:") || packages.includes(name);
  expect(refused(sourcesOf("testing"), allowed)).toEqual([]);
});

it("lets providers import types only from the core", () => {
  const allowed = ({ file, typeOnly }: Import, path: string): boolean =>
    !file?.startsWith("src/") ||
    typeOnly ||
    (file !== undefined && (valuesForProviders.get(path)?.includes(file) ?? false));
  expect(refused(sourcesOf("providers"), allowed)).toEqual([]);
});

it("keeps providers apart, except for open.ts, providers/shared and files with the same first word, such as file.ts and file-write.ts", () => {
  const allowed = ({ file }: Import, path: string): boolean =>
    !file ||
    /^(src|providers\/shared)\//.test(file) ||
    firstWord(file) === firstWord(path) ||
    path === "providers/storage/open.ts";
  expect(refused(sourcesOf("providers"), allowed)).toEqual([]);
});

it("has no cycles, of types neither", () => {
  expect(cyclesIn(sourcesOf("src", "providers", "testing", "cli"))).toEqual([]);
});

function refused(sources: Source[], allowed: (found: Import, path: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((found) => !allowed(found, path)).map(({ name }) => `${path} must not import ${name}`),
  );
}

function firstWord(path: string): string {
  return path.replace(/(\/[^/.-]+)[^/]*$/, "$1");
}

function cyclesIn(sources: Source[]): string[] {
  const next = new Map(sources.map(({ path, imports }) => [path, imports.flatMap(({ file }) => file ?? [])]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const follow = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || done.has(path)) return;
    for (const file of next.get(path) ?? []) follow(file, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) follow(path, []);
  return cycles;
}
