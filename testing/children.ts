// Starts child processes (child.ts, which lies beside this file also in the built package) that open the storage of a check, gives them orders and kills them.
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { extname, isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Finding } from "./contract/violation.ts";
import type { ContractProcesses } from "./contract/options.ts";
import type { Acknowledged, NumberedOrder, Order, Report } from "./contract/orders.ts";
import type { Rival } from "./contract/rivals.ts";

export type Verb = "put" | "create";

/** Another process with a storage over the same place. */
export interface Child {
  race(key: string, names: readonly string[]): Promise<Rival[]>;
  write(verb: Verb, key: string, label: string, size: number): Promise<unknown>;
  /** Resolves when the process has killed itself right after the acknowledged write. */
  writeAndDie(verb: Verb, key: string, label: string, size: number): Promise<void>;
  /** Lets it write without end; kills it at the write that is acknowledged as the `count`th, and gives those before. */
  stormUntilKilled(prefix: string, count: number): Promise<Acknowledged[]>;
  kill(): Promise<void>;
}

/** Resolves when the child has opened its storage. */
export async function startChild(processes: ContractProcesses, place: string): Promise<Child> {
  const own = fileURLToPath(import.meta.url);
  const program = new URL(`./child${extname(own)}`, import.meta.url);
  const child = fork(fileURLToPath(program), [moduleUrl(processes.module), place], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    ...(processes.execArgv && { execArgv: [...processes.execArgv] }),
  });
  return connect(child);
}

async function connect(child: ChildProcess): Promise<Child> {
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let complaint = "";
  let onAcknowledged = (_: Acknowledged): void => {};
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const ready = new Promise<void>((resolve) => {
    child.on("message", (message: Report) => {
      if ("ready" in message) return resolve();
      if ("acknowledged" in message) return onAcknowledged(message.acknowledged);
      const asked = waiting.get(message.number);
      waiting.delete(message.number);
      if ("error" in message) asked?.reject(new Finding(`in a child process: ${message.error}`));
      else asked?.resolve(message.answer);
    });
  });
  child.stderr?.on("data", (part: Buffer) => {
    complaint = (complaint + part.toString()).slice(-2_000);
  });
  const endedEarly = (how: string): Finding =>
    new Finding(`a child process ended (${how}) before it was done\n${complaint}`);
  void ended.then((how) => waiting.forEach(({ reject }) => reject(endedEarly(how))));

  let orders = 0;
  const ask = (order: Order): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const number = ++orders;
      waiting.set(number, { resolve, reject });
      child.send({ number, order } satisfies NumberedOrder, (error) => error && reject(error));
    });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };

  const early = await Promise.race([ready, ended]);
  if (early !== undefined) throw endedEarly(early);
  return {
    // The answers are made by child.ts, which is of the same version.
    race: (key, names) => ask({ do: "race", key, names }) as Promise<Rival[]>,
    write: (verb, key, label, size) => ask({ do: "write", verb, key, label, size }),
    async writeAndDie(verb, key, label, size) {
      const answered = ask({ do: "write and die", verb, key, label, size });
      const failure = await answered.then(
        () => ended.then(endedEarly),
        (error: Error) => error,
      );
      if (child.signalCode !== "SIGKILL") throw failure;
    },
    async stormUntilKilled(prefix, count) {
      const acknowledged: Acknowledged[] = [];
      const enough = new Promise<void>((resolve) => {
        onAcknowledged = (write) => {
          if (acknowledged.push(write) === count) {
            child.kill("SIGKILL");
            resolve();
          }
        };
      });
      await Promise.race([enough, ask({ do: "storm", prefix })]);
      await ended;
      return acknowledged;
    },
    kill,
  };
}

function moduleUrl(module: string | URL): string {
  if (typeof module === "string" && isAbsolute(module)) return pathToFileURL(module).href;
  return String(module);
}
