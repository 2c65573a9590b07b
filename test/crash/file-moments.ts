// Numbers the moments at which this process changes files, and kills it at one of them: before each call, and in the
// middle of each write.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";

/** What was about to happen at each moment, such as `link steps`; the first is moment 1. */
export const moments: string[] = [];

let fatal: number | string = 0;
const openFile = fs.openSync;
/** What the files that are being written are going to be, by file descriptor. */
const written = new Map<number, string>();

/** Kills this process, the hard way, at the moment of that number, or the first that is called so; with 0 it only counts. */
export function dieAt(moment: number | string): void {
  fatal = moment;
  patch();
  syncBuiltinESMExports();
}

/** A moment that is no change of a file. */
export function pass(what: string): void {
  if (moments.push(what) === fatal || what === fatal) process.kill(process.pid, "SIGKILL");
}

/** Adds a line to a file, at once and for good as far as a killed process goes. It is no moment. */
export function note(path: string, line: string): void {
  const file = openFile(path, "a");
  fs.writeSync(file, `${line}\n`);
  fs.closeSync(file);
}

function patch(): void {
  const { linkSync, mkdirSync, openSync, renameSync, unlinkSync, writeFile, writeFileSync } = fs;
  const before =
    <Arguments extends unknown[], Result>(what: string, call: (...given: Arguments) => Result) =>
    (...given: Arguments): Result => {
      const path = given.findLast((each) => typeof each === "string" && each.startsWith("/"));
      pass(`${what} ${partOf(String(path))}`);
      return call(...given);
    };
  fs.mkdirSync = ((path: string, options: fs.MakeDirectoryOptions) => {
    pass(`mkdir ${partOf(path)}`);
    return mkdirSync(path, options);
  }) as typeof mkdirSync;
  fs.linkSync = before("link", linkSync);
  fs.renameSync = before("rename", renameSync);
  fs.unlinkSync = before("unlink", unlinkSync);
  fs.openSync = (path, flags, mode) => {
    if (flags !== "wx") return openSync(path, flags, mode);
    pass("open a temporary file");
    const file = openSync(path, flags, mode);
    written.set(file, partOf(dirname(String(path))));
    return file;
  };
  fs.writeFileSync = (file, data, options) => {
    passInWrite(file, data);
    writeFileSync(file, data, options);
  };
  fs.writeFile = ((file: number, data: Uint8Array, done: (error: Error | null) => void) => {
    passInWrite(file, data);
    writeFile(file, data, done);
  }) as typeof writeFile;
}

/** Before a write, and when half of it is done. */
function passInWrite(file: unknown, data: unknown): void {
  const what = written.get(file as number) ?? "a file";
  pass(`write nothing of ${what}`);
  if (moments.length + 1 === fatal && data instanceof Uint8Array)
    fs.writeSync(file as number, data.subarray(0, data.length >> 1));
  pass(`write half of ${what}`);
}

const folders = new Set(
  "leases run plans ends steps batches snapshots iterations items once intents progress waits arrivals signals taken".split(
    " ",
  ),
);

function partOf(path: string): string {
  if (path.includes("/.dotflow-")) return "a temporary file";
  return path.split("/").findLast((part) => folders.has(part)) ?? "a folder";
}
