// Compiles every block of TypeScript in docs/ against the built package, as its reader would, and runs those that say what they print.
// And follows the links.
//
// A block with an import of its own begins a program; the blocks below it go on with that program. Comments right before a block:
// - `<!-- given: declare const rows: Row[]; -->` is code that the page takes for granted. With an import in it, it begins a program.
// - `<!-- prints: 3 rows -->` runs the program that the block belongs to, and compares the lines. A line `---` in the comment
//   begins what a second start of the program prints, over the same files.
// - `<!-- goes on -->` lets a block go on with the first program of its page, also where it has an import.
// - `<!-- refused -->` marks a block of one line that the compiler has to refuse.
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

interface Program {
  /** The page and the line at which it begins. */
  readonly name: string;
  readonly page: string;
  /** One line for each of the page, so that the compiler names the lines of the page. */
  readonly lines: string[];
  /** The lines that each start has to print; missing where it is not run. */
  prints: string[][] | undefined;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const programs = pages.flatMap(programsOf);
const running = programs.filter(({ prints }) => prints !== undefined);

let project: string;
/** Where a reader tries what the pages show, one after the other. */
let folder: string;
let verdict: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "docs-"));
  linkPackages();
  folder = join(project, "reader");
  mkdirSync(folder);
  for (const { name, lines } of programs) writeFileSync(join(project, `${name}.ts`), lines.join("\n"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    types: ["node"],
    outDir: "out",
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  verdict = await run(project, join(root, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false");
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

it("compiles every block of TypeScript in docs/, its file and line being those of the page", () => {
  expect(verdict).toBe("");
  expect(programs.length).toBeGreaterThan(30);
});

describe.concurrent("a program of docs/ prints what the page says, in one folder with the others", () => {
  it.each(running)("$page: $name", async ({ name, prints = [] }) => {
    for (const lines of prints) {
      const printed = await run(folder, join(project, "out", `${name}.js`));
      expect(printed.trimEnd().split("\n")).toEqual(lines);
    }
  });
});

it("leaves no comment of this test anywhere but before a block", () => {
  const texts = pages.map((page) => read(`docs/${page}`)).join("\n");
  const comments = texts.match(/^<!-- (given|prints|goes on|refused)\b/gm) ?? [];
  const before = texts.match(/^<!-- (given|prints|goes on|refused)\b[^]*?-->\n+(?=<!-- |```ts\n)/gm) ?? [];
  expect(before.length).toBe(comments.length);
});

it("has links that lead to a file, and to a heading of it", () => {
  const texts = new Map(["README.md", ...pages.map((page) => `docs/${page}`)].map((path) => [path, read(path)]));
  const broken = [...texts].flatMap(([path, text]) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    return links.flatMap(([link, file = "", heading]) => {
      const target = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(root, target))) return [`${path}: ${link}`];
      return heading === undefined || headingsOf(read(target)).includes(heading) ? [] : [`${path}: ${link}`];
    });
  });
  expect(broken).toEqual([]);
});

/** As they stand in links: small letters, without punctuation, with dashes between the words. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\d\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function programsOf(page: string): Program[] {
  const text = read(`docs/${page}`);
  const length = text.split("\n").length;
  const found: Program[] = [];
  let program: Program | undefined;
  const pattern = /((?:^<!-- (?:given|prints|goes on|refused)\b[^]*?-->\n+)*)^```ts\n(.*?)^```$/gms;
  for (const { index, 1: comments = "", 2: code = "" } of text.matchAll(pattern)) {
    const first = lineAt(text, index);
    const at = first + comments.split("\n").length;
    const { given, prints, goesOn, refused } = readComments(comments);
    if (goesOn) program = found[0];
    if (!program || (!goesOn && /^\s*import /m.test(`${given}\n${code}`))) {
      const name = `${page.slice(0, -".md".length)}-${at}`;
      program = { name, page, lines: Array<string>(length).fill(""), prints: undefined };
      found.push(program);
    }
    put(program, first, given.split("\n"));
    put(program, at, code.split("\n"));
    // On the line of the fence.
    if (refused) program.lines[at - 2] = "// @ts-expect-error";
    if (prints) program.prints = prints;
  }
  return found;
}

function readComments(comments: string): {
  given: string;
  prints: string[][] | undefined;
  goesOn: boolean;
  refused: boolean;
} {
  const given = /^<!-- given:([^]*?)-->$/m.exec(comments);
  const prints = /^<!-- prints:([^]*?)-->$/m.exec(comments)?.[1];
  return {
    // The lines of the comment, so that those of the page are met.
    given: given ? "\n".repeat(lineAt(comments, given.index) - 1) + given[1] : "",
    prints: prints
      ?.trim()
      .split(/^---$/m)
      .map((lines) => lines.trim().split("\n")),
    goesOn: /^<!-- goes on -->$/m.test(comments),
    refused: /^<!-- refused -->$/m.test(comments),
  };
}

function put({ lines }: Program, at: number, code: readonly string[]): void {
  for (const [index, line] of code.entries()) if (line !== "") lines[at - 1 + index] = line;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** A project with all packages of this one, and with this one as its reader has it. */
function linkPackages(): void {
  const modules = join(project, "node_modules");
  mkdirSync(modules);
  const names = readdirSync(join(root, "node_modules")).filter((name) => !name.startsWith("."));
  for (const name of names) symlinkSync(join(root, "node_modules", name), join(modules, name), "dir");
  symlinkSync(root, join(modules, "dotflow"), "dir");
}

/** Gives what a program of Node printed, where it failed too. */
async function run(cwd: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, args, { cwd })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}
