// What makes a saved record fit a task: its id, version, inputs and initial context, and those of all it follows from.
import { hash } from "node:crypto";
import type { Graph, GraphNode } from "./graph.ts";

/** What a plan keeps of each task, so that a later start can tell what differs. */
export interface PlannedTask {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly version?: string | number | undefined;
  /** Shape of the inputs and the ids they come from. */
  readonly inputs: string;
  /** Hash of the initial context; missing where there is none. */
  readonly initial?: string | undefined;
  readonly fingerprint: string;
  /** Whether it has a condition, so that its record may say that it was skipped. */
  readonly when?: true | undefined;
  /** Whether it goes over a list. */
  readonly map?: true | undefined;
  /** Whether it is a workflow, which has runs of its own. */
  readonly workflow?: true | undefined;
}

export type TaskFacts = Pick<PlannedTask, "name" | "group" | "version" | "initial" | "when" | "map" | "workflow">;

/** Describes every task of the graph. `facts` gives what the graph does not know. Retry, timeout and code are not part of it. */
export function planTasks(graph: Graph, facts: (node: GraphNode) => TaskFacts): PlannedTask[] {
  const planned: PlannedTask[] = [];
  for (const index of graph.order) {
    const node = graph.nodes[index] as GraphNode;
    const { name, group, version, initial, when, map, workflow } = facts(node);
    const { shape, names, ids } = node.inputs;
    const inputs = JSON.stringify(names ? [shape, ids, names] : [shape, ids]);
    const before = node.dependencies.map((dependency) => [planned[dependency]?.id, planned[dependency]?.fingerprint]);
    // JSON keeps the parts apart, and the number 1 apart from the text "1".
    const fingerprint = digest(
      JSON.stringify([node.id, version ?? null, inputs, initial ?? null, before, ...(map ? ["map"] : [])]),
    );
    planned[index] = { id: node.id, name, group, version, inputs, initial, fingerprint, when, map, workflow };
  }
  return planned;
}

/** A short hash, long enough that no two things of one workflow share it. */
export function digest(data: string | Uint8Array): string {
  return hash("sha256", data, "base64url").slice(0, 22);
}
