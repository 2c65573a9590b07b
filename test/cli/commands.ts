// Runs the built command as a person would: in a folder of its own, with a pipe or in a terminal.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, vi } from "vitest";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const program = join(root, "dist/cli/main.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly ended: Promise<Ended>;
}

/** A folder with the packages that a project would have installed. It is new for every test, and goes with it. */
export class Folder {
  path = "";
  readonly #children = new Set<ChildProcess>();

  make(): void {
    this.path = mkdtempSync(join(tmpdir(), "dotflow-cli-"));
    const modules = join(this.path, "node_modules");
    mkdirSync(join(modules, "@types"), { recursive: true });
    symlinkSync(root, join(modules, "dotflow"), "dir");
    for (const name of ["tsx", "typescript", "reflect-metadata", "@types/node"])
      symlinkSync(join(root, "node_modules", name), join(modules, name), "dir");
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    this.#children.clear();
    rmSync(this.path, { recursive: true, force: true });
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  async waitForFile(name: string): Promise<void> {
    await vi.waitUntil(() => this.has(name), { timeout: 20_000 });
  }

  /** What a person has in the environment. */
  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { PATH, HOME } = process.env;
    return { PATH, HOME, TZ: "UTC", NODE_NO_WARNINGS: "1", ...more };
  }

  start(args: readonly string[], { env, input }: CommandOptions = {}): Started {
    const child = spawn(process.execPath, [program, ...args], { cwd: this.path, env: this.env(env) });
    this.#children.add(child);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => {}).end(input ?? "");
    const ended = once(child, "close").then(() => {
      this.#children.delete(child);
      return { code: child.exitCode, stdout, stderr };
    });
    return { child, stdout: () => stdout, ended };
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  runWith(options: CommandOptions, ...args: readonly string[]): Promise<Ended> {
    return this.start(args, options).ended;
  }
}

/** The folder of the running test. */
export function testFolder(): Folder {
  const folder = new Folder();
  beforeEach(() => folder.make());
  afterEach(() => folder.remove());
  return folder;
}

/** A workflow of three steps; the file `broken` has the second one fail. */
export const etl = `import { existsSync } from "node:fs";
import { action, type Context, DotFlow } from "dotflow";

const extract = action(async function extract() {
  console.log("printed by extract");
  return { rows: [1, 2, 3] };
});
const transform = action(async function transform(previous: Context<{ rows: number[] }>) {
  if (existsSync("broken")) throw new Error("the file is broken");
  return previous.storage.rows.map((row) => row * 10);
});
const load = action(async function load(previous: Context<number[]>) {
  return \`loaded \${previous.storage.join(", ")}\`;
});

const workflow = new DotFlow({ workflowId: "my-etl" });
workflow.task.add(extract).add(transform).add(load);
export default workflow;
`;

/** Goes on until the file \`release\` is there, or it is told to stop; says when it began by the file \`begun\`. */
export const patient = `import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { action, DotFlow, type StepContext } from "dotflow";

const first = action(async function first() {
  return 1;
});
const second = action(async function second(_previous: unknown, step: StepContext) {
  writeFileSync("begun", "");
  while (!existsSync("release")) {
    // A process that is told to stop, and does not, is what the second Ctrl-C is for.
    if (!process.env.STUBBORN) step.signal.throwIfAborted();
    await sleep(20);
  }
  return 2;
});

const workflow = new DotFlow({ workflowId: "patient", lease: "600ms" });
workflow.task.add(first).add(second);
export default workflow;
`;

/** Waits for a signal. */
export const approval = `import { action, DotFlow, type StepContext } from "dotflow";

const ask = action(async function ask(_previous: unknown, step: StepContext) {
  return step.waitFor("approval");
});

const workflow = new DotFlow({ workflowId: "approval" });
workflow.task.add(ask);
export default workflow;
`;
