// How a run ended, in a form that can be compared: with whatever was restored counted as completed.
import { inspect, isDeepStrictEqual } from "node:util";
import type { RunResult } from "../../src/result.ts";

/** How a run ended, over all its starts. */
export interface CrashOutcome {
  readonly status: string;
  /** The status of each task, by id; `completed` also for those that were restored. */
  readonly tasks: Readonly<Record<string, string>>;
  /** The value of each task that has one, by id. */
  readonly values: Readonly<Record<string, unknown>>;
}

export async function outcomeOf(result: RunResult): Promise<CrashOutcome> {
  const tasks = result.tasks.map(({ id, status }) => [id, status === "restored" ? "completed" : status]);
  const values = Object.entries(await result.contexts()).map(([id, { storage }]) => [id, storage]);
  return {
    status: result.status,
    tasks: Object.fromEntries(tasks) as Record<string, string>,
    values: Object.fromEntries(values) as Record<string, unknown>,
  };
}

/** Says where two outcomes differ, for people. */
export function difference(expected: CrashOutcome, actual: CrashOutcome): string {
  const found: string[] = [];
  const compare = (what: string, one: unknown, other: unknown): void => {
    if (!isDeepStrictEqual(one, other)) found.push(`${what} is ${show(other)} instead of ${show(one)}`);
  };
  compare("the status", expected.status, actual.status);
  for (const id of keysOf(expected.tasks, actual.tasks))
    compare(`the status of "${id}"`, expected.tasks[id], actual.tasks[id]);
  for (const id of keysOf(expected.values, actual.values))
    compare(`the value of "${id}"`, expected.values[id], actual.values[id]);
  if (found.length === 0) return "the outcomes differ by the option compare.";
  return `${found.slice(0, 3).join("; ")}${found.length > 3 ? `; and ${found.length - 3} more` : ""}.`;
}

function keysOf(...records: object[]): Set<string> {
  return new Set(records.flatMap((record) => Object.keys(record)));
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 3, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 100 });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
