// What there is to know of a task that is to be performed, and what it can come to.
import type { Context } from "./context.ts";
import type { ItemCounts } from "./item-counts.ts";
import type { Iterations, IterationsOutcome } from "./iterations.ts";
import type { TaskParts } from "./journal/task-parts.ts";
import type { EncodedValue } from "./serializer.ts";

export interface MapFacts {
  /** The items; the previous value where it is missing. */
  readonly over: ((previous: Context<never>) => unknown) | undefined;
  /** What an item is known by; its position where it is missing. */
  readonly key: ((item: never, index: number) => unknown) | undefined;
  readonly concurrency: number;
}

export type Condition = (previous: Context<never>) => unknown;

export interface Performance extends Iterations {
  readonly when: Condition | undefined;
  /** Where the step is executed for every item of a list. */
  readonly map: MapFacts | undefined;
  /** What the task has saved on its way; missing where there can be nothing. */
  readonly saved: (() => Promise<TaskParts>) | undefined;
  /** Called once, when the condition let the task begin. */
  readonly onBegin: () => void;
}

interface Skipped {
  readonly status: "skipped";
  readonly attempts: number;
  readonly errors: readonly Error[];
  readonly iterations: number;
}

export type TaskOutcome = (IterationsOutcome | Skipped) & {
  /** Of a map. */
  readonly items?: ItemCounts;
  /** Of a map in which items failed: what the others gave, for those who go on all the same. */
  readonly partial?: EncodedValue;
};
