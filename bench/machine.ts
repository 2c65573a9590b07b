// Where the figures are taken: what a reader has to know to judge them, and the folder that files are written to.
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";

/** `BENCH_FOLDER` names a disk to measure; the default may be kept in memory, where syncing costs nothing. */
const parent = process.env["BENCH_FOLDER"] ?? tmpdir();

/** File systems that live in memory, by the number that Linux gives them: tmpfs and ramfs. */
const inMemory = new Set([0x01_02_19_94, 0x85_84_58_f6]);

export function describeMachine(): string {
  const busy = loadavg()[0] ?? 0;
  const lines = [
    `Node ${process.versions.node} on ${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model.trim() || "processor"}, load ${busy.toFixed(1)}.`,
    "Figures are medians with their lowest and highest. Files are synced to disk, on both sides.",
  ];
  if (inMemory.has(statfsSync(parent).type))
    lines.push(`${parent} is kept in memory: set BENCH_FOLDER to a folder on a disk.`);
  return lines.join("\n");
}

/** Calls `use` with an empty folder, and removes it with all that is in it. */
export async function withFolder<Result>(use: (folder: string) => Result | Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(parent, "dotflow-bench-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
