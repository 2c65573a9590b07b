// A server of this machine that a test talks to: on a free port, with a folder of its own, and ended by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Server {
  /** What a client needs to reach it, as a text. It stays the same when the server is started again. */
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  /** Ends it at once, as a power failure would (SIGKILL). What it kept on disk stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port and folder. */
  start(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP): connections stay open and nobody answers. */
  pause(): void;
  /** Lets it go on after `pause`. */
  resume(): void;
  /** Ends it for good, and removes its folder. */
  stop(): Promise<void>;
}

/** How a kind of server is started. */
export interface ServerRecipe {
  readonly name: string;
  /** What is missing on this machine, with what installs it; `undefined` where nothing is. */
  missing(): string | undefined;
  /** Fills the new folder, once. */
  prepare?(folder: string, port: number): void | Promise<void>;
  command(folder: string, port: number): ServerCommand;
  /** Whether it answers. @default whether it accepts a connection */
  ready?(port: number): Promise<boolean>;
  address(port: number, folder: string): string;
}

interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** How long a server may take until it answers. */
const startLimit = 60_000;

export async function startServer(recipe: ServerRecipe): Promise<Server> {
  const missing = recipe.missing();
  if (missing !== undefined) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), `dotflow-${recipe.name}-`));
  const port = await freePort();
  await recipe.prepare?.(folder, port);
  let running: ChildProcess | undefined;

  const signal = (name: NodeJS.Signals): void => {
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    for (const pid of family(running.pid)) send(pid, name);
  };
  const kill = async (): Promise<void> => {
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    signal("SIGKILL");
    await ended;
  };
  const onExit = (): void => signal("SIGKILL");
  const server: Server = {
    address: recipe.address(port, folder),
    port,
    folder,
    kill,
    async start() {
      running = await launch(recipe, folder, port);
    },
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async stop() {
      await kill();
      process.off("exit", onExit);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  process.on("exit", onExit);
  await server.start();
  return server;
}

async function launch(recipe: ServerRecipe, folder: string, port: number): Promise<ChildProcess> {
  const { file, args, env, uid, gid } = recipe.command(folder, port);
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid !== undefined && { uid, gid }),
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => (said = (said + part.toString()).slice(-4_000)));
  child.on("error", (error) => (said += error.message));
  const ready = recipe.ready ?? accepts;
  for (const end = Date.now() + startLimit; Date.now() < end; await sleep(20)) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${recipe.name} ended while it started.\n${said}`);
    if (await ready(port)) return child;
  }
  for (const pid of family(child.pid ?? 0)) send(pid, "SIGKILL");
  throw new Error(`${recipe.name} did not answer within ${startLimit / 1_000} seconds.\n${said}`);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Whether something accepts connections on a port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}

/** A process and all that descend from it. Groups don't tell: PostgreSQL gives each of its processes a session of its own. */
function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const all = [pid];
  for (const each of all) all.push(...(children.get(each) ?? []));
  return all;
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
