// What a crash test found, for tests and for people.
import type { StorageOperation } from "../fault.ts";

/** One call to the storage, counted from 1 in each start. */
export interface CrashOperation {
  readonly number: number;
  readonly verb: StorageOperation;
  /** The prefix, for `list`. */
  readonly key: string;
  /**
   * What it writes: a `lease`, a `run`, the `end` of one, the record of a `step`, a `part` that a step saves on its way
   * (an iteration, an item, `once`, progress, a wait), a `batch` of gathered records, a `signal` or a `snapshot`.
   */
  readonly writes: string | undefined;
}

/** Where a crash strikes: the operation does not happen, stores only half of its bytes, or happens and is not answered. */
export type CrashPoint = "before" | "within" | "after";

/** Where one start was struck. */
export interface Strike {
  /** Which start of the run it was, from 1. */
  readonly start: number;
  readonly operation: CrashOperation;
  /**
   * `late`: the process died with the operation under way; it reached the storage before the operation of the next start
   * that is marked `deliver`, or after its end. `hold`: the process lived, and the operation had to wait.
   */
  readonly point: CrashPoint | "late" | "deliver" | "hold";
}

export type CrashProblemKind =
  /** The resumed run ended otherwise than one without a crash. */
  | "different result"
  /** A step was started whose record was in the storage. */
  | "ran again"
  /** The resume was refused, or something that it left can't be read. */
  | "not loadable"
  /** The record of a step, an iteration, an item or `once` was replaced, or removed while its run was not over. */
  | "record changed"
  /** The record of a step was written before the step had given its result. */
  | "recorded early"
  /** A step was reported as completed before its record was in the storage; where records are gathered, before its run ended. */
  | "not recorded"
  /** A second start was let in while the first one lived. */
  | "lease ignored";

export interface CrashProblem {
  readonly kind: CrashProblemKind;
  /** The strikes of its round, in order; empty where it happened without a crash. */
  readonly strikes: readonly Strike[];
  /** What was found, with the key or the task. */
  readonly text: string;
}

export class CrashReport {
  /** How many storage operations one start makes without a crash. */
  readonly operations: number;
  /** How many times a start was crashed. */
  readonly crashes: number;
  /** How many times a second start tried to take the run of a living one. */
  readonly rivals: number;
  /** Crashes that did not come to pass, as the start made fewer operations than the time before: its order depends on time. */
  readonly missed: number;
  /** Empty when all is well. */
  readonly problems: readonly CrashProblem[];

  constructor(facts: Pick<CrashReport, "operations" | "crashes" | "rivals" | "missed" | "problems">) {
    this.operations = facts.operations;
    this.crashes = facts.crashes;
    this.rivals = facts.rivals;
    this.missed = facts.missed;
    this.problems = facts.problems;
  }

  /** The report as a text for people: the counts, and the first problems with their crash points. */
  toString(): string {
    const { operations, crashes, rivals, missed, problems } = this;
    const counts = [`${operations} operations`, `${crashes} crashes`, `${rivals} rivals`];
    if (missed > 0) counts.push(`${missed} missed`);
    counts.push(problems.length === 0 ? "no problems" : `problems: ${problems.length}`);
    const lines = problems.slice(0, shown).map(describe);
    if (problems.length > shown) lines.push(`and ${problems.length - shown} more`);
    return [counts.join(", "), ...lines].join("\n");
  }
}

const shown = 20;

function describe({ kind, strikes, text }: CrashProblem, index: number): string {
  const where = strikes.length === 0 ? "without a crash" : strikes.map(place).join(", then ");
  return `${index + 1}. ${kind}, ${where}: ${text}`;
}

function place({ start, operation: { number, verb, key }, point }: Strike): string {
  const what = `operation ${number} (${verb} ${key})`;
  switch (point) {
    case "hold":
      return `start ${start} was held at ${what}`;
    case "late":
      return `start ${start} crashed with ${what} under way`;
    case "deliver":
      return `that arrived before ${what} of start ${start}`;
    default:
      return `start ${start} crashed ${point} ${what}`;
  }
}
