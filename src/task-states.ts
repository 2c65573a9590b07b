// How far each task of a run is. Bookkeeping for the runner: it decides nothing and starts nothing.
import type { Graph, GraphNode } from "./graph.ts";
import type { ItemCounts } from "./item-counts.ts";
import type { TaskResult, TaskStatus } from "./result.ts";
import type { EncodedValue } from "./serializer.ts";
import { singleWaits, type Wait } from "./step-waits.ts";

export interface TaskState {
  status: TaskStatus | "running";
  attempts: number;
  errors: readonly Error[];
  startedAt: number | undefined;
  finishedAt: number | undefined;
  reason: string;
  /** Skipped by its condition, or because all it follows were: that is no failure. */
  absent: boolean;
  /** Its value is never held: a map's outputs are read from the records of its items. */
  readBack: boolean;
  /** What it waits for, where its status is `waiting`. */
  wait: Wait | undefined;
  /** How many iterations it has had; 0 for a task that never began. */
  iterations: number;
  /** Of a map that was executed. */
  items: ItemCounts | undefined;
  /** Dependencies that have not ended. */
  open: number;
  /** Dependents that have not begun: until then the value is held. */
  takers: number;
  /** Under `keepGoing`: follows from a failure, so its value is not recorded. */
  tainted: boolean;
  value: Promise<EncodedValue | undefined> | undefined;
}

export class TaskStates {
  readonly #graph: Graph;
  readonly #keepGoing: boolean;
  readonly #states: readonly TaskState[];

  constructor(graph: Graph, keepGoing: boolean) {
    this.#graph = graph;
    this.#keepGoing = keepGoing;
    this.#states = graph.nodes.map((node) => ({
      status: "pending",
      attempts: 0,
      errors: [],
      startedAt: undefined,
      finishedAt: undefined,
      reason: "not reached",
      absent: false,
      readBack: false,
      wait: undefined,
      iterations: 0,
      items: undefined,
      open: node.dependencies.length,
      takers: node.dependents.length,
      tainted: false,
      value: undefined,
    }));
  }

  of(index: number): TaskState {
    return this.#states[index] as TaskState;
  }

  isPending(index: number): boolean {
    return this.of(index).status === "pending";
  }

  /** Has no value, and never will in this start. */
  isBroken(index: number): boolean {
    const { status, absent } = this.of(index);
    return status === "failed" || (status === "skipped" && !absent);
  }

  /** Stands behind a failed task, and does not run. */
  isBlocked(index: number): boolean {
    return !this.#keepGoing && this.#node(index).dependencies.some((dependency) => this.isBroken(dependency));
  }

  /** Follows only tasks that were skipped without a failure, so that there is nothing to work on. */
  followsSkipped(index: number): boolean {
    const { dependencies } = this.#node(index);
    return dependencies.length > 0 && dependencies.every((dependency) => this.of(dependency).absent);
  }

  /** Follows from a failure, so that what it gives is not recorded. */
  followsFailure(index: number): boolean {
    return this.#node(index).dependencies.some(
      (dependency) => this.isBroken(dependency) || this.of(dependency).tainted,
    );
  }

  /** Counts the dependencies that a task still has to wait for. */
  countOpen(index: number): number {
    return this.#node(index).dependencies.filter((dependency) => !this.#letsDependentsBegin(dependency)).length;
  }

  /** What the dependencies that a task is skipped for have come to. */
  blockers(index: number): string {
    const broken = this.#node(index).dependencies.filter((dependency) => this.isBroken(dependency));
    return broken
      .map((at) => `"${this.#node(at).id}" ${this.of(at).status === "failed" ? "failed" : "was skipped"}`)
      .join(", ");
  }

  /** The tasks that wait, with what they wait for; one that waits for several things stands here with each. */
  waiting(): { readonly index: number; readonly wait: Wait }[] {
    return this.#states.flatMap(({ status, wait }, index) =>
      status === "waiting" && wait ? singleWaits(wait).map((single) => ({ index, wait: single })) : [],
    );
  }

  /** The tasks that one is left out with. */
  skippers(index: number): string {
    const ids = this.#node(index).dependencies.map((at) => `"${this.#node(at).id}"`);
    return `follows from ${ids.join(", ")}, which ${ids.length > 1 ? "were" : "was"} skipped`;
  }

  result(index: number, { name, group }: { readonly name: string; readonly group: string }): TaskResult {
    const { status, attempts, iterations, items, errors, startedAt, finishedAt, reason } = this.of(index);
    return {
      id: this.#node(index).id,
      name,
      group,
      status: status === "running" ? "cancelled" : status,
      attempts,
      iterations,
      items,
      errors: [...errors],
      startedAt: dateOf(startedAt),
      finishedAt: dateOf(finishedAt),
      durationMs: startedAt === undefined || finishedAt === undefined ? undefined : finishedAt - startedAt,
      reason,
    };
  }

  #letsDependentsBegin(index: number): boolean {
    const { status, absent } = this.of(index);
    return status === "completed" || status === "restored" || absent || (this.#keepGoing && this.isBroken(index));
  }

  #node(index: number): GraphNode {
    return this.#graph.nodes[index] as GraphNode;
  }
}

function dateOf(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
