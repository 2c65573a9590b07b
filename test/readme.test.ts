// Runs the programs of README.md in a new project that installed the packed package, each twice: the second run restores.
//
// A program is a block of code behind a comment that names its file, such as `<!-- run: first.ts -->`. With the word
// `decorators` behind the name it is compiled in both decorator dialects.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

interface Program {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly legacy: boolean;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^<!-- run: (\S+\.(?:ts|mjs))( decorators)? -->\n+```\w+\n(.*?)\n```$/gms)];
const programs = blocks.flatMap(([, file = "", decorators, code = ""]): Program[] => {
  if (!decorators) return [{ name: file, file, code, legacy: false }];
  return [false, true].map((legacy) => ({
    name: `${file}, ${legacy ? "legacy" : "TC39"} decorators`,
    file,
    code,
    legacy,
  }));
});

let project: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "readme-"));
  // dist/ is there already: see test/build.ts.
  await npm(root, "pack", "--ignore-scripts", "--pack-destination", project);
  const [packed] = readdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "reader", private: true, type: "module" }));
  await npm(project, "install", `./${packed}`, "--prefer-offline", "--no-audit", "--no-fund");
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

it("has programs in TypeScript, in JavaScript and with decorators, each marked so that it is run here", () => {
  const how =
    "Put <!-- run: first.ts -->, <!-- run: first.mjs --> or <!-- run: class.ts decorators --> right before a block in README.md";
  expect(blocks.length, `${how}: not every such comment stands before a block`).toBe(
    readme.split("<!-- run:").length - 1,
  );
  const kinds = programs.map(({ file, legacy }) => (legacy ? "decorators" : file.replace(/.*\./, "")));
  expect(kinds, how).toEqual(expect.arrayContaining(["ts", "mjs", "decorators"]));
});

it.each(programs)("runs twice, the second time from its checkpoints: $name", async (program) => {
  const { folder, script } = await prepare(program);
  const [first, second] = [await node(folder, script), await node(folder, script)];
  expect(first).toContain("completed");
  expect(first).not.toContain("restored");
  expect(second).toContain("restored");
  expect(second).not.toContain("completed");
  expect(lastLine(second)).toBe(lastLine(first));
});

/** Writes the program into a folder of its own, and compiles it as its reader would: with declarations checked too. */
async function prepare({ name, file, code, legacy }: Program): Promise<{ folder: string; script: string }> {
  const folder = join(project, name);
  mkdirSync(folder);
  writeFileSync(join(folder, file), code);
  if (!file.endsWith(".ts")) return { folder, script: file };
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    ...(legacy && { experimentalDecorators: true, emitDecoratorMetadata: true }),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  await node(folder, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
  return { folder, script: file.replace(/ts$/, "js") };
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split("\n").at(-1);
}

function node(cwd: string, ...args: string[]): Promise<string> {
  return run(process.execPath, args, cwd);
}

function npm(cwd: string, ...args: string[]): Promise<string> {
  return run("npm", args, cwd);
}

/** Gives what the program printed; says it where the program failed, as compilers print their errors there. */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      cwd,
      shell: process.platform === "win32" && program === "npm",
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
