// Runs the pipeline, and kills itself at the chosen write: at a call to the storage, or at one to the file system within it.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { Storage } from "dotflow";
import { openPlace } from "../places.ts";
import { pipeline } from "./guarantee-pipeline.ts";

const [kind = "", place = "", workflowId = "", level = "", at = ""] = process.argv.slice(2);
let writes = 0;

/** Counts a write; the chosen one is the last thing that this process does. */
function arrive(): void {
  if (++writes === Number(at)) process.kill(process.pid, "SIGKILL");
}

/** Dies before and after each call that changes something. */
function dying(storage: Storage): Storage {
  const around = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    arrive();
    const answer = await call();
    arrive();
    return answer;
  };
  return {
    durable: storage.durable,
    get: (key) => storage.get(key),
    list: (prefix) => storage.list(prefix),
    put: (key, value) => around(() => storage.put(key, value)),
    create: (key, value) => around(() => storage.create(key, value)),
    delete: (key) => around(() => storage.delete(key)),
  };
}

/** Dies when half of a file is written, before it is synced, or before a name appears or goes. */
function patchFileSystem(): void {
  for (const name of ["mkdirSync", "linkSync", "renameSync", "unlinkSync", "rmdirSync"] as const) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    const patched = (path: unknown, ...rest: unknown[]): unknown => {
      if (String(path).startsWith(place)) arrive();
      return original(path, ...rest);
    };
    Object.assign(fs, { [name]: patched });
  }
  const { fsyncSync, writeFileSync } = fs;
  fs.fsyncSync = (file) => {
    if (fs.fstatSync(file).isFile()) arrive();
    fsyncSync(file);
  };
  fs.writeFileSync = (file, data, options) => {
    if (typeof file !== "number" || !(data instanceof Uint8Array)) return writeFileSync(file, data, options);
    const half = data.length >> 1;
    fs.writeSync(file, data, 0, half);
    arrive();
    fs.writeSync(file, data, half);
  };
  syncBuiltinESMExports();
}

if (level === "file system") patchFileSystem();
const storage = openPlace(kind, place);
await pipeline({ workflowId, storage: level === "storage" ? dying(storage) : storage }).start({ resume: true });
process.disconnect();
