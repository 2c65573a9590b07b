// A PostgreSQL server of the tests' own: it syncs as in real life, and asks for a password, so that tests see what becomes of it.
import { execFile, execFileSync } from "node:child_process";
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, missingProgram, postgresFolders } from "./program.ts";
import type { ServerRecipe } from "./server.ts";

/** The password of the superuser `postgres`. It must show up in no error. */
export const postgresPassword = "not-for-any-eyes";

export const postgres: ServerRecipe = {
  name: "postgres",
  missing() {
    const missing = missingProgram("initdb", "postgresql", postgresFolders());
    if (missing === undefined && isRoot() && account() === undefined)
      return "PostgreSQL refuses root, and there is no user postgres: apt-get install postgresql";
    return missing;
  },
  prepare(folder) {
    const password = join(folder, "password");
    writeFileSync(password, postgresPassword);
    const { uid, gid } = account() ?? {};
    if (uid !== undefined && gid !== undefined) for (const path of [folder, password]) chownSync(path, uid, gid);
    const args = ["-D", join(folder, "data"), "-A", "scram-sha-256", "-U", "postgres", `--pwfile=${password}`];
    // -N skips only the sync of the new files: the server itself syncs what it commits.
    execFileSync(program("initdb"), [...args, "--no-locale", "-E", "UTF8", "-N"], {
      cwd: folder,
      stdio: "pipe",
      ...account(),
    });
    rmSync(password);
  },
  command(folder, port) {
    awaitEndOfLast(folder);
    const args = ["-D", join(folder, "data"), "-p", String(port), ...settings({ max_connections: 300 })];
    return { file: program("postgres"), args, ...account() };
  },
  async ready(port) {
    const args = ["-h", "127.0.0.1", "-p", String(port), "-q"];
    return promisify(execFile)(program("pg_isready"), args).then(
      () => true,
      () => false,
    );
  },
  address: (port) => `postgres://postgres:${postgresPassword}@127.0.0.1:${port}/postgres`,
};

/** The same with other settings of the server, such as `{ fsync: "off" }`. */
export function postgresWith(changes: Readonly<Record<string, string | number>>): ServerRecipe {
  return {
    ...postgres,
    command(folder, port) {
      const { args, ...rest } = postgres.command(folder, port);
      return { ...rest, args: [...args, ...settings(changes)] };
    },
  };
}

function settings(changes: Readonly<Record<string, string | number>>): string[] {
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...changes };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Right after a kill some of its processes may be about to end, and PostgreSQL does not start beside them. */
function awaitEndOfLast(folder: string): void {
  const file = join(folder, "data", "postmaster.pid");
  if (!existsSync(file)) return;
  const memory = readFileSync(file, "utf8").split("\n")[6]?.trim().split(/\s+/)[1];
  const isInUse = (): boolean => {
    const rows = readFileSync("/proc/sysvipc/shm", "utf8").split("\n");
    const [, , , , , , users = "0"] = rows.map((row) => row.trim().split(/\s+/)).find((row) => row[1] === memory) ?? [];
    return users !== "0";
  };
  const end = Date.now() + 10_000;
  while (isInUse() && Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

function program(name: string): string {
  return findProgram(name, postgresFolders()) ?? name;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function account(): { uid: number; gid: number } | undefined {
  if (!isRoot()) return undefined;
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
