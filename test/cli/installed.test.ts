// The command as it is installed: what it loads, and what it says where an optional package is missing.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { etl, root, testFolder } from "./commands.ts";

const folder = testFolder();
const newerNode = process.env["DOTFLOW_TEST_NODE"];

it("loads nothing but commander before it knows what it is asked for", async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["cli/main.ts"],
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    packages: "external",
    platform: "node",
    format: "esm",
    outdir: "unused",
  });
  const packages = new Set<string>();
  const look = (path: string, seen = new Set<string>()): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
      if (kind === "dynamic-import") continue;
      if (external) packages.add(next);
      else look(next, seen);
    }
  };
  look("unused/main.js");
  const own = Object.keys(metafile.outputs["unused/main.js"]?.inputs ?? {});
  expect([...packages].filter((name) => !name.startsWith("node:"))).toEqual(["commander"]);
  expect(own.filter((path) => !/^(cli|providers\/shared)\//.test(path))).toEqual([]);
});

it("can be run: it names its program, and the package names it", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
  const file = join(root, manifest.bin["dotflow"] ?? "");
  expect(readFileSync(file, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
});

/** The package beside the packages that it needs, and none that is optional. */
function install(): string {
  const modules = join(folder.path, "node_modules");
  rmSync(modules, { recursive: true });
  const home = join(modules, "dotflow");
  cpSync(join(root, "dist"), join(home, "dist"), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
  cpSync(join(root, "package.json"), join(home, "package.json"));
  const { dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name), "dir");
  }
  return join(home, "dist/cli/main.js");
}

function run(node: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(node, args, { cwd: folder.path, env: folder.env(), encoding: "utf8" });
  return { status, stdout, stderr };
}

it("names the package that is missing, with the command that installs it", () => {
  const main = install();
  folder.write("etl.tsx", etl);
  folder.write("etl.mjs", etl.replace("type Context, ", "").replaceAll(/: Context<.*>\)/g, ")"));
  const missing: [string[], string][] = [
    [["run", "etl.tsx"], "needs the package tsx, which compiles TypeScript. Install it: npm install --save-dev tsx"],
    [["graph", "etl.mjs", "--svg", "etl.svg"], "npm install --save-dev @hpcc-js/wasm-graphviz"],
    [["ls", "--storage", "s3://bucket/prefix"], "npm install @aws-sdk/client-s3"],
  ];
  for (const [args, text] of missing) {
    const { status, stderr } = run(process.execPath, main, ...args);
    expect({ args, status }).toEqual({ args, status: 1 });
    expect(stderr).toContain(text);
  }
  expect(run(process.execPath, main, "run", "etl.mjs")).toMatchObject({ status: 0, stderr: "" });
});

it.skipIf(newerNode === undefined)(
  `runs TypeScript by a newer Node alone, and says what that can't do${newerNode === undefined ? ", SKIPPED: DOTFLOW_TEST_NODE names none" : ""}`,
  () => {
    const main = install();
    folder.write("etl.ts", etl);
    expect(run(newerNode ?? "", main, "run", "etl.ts")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("✓ completed"),
    });
    folder.write("decorated.ts", 'import { action } from "dotflow";\nexport class Etl {\n  @action\n  load() {}\n}\n');
    const { status, stderr } = run(newerNode ?? "", main, "run", "decorated.ts");
    expect(status).toBe(1);
    expect(stderr).toContain("Without tsx, Node reads TypeScript that has no decorators");
  },
);

it("goes on with a run when nobody reads its output any more", () => {
  const main = install();
  folder.write("etl.mjs", etl.replace("type Context, ", "").replaceAll(/: Context<.*>\)/g, ")"));
  const { stdout, stderr } = spawnSync(
    "bash",
    ["-c", `"${process.execPath}" "${main}" run etl.mjs | head -n 1; echo "\${PIPESTATUS[0]}"`],
    {
      cwd: folder.path,
      env: folder.env(),
      encoding: "utf8",
    },
  );
  expect(stderr).toBe("");
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("0");
  expect(run(process.execPath, main, "ls").stdout).toContain("completed");
});
