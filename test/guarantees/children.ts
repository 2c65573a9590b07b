// Child processes of the tests of the guarantees: started, listened to, and ended whatever becomes of the test.
import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { bundleOf } from "../bundle.ts";

export interface Child {
  readonly process: ChildProcess;
  /** Resolves with the next message that it sends and that was not taken yet; rejects when it ends before. */
  message<Message>(): Promise<Message>;
  send(message: string): void;
  /** Resolves with how it ended, such as `SIGKILL` or `0`. */
  readonly ended: Promise<string>;
}

/** Starts `test/children/<name>.ts`. It is killed when the test ends, should it still live. */
export function startChild(name: string, ...args: string[]): Child {
  return listenTo(name, fork(bundleOf(name), args, { execArgv: [], stdio }));
}

/** The same for one that loads other modules in TypeScript itself. */
export function startCompilingChild(name: string, ...args: string[]): Child {
  const program = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  return listenTo(name, fork(program, args, { execArgv: ["--import", "tsx"], stdio }));
}

const stdio: StdioOptions = ["ignore", "pipe", "pipe", "ipc"];

function listenTo(name: string, child: ChildProcess): Child {
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Buffer) => (said += part.toString()));
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? String(code)));
  });
  const arrived: unknown[] = [];
  let look = (): void => {};
  child.on("message", (message) => {
    arrived.push(message);
    look();
  });
  return {
    process: child,
    ended,
    send: (message) => void child.send(message),
    async message<Message>() {
      const next = new Promise<void>((resolve) => (look = resolve));
      if (arrived.length === 0) await Promise.race([next, ended]);
      if (arrived.length === 0) throw new Error(`${name} ended (${await ended}) without a message.\n${said}`);
      return arrived.shift() as Message;
    },
  };
}
