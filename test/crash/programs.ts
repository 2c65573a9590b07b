// Starts the programs of test/children as processes, and listens to what they print.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bundleOf } from "../bundle.ts";

export interface Program {
  start(...args: string[]): Running;
  /** Kills what still runs. */
  end(): Promise<void>;
}

export interface Running {
  readonly child: ChildProcess;
  /** The first line that it prints; `undefined` if it ends without one. */
  readonly firstLine: Promise<string | undefined>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly lines: readonly string[];
  /** The exit code or the signal. */
  readonly how: number | string;
  /** What it printed to its error output. */
  readonly complaint: string;
}

export function programOf(name: string): Program {
  const file = bundleOf(name);
  const running = new Set<Running>();
  return {
    start(...args) {
      const started = run(spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] }));
      running.add(started);
      void started.ended.then(() => running.delete(started));
      return started;
    },
    async end() {
      for (const { child, ended } of running) {
        child.kill("SIGKILL");
        await ended;
      }
    },
  };
}

function run(child: ChildProcess): Running {
  const lines: string[] = [];
  let complaint = "";
  const ended = once(child, "close").then(([code, signal]): Ended => ({
    lines,
    how: (signal ?? code) as number | string,
    complaint,
  }));
  const firstLine = new Promise<string | undefined>((resolve) => {
    if (child.stdout) {
      createInterface(child.stdout).on("line", (line) => {
        lines.push(line);
        resolve(line);
      });
    }
    void ended.then(() => resolve(undefined));
  });
  child.stderr?.on("data", (part: Buffer) => {
    complaint = (complaint + part.toString()).slice(-2_000);
  });
  return { child, firstLine, ended };
}
