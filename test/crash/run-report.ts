// What test/children/crash-run.ts prints when it comes to its end.
import type { Ended } from "./programs.ts";

export interface RunReport {
  readonly status: string;
  /** A digest of the values of all tasks. */
  readonly values: string;
  /** The moments that it passed. */
  readonly moments: readonly string[];
}

export function reportOf({ lines, how, complaint }: Ended): RunReport {
  if (how !== 0) throw new Error(`The process ended with ${how}: ${complaint}`);
  return JSON.parse(lines.at(-1) ?? "") as RunReport;
}
