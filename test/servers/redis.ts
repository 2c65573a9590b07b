// A Redis server of the tests' own: its log is synced before it answers, and it never drops a key.
import { connect } from "node:net";
import { findProgram, missingProgram } from "./program.ts";
import type { ServerRecipe } from "./server.ts";

export const redis: ServerRecipe = redisWith({});

/** The same with other settings, such as `{ appendonly: "no" }`. */
export function redisWith(changes: Readonly<Record<string, string>>): ServerRecipe {
  const settings = { bind: "127.0.0.1", save: "", appendonly: "yes", appendfsync: "always", ...changes };
  return {
    name: "redis",
    missing: () => missingProgram("redis-server", "redis-server"),
    command: (folder, port) => ({
      file: findProgram("redis-server") ?? "redis-server",
      args: Object.entries({ ...settings, port: String(port), dir: folder }).flatMap(([name, value]) => [
        `--${name}`,
        value,
      ]),
    }),
    ready: answers,
    address: (port) => `redis://127.0.0.1:${port}`,
  };
}

/** Whether it has read its log: until then it refuses commands. One that asks for a password has. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    const end = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.once("data", (data) => end(/^(\+PONG|-NOAUTH)/.test(data.toString()))).once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}
