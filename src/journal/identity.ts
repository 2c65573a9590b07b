// Which process on which machine this is, and whether another one of the same machine is dead for certain.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

/** Names a process so that another one on the same machine can tell whether it still lives. */
export interface Identity {
  readonly host: string;
  readonly pid: number;
  /** Random, one per loaded copy of dotflow. */
  readonly process: string;
  /** Linux only: two containers may share a host name, and a process id is used again. All three must match. */
  readonly boot?: string;
  readonly namespace?: string;
  readonly started?: string;
}

export type Liveness = "this process" | "alive" | "dead" | "unknown";

let own: Identity | undefined;

export function ownIdentity(): Identity {
  own ??= { host: hostname(), pid: process.pid, process: randomUUID(), ...linuxFacts() };
  return own;
}

/** What is certain about the process of `identity`. A process on another machine, or not on Linux, is `unknown`. */
export function livenessOf(identity: Identity): Liveness {
  const self = ownIdentity();
  if (identity.process === self.process) return "this process";
  if (!identity.boot || identity.boot !== self.boot || identity.namespace !== self.namespace) return "unknown";
  const started = startOf(identity.pid);
  return started !== undefined && started === identity.started ? "alive" : "dead";
}

function linuxFacts(): Pick<Identity, "boot" | "namespace" | "started"> {
  if (process.platform !== "linux") return {};
  try {
    const files = fileSystem();
    const boot = files.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const namespace = files.readlinkSync("/proc/self/ns/pid");
    const started = startOf(process.pid);
    return started === undefined ? {} : { boot, namespace, started };
  } catch {
    return {};
  }
}

/** The start time of a process in clock ticks since boot; `undefined` for one that is gone or only waits to be reaped. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fileSystem().readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command, second, stands in parentheses and may hold spaces: fields 3 and 22 are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The core writes no files and so imports no file system; these few reads of /proc ask Node for it. */
function fileSystem(): typeof import("fs") {
  return process.getBuiltinModule("fs");
}
