// Runs every example as its reader would, and holds its output against what its first comment says it prints.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const legacy = "examples/legacy-decorators/main.ts";
const examples = [...filesIn("examples"), legacy];

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "examples-"));
});

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true });
});

it.each(examples)("%s prints what its first comment says, and leaves nothing behind", async (file) => {
  const { stdout, stderr } = await node(...(await argumentsFor(file)));
  expect(stderr).toBe("");
  expect(stdout.trimEnd().split("\n")).toEqual(announcedBy(file));
  expect(readdirSync(temporary).filter((name) => name.startsWith("dotflow"))).toEqual([]);
});

it("names every example in docs/examples.md", () => {
  const page = readFileSync(join(root, "docs/examples.md"), "utf8");
  expect(examples.filter((file) => !page.includes(`(../${file})`))).toEqual([]);
});

/** TypeScript goes through tsx; JavaScript, and what tsc made of the legacy decorators, use the built package. */
async function argumentsFor(file: string): Promise<string[]> {
  if (file.endsWith(".mjs")) return [file];
  if (file !== legacy) return ["--import", "tsx", file];
  await node("node_modules/typescript/bin/tsc", "-p", "examples/legacy-decorators");
  return ["examples/legacy-decorators/dist/main.js"];
}

function node(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE_NO_WARNINGS: "1", TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  return run(process.execPath, args, { cwd: root, env });
}

/** The lines below `// Prints:`; `…` stands for any text. */
function announcedBy(file: string): unknown[] {
  const text = readFileSync(join(root, file), "utf8");
  const [, lines] = /^(?:\/\/.*\n)*\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/.exec(text) ?? [];
  expect(lines, `${file} does not begin with a comment that ends in "// Prints:" and the lines`).toBeDefined();
  return (lines ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => line.slice("//   ".length))
    .map((line): unknown => (line.includes("…") ? expect.stringMatching(patternOf(line)) : line));
}

function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`);
}

function filesIn(folder: string): string[] {
  const names = readdirSync(join(root, folder), { withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map(({ name }) => `${folder}/${name}`);
}
