// What a process writes of its lease.
import type { Identity } from "./identity.ts";

/** A run, and which of its plans counts: 0 is the one it began with, others lie under the generation that wrote them. */
export interface RunPointer {
  readonly run: string;
  readonly plan: number;
  /** Whether tasks of it saved something on their way: then a resume looks for what those have that are not done. */
  readonly parts?: boolean;
  /** Whether records of it were written together. */
  readonly batches?: boolean;
  /** Whether its steps share state: then a resume reads it from their records. */
  readonly state?: boolean;
}

/** What a lease says of the run it drives: none yet, or the newest first. The older ones stand until the newest is known to exist. */
export type Pointers = readonly RunPointer[];

/** Short texts of observers, by the name of the observer. */
export type Notes = Readonly<Record<string, string>>;

/** What a process writes of its lease. */
export interface LeaseBody {
  readonly runs: Pointers;
  readonly lease: number;
  readonly renewed: number;
  readonly count: number;
  readonly released: boolean;
  /** Whether everything that was begun under it was written to the end; missing where that is not certain. */
  readonly intact?: boolean;
  readonly owner: Identity;
  /** What observers of the one who drives want those of the next one to know, by their names. */
  readonly notes?: Notes;
}
