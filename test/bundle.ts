// Bundles the programs of test/children, all but the packages that they use: tests start hundreds of processes, and compiling
// in each would take most of their time.
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = new Map<string, string>();
let folder: string | undefined;

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

/** The bundle of `test/children/<name>.ts`, made when it is first asked for. It goes when the tests of the file have ended. */
export function bundleOf(name: string): string {
  const made = files.get(name);
  if (made !== undefined) return made;
  folder ??= newFolder();
  const outfile = join(folder, `${name}.mjs`);
  buildSync({
    absWorkingDir: root,
    entryPoints: [`test/children/${name}.ts`],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
  });
  files.set(name, outfile);
  return outfile;
}

function newFolder(): string {
  const made = mkdtempSync(join(tmpdir(), "dotflow-children-"));
  // Here Node finds the packages.
  symlinkSync(join(root, "node_modules"), join(made, "node_modules"), "dir");
  return made;
}
