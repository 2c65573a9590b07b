// Reads what rivals noted, and counts what must not happen, and what may.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RivalNote } from "../children/crash-rival.ts";

export class RivalLog {
  readonly notes: readonly RivalNote[];

  constructor(folder: string) {
    const file = join(folder, "log");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    this.notes = lines.map((line) => JSON.parse(line) as RivalNote).sort((one, other) => one.time - other.time);
  }

  /** Which process began to drive last. */
  get driver(): number | undefined {
    return this.#of("drives").at(-1)?.pid;
  }

  /** How often another process went on with the run before it was over. */
  get takeovers(): number {
    const pids = this.#of("begins").map(({ pid }) => pid);
    return pids.filter((pid, index) => index > 0 && pid !== pids[index - 1]).length;
  }

  get lost(): number {
    return this.#of("lost").length;
  }

  get executions(): number {
    return this.#of("begins").length;
  }

  /** The digests of each task's record, one for each time that it was created. */
  records(): Map<string, string[]> {
    const records = new Map<string, string[]>();
    for (const { task = "", digest = "" } of this.#of("records"))
      records.set(task, [...(records.get(task) ?? []), digest]);
    return records;
  }

  /** Steps that a process began when another one drove already. */
  begunByOldDrivers(): number {
    let driver: number | undefined;
    let count = 0;
    for (const { what, pid } of this.notes) {
      if (what === "drives") driver = pid;
      if (what === "begins" && pid !== driver) count++;
    }
    return count;
  }

  /** Steps that began when their record was there. */
  begunThoughRecorded(): number {
    const recorded = new Set<string | undefined>();
    let count = 0;
    for (const { what, task } of this.notes) {
      if (what === "records") recorded.add(task);
      if (what === "begins" && recorded.has(task)) count++;
    }
    return count;
  }

  #of(what: RivalNote["what"]): RivalNote[] {
    return this.notes.filter((note) => note.what === what);
  }
}
