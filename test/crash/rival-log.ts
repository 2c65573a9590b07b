// Reads what rivals noted, and counts what must not happen, and what may.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RivalNote } from "../children/crash-rival.ts";

export class RivalLog {
  readonly notes: readonly RivalNote[];

  constructor(folder: string) {
    const file = join(folder, "log");
    // The last line may be under way.
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
    this.notes = lines.map((line) => JSON.parse(line) as RivalNote).sort((one, other) => one.time - other.time);
  }

  /** Which process drives, as far as is known. */
  get driver(): number | undefined {
    let driver: RivalNote | undefined;
    for (const note of this.notes) driver = laterDriver(driver, note);
    return driver?.pid;
  }

  /** How often another process went on with the run before it was over. */
  get takeovers(): number {
    const pids = this.#of("begins").map(({ pid }) => pid);
    return pids.filter((pid, index) => index > 0 && pid !== pids[index - 1]).length;
  }

  get lost(): number {
    return this.#of("lost").length;
  }

  /** How often a start ended with a `StorageError`. */
  get failed(): number {
    return this.#of("failed").length;
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
    let driver: RivalNote | undefined;
    let count = 0;
    for (const note of this.notes) {
      driver = laterDriver(driver, note);
      if (note.what === "begins" && note.pid !== driver?.pid) count++;
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

/** The higher generation counts: one that was stopped on the way to its note tells of it when it has long lost its run. */
function laterDriver(driver: RivalNote | undefined, note: RivalNote): RivalNote | undefined {
  if (note.what !== "drives") return driver;
  return (note.generation ?? 0) > (driver?.generation ?? 0) ? note : driver;
}
