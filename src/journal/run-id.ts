// Ids of runs: they read as a time, say which of two is newer, and are spelled in keys as they are.
import { randomBytes } from "node:crypto";

/** What `newRunId` gives. */
export const runIdPattern = String.raw`\d{8}t\d{9}z-\d{4,}-[0-9a-f]{8}`;

/** The generation of the lease under which the run begins orders runs of one millisecond. */
export function newRunId(now: number, generation: number): string {
  const time = new Date(now).toISOString().replace(/[-:.]/g, "").toLowerCase();
  return `${time}-${String(generation).padStart(4, "0")}-${randomBytes(4).toString("hex")}`;
}

/** Orders ids of runs, the newest first. By generation: the clock may have been set back between two of them. */
export function newestFirst(a: string, b: string): number {
  const generationOf = (runId: string): number => Number(runId.split("-")[1]);
  return generationOf(b) - generationOf(a) || (a < b ? 1 : -1);
}

/** When a run began, in milliseconds; `NaN` for an id that is not ours. */
export function timeOfRun(runId: string): number {
  const [, year, month, day, hour, minute, second, rest] =
    /^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)(\d{3})z-/.exec(runId) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${rest}Z`);
}
