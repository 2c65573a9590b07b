// What a resume keeps of a saved run, and why each other task runs. Pure: saved plan and present plan in, decision out.
import type { WorkflowChange } from "./errors.ts";
import type { PlannedTask } from "./fingerprint.ts";
import { type Graph, withFollowers } from "./graph.ts";
import type { Plan } from "./journal/plan.ts";

export const changePolicies = ["raise", "restart", "rerun", "reuse"] as const;
export type OnChange = (typeof changePolicies)[number];

export interface RestoreOptions {
  readonly saved: Plan;
  /** Whether a record of the task is there, in the run itself or in one that it refers to. */
  readonly isSaved: (taskId: string) => boolean;
  /** Those of the tasks whose definition differs that have no record, but saved something on their way. */
  readonly begun: ReadonlySet<string>;
  readonly graph: Graph;
  readonly present: readonly PlannedTask[];
  readonly onChange: OnChange;
  /** Index of the task that the user wants to begin from. */
  readonly from: number | undefined;
}

export interface Restoration {
  /** `same` goes on with the saved run, `new` begins one that refers to what is kept of it. */
  readonly run: "same" | "new";
  /** The ids of the tasks that are not run again. */
  readonly kept: ReadonlySet<string>;
  /** Why a task runs, where it is not simply that it has no record. */
  readonly reasons: ReadonlyMap<string, string>;
  /** What differs; with `onChange: "raise"` these are the reason to refuse. */
  readonly changes: readonly WorkflowChange[];
}

export function decideRestoration(options: RestoreOptions): Restoration {
  const { isSaved, graph, present, onChange, from } = options;
  const again = from === undefined ? new Set<number>() : withFollowers(graph, [from]);
  const reasons = new Map<string, string>();
  for (const index of again)
    reasons.set(
      idOf(present, index),
      index === from ? "asked for with from" : `follows from "${idOf(present, from as number)}"`,
    );

  const changes = findChanges(options, again);
  if (changes.length > 0 && onChange === "raise") return { run: "same", kept: new Set(), reasons, changes };
  if (changes.length > 0 && onChange === "restart") {
    for (const task of present) reasons.set(task.id, `restarted, as ${describe(changes)}`);
    return { run: "new", kept: new Set(), reasons, changes };
  }

  let run: Restoration["run"] = from === undefined ? "same" : "new";
  if (changes.length > 0 && onChange === "rerun") {
    run = "new";
    const changed = new Map(changes.map(({ taskId, what }) => [taskId, what]));
    const roots = present.flatMap((task, index) => (changed.has(task.id) ? [index] : []));
    for (const index of withFollowers(graph, roots)) {
      again.add(index);
      const id = idOf(present, index);
      if (!reasons.has(id)) reasons.set(id, changed.get(id) ?? followsFrom(graph, present, index, again));
    }
  }
  const kept = new Set(present.filter(({ id }, index) => !again.has(index) && isSaved(id)).map(({ id }) => id));
  return { run, kept, reasons, changes };
}

/** Whether the run has to note a new plan: the tasks are not the ones that it was begun with. */
export function differs(saved: readonly PlannedTask[], present: readonly PlannedTask[]): boolean {
  return (
    saved.length !== present.length ||
    present.some((task, index) => task.fingerprint !== saved[index]?.fingerprint || task.name !== saved[index].name)
  );
}

function findChanges({ saved, isSaved, begun, present }: RestoreOptions, again: ReadonlySet<number>): WorkflowChange[] {
  if (!differs(saved.tasks, present)) return [];
  const before = new Map(saved.tasks.map((task) => [task.id, task]));
  const now = new Map(present.map((task, index) => [task.id, index]));
  const changes: WorkflowChange[] = [];
  for (const old of saved.tasks) {
    if (!isSaved(old.id) && !begun.has(old.id)) continue;
    const index = now.get(old.id);
    if (index === undefined) changes.push({ taskId: old.id, what: "is saved, but no longer in the workflow" });
    else if (!again.has(index) && present[index]?.fingerprint !== old.fingerprint) {
      const what = whatDiffers(old, present[index] as PlannedTask, before, present);
      changes.push({ taskId: old.id, what: isSaved(old.id) ? what : `had begun, and ${what}` });
    }
  }
  for (const [index, { id }] of present.entries()) {
    if (before.has(id) || again.has(index)) continue;
    // Its definition is forgotten, so nobody can say whether what is saved still fits.
    if (isSaved(id)) changes.push({ taskId: id, what: "is saved from before it was taken out of the workflow" });
    else if (begun.has(id)) changes.push({ taskId: id, what: "had begun before it was taken out of the workflow" });
  }
  return changes;
}

function whatDiffers(
  old: PlannedTask,
  now: PlannedTask,
  before: ReadonlyMap<string, PlannedTask>,
  present: readonly PlannedTask[],
): string {
  const differences: string[] = [];
  if (old.version !== now.version) differences.push(`version ${old.version ?? "none"} → ${now.version ?? "none"}`);
  if (old.inputs !== now.inputs) differences.push(`follows ${inputsText(old)} → ${inputsText(now)}`);
  if (old.initial !== now.initial) differences.push("its initial context differs");
  if (differences.length > 0) return differences.join(", ");
  const changed = present.find(
    (task) => inputIds(now).includes(task.id) && before.get(task.id)?.fingerprint !== task.fingerprint,
  );
  return changed ? `follows from "${changed.id}", which changed` : "follows from tasks that changed";
}

function followsFrom(graph: Graph, present: readonly PlannedTask[], index: number, again: ReadonlySet<number>): string {
  const changed = graph.nodes[index]?.dependencies.find((dependency) => again.has(dependency));
  return changed === undefined ? "follows from tasks that changed" : `follows from "${idOf(present, changed)}"`;
}

function inputIds(task: PlannedTask): readonly string[] {
  return (JSON.parse(task.inputs) as [string, string[]])[1];
}

function inputsText(task: PlannedTask): string {
  const ids = inputIds(task);
  return ids.length === 0 ? "nothing" : ids.map((id) => `"${id}"`).join(", ");
}

/** The changes as one text, cut where there are many. */
export function describe(changes: readonly WorkflowChange[]): string {
  const texts = changes.slice(0, 5).map(({ taskId, what }) => `"${taskId}" ${what}`);
  return texts.join("; ") + (changes.length > texts.length ? `; and ${changes.length - texts.length} more` : "");
}

function idOf(tasks: readonly PlannedTask[], index: number): string {
  return tasks[index]?.id ?? "";
}
