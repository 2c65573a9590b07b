// The tests of StorageSqlite once more with node:sqlite, which the Node that runs the tests may not have: with the one that
// DOTFLOW_TEST_NODE names. better-sqlite3 counts as not installed there, so that nothing else can have passed them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const node = process.env["DOTFLOW_TEST_NODE"];
const hasOwn = process.getBuiltinModule("node:sqlite") !== undefined;
const root = fileURLToPath(new URL("..", import.meta.url));
const files = ["test/contract/sqlite.test.ts", "test/storage-sqlite.test.ts", "test/storage-sqlite-faults.test.ts"];

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const why = "NOT TESTED, since DOTFLOW_TEST_NODE does not name a Node from 22.13 on";
if (!hasOwn && node === undefined) console.warn(`\n>>> The tests with node:sqlite are SKIPPED. ${why}.\n`);

it.skipIf(hasOwn || node === undefined)(
  `keeps the contract and all the rest with node:sqlite${node === undefined ? `, ${why}` : ""}`,
  { timeout: 400_000 },
  async () => {
    // Then all tests of this run use it already.
    if (hasOwn) return expect(process.getBuiltinModule("node:sqlite")).toHaveProperty("DatabaseSync");
    const { testResults } = await runWith(node ?? "");
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    expect(testResults.map(({ message }) => message)).toEqual(files.map(() => ""));
    expect(tests.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(tests.length).toBeGreaterThan(140);
  },
);

async function runWith(program: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "dotflow-builtin-"));
  const output = join(folder, "report.json");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const config = "test/children/storage-sqlite-vitest.config.ts";
  const args = [vitest, "run", "--config", config, "--reporter=json", `--outputFile=${output}`, ...files];
  const without = new URL("children/without-packages.mjs", import.meta.url).href;
  const environment = { ...process.env, WITHOUT_PACKAGES: "better-sqlite3", NODE_OPTIONS: `--import ${without}` };
  try {
    const child = spawn(program, args, { cwd: root, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (said += part.toString()));
    await once(child, "close");
    try {
      return JSON.parse(readFileSync(output, "utf8")) as Report; // Written by Vitest.
    } catch {
      throw new Error(`The tests gave no report.\n${said.slice(-4_000)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
