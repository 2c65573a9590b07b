// Which run a start drives: the saved one, or a new one that may refer to records of the saved one.
import type { Clock } from "./clock.ts";
import { WorkflowChangedError } from "./errors.ts";
import type { PlannedTask } from "./fingerprint.ts";
import type { Journal } from "./journal/journal.ts";
import { keptRecords, ofTask, type Plan, runsBefore } from "./journal/plan.ts";
import { planOf, type Prepared } from "./prepare.ts";
import { decideRestoration, describe, differs, type OnChange, type Restoration } from "./restore.ts";
import type { EncodedValue } from "./serializer.ts";

export interface Settled {
  readonly plan: Plan;
  /** The run that records were taken over from. */
  readonly resumedFrom: string | undefined;
  /** How many tasks are restored. */
  readonly restored: number;
  /** Why tasks run that have no record, where there is more to say. */
  readonly reasons: ReadonlyMap<string, string>;
}

export interface SettleOptions {
  readonly workflowId: string;
  readonly name: string;
  readonly clock: Clock;
  readonly onChange: OnChange;
  /** The run of another workflow that this one is a step of. */
  readonly parent: string | undefined;
}

/** Writes the plan of the run where it is new, before any step of it. Rejects with a `WorkflowChangedError` where the user has to decide. */
export async function settle(journal: Journal, prepared: Prepared, options: SettleOptions): Promise<Settled> {
  const { workflowId, name, clock, onChange, parent } = options;
  const { graph, from } = prepared;
  // A workflow that is a step belongs to one run of the other: with a new one it begins anew.
  const saved = journal.plan?.parent === parent ? journal.plan : undefined;
  const { input, present, restoration } = await decide(prepared, saved, journal, onChange);

  const begin = async (before: Pick<Plan, "kept" | "parts" | "begun" | "items">): Promise<Plan> => {
    const now = clock.now();
    const createdAt = new Date(now).toISOString();
    const plan = {
      runId: journal.nextRunId(now),
      createdAt,
      name,
      mode: graph.mode,
      parent,
      previous: saved?.runId,
      input,
      ...before,
      tasks: present,
    };
    await journal.begin(plan);
    return plan;
  };

  if (!saved || !restoration)
    return { plan: await begin({ kept: keptRecords([]) }), resumedFrom: undefined, restored: 0, reasons: new Map() };
  const { run, kept, reasons, changes } = restoration;
  if (changes.length > 0 && onChange === "raise") {
    throw new WorkflowChangedError(
      `Workflow "${workflowId}" no longer fits its saved run "${saved.runId}": ${describe(changes)}. ` +
        'Start with onChange "rerun" (runs what changed and what follows from it), "reuse" (takes what is saved) or "restart", or undo the change.',
      { workflowId, runId: saved.runId, changes },
    );
  }
  const restored = kept.size;
  const resumedFrom = run === "same" || restored > 0 ? saved.runId : undefined;
  if (run === "new") {
    // Asked of the journal: a record that was torn and written again lies in another run than the plan says.
    const origins = [...kept].map((id) => [id, journal.originOf(id)] as const);
    const parts = goneOnFrom(saved, await mayHaveBegun(journal, prepared, { kept, reasons }));
    const mayTakeItems = from === undefined && onChange === "rerun";
    const items = { ...parts.items, ...(mayTakeItems && itemsOf(saved, present, reasons)) };
    return { plan: await begin({ kept: keptRecords(origins), ...parts, items }), resumedFrom, restored, reasons };
  }
  if (!differs(saved.tasks, present)) return { plan: saved, resumedFrom, restored, reasons };
  const plan = { ...saved, mode: graph.mode, input, tasks: present };
  await journal.replan(plan);
  return { plan, resumedFrom, restored, reasons };
}

/** What a start is about to do with the saved run, before anything is written. */
export interface Decision {
  /** The initial context of the run. */
  readonly input: EncodedValue | undefined;
  readonly present: readonly PlannedTask[];
  /** Missing where nothing is saved. */
  readonly restoration: Restoration | undefined;
}

/** What is saved of tasks. */
export interface SavedTasks {
  isSaved(taskId: string): boolean;
  /** The tasks of a list that have no record, and have saved something on their way. */
  begunAmong(taskIds: readonly string[]): Promise<readonly string[]>;
}

/** Compares the saved plan with the present tasks. Writes nothing. */
export async function decide(
  prepared: Prepared,
  saved: Plan | undefined,
  tasks: SavedTasks,
  onChange: OnChange,
): Promise<Decision> {
  const { graph, from } = prepared;
  const input = prepared.input ?? saved?.input;
  const present = withConditions(planOf(prepared, input), saved);
  if (!saved) return { input, present, restoration: undefined };
  const begun = new Set(await tasks.begunAmong(idsThatDiffer(saved, present)));
  const isSaved = (taskId: string): boolean => tasks.isSaved(taskId);
  return { input, present, restoration: decideRestoration({ saved, isSaved, begun, graph, present, onChange, from }) };
}

/** Keeps in mind which tasks had a condition when they were saved: their records may say that they were skipped. */
function withConditions(present: readonly PlannedTask[], saved: Plan | undefined): readonly PlannedTask[] {
  const conditional = new Set(saved?.tasks.filter(({ when }) => when).map(({ id }) => id));
  if (conditional.size === 0) return present;
  return present.map((task) => (conditional.has(task.id) ? { ...task, when: true as const } : task));
}

/** Those that have something to be held against their definition should they have begun. */
function idsThatDiffer(saved: Plan, present: readonly PlannedTask[]): readonly string[] {
  const before = new Map(saved.tasks.map(({ id, fingerprint }) => [id, fingerprint]));
  return present.filter(({ id, fingerprint }) => before.get(id) !== fingerprint).map(({ id }) => id);
}

/** The tasks without a record that may have begun, and go on where they were though others run again. */
async function mayHaveBegun(
  journal: Journal,
  { graph }: Prepared,
  { kept, reasons }: { kept: ReadonlySet<string>; reasons: ReadonlyMap<string, string> },
): Promise<readonly string[]> {
  const idOf = (index: number): string => graph.nodes[index]?.id ?? "";
  const open = graph.nodes.filter(({ id }) => !kept.has(id) && !reasons.has(id));
  const wereReady = open.filter(({ dependencies }) => dependencies.every((index) => kept.has(idOf(index))));
  return [...new Set([...wereReady.map(({ id }) => id), ...(await journal.begunAmong(open.map(({ id }) => id)))])];
}

/** What tasks rest on that go on where they were. */
function goneOnFrom(saved: Plan, begun: readonly string[]): Pick<Plan, "parts" | "begun" | "items"> {
  const pick = <Value>(all: Readonly<Record<string, Value>> = {}): Record<string, Value> =>
    Object.fromEntries(Object.entries(all).filter(([id]) => begun.includes(id)));
  return {
    parts: Object.fromEntries(begun.map((id) => [id, [saved.runId, ...(ofTask(saved.parts, id) ?? [])]])),
    begun: pick(saved.begun),
    items: pick(saved.items),
  };
}

/** Maps that run again because they, or something before them, changed take over the items that are as they were. */
function itemsOf(saved: Plan, present: readonly PlannedTask[], again: ReadonlyMap<string, string>): Plan["items"] {
  const maps = present.filter(({ id, map }) => map && again.has(id));
  return Object.fromEntries(maps.map(({ id }) => [id, [saved.runId, ...runsBefore(saved, id)]]));
}
