// The plan of a run: what was to be done, with fingerprints. Created at the start; without it the run does not exist.
import { CorruptCheckpointError } from "../errors.ts";
import type { PlannedTask } from "../fingerprint.ts";
import type { GraphMode } from "../graph.ts";
import type { StoredRecord } from "../record.ts";
import type { EncodedValue } from "../serializer.ts";
import type { Store } from "./store.ts";

export interface Plan {
  readonly runId: string;
  readonly createdAt: string;
  /** The `name` option of the workflow. */
  readonly name: string;
  readonly mode: GraphMode;
  /** The run of another workflow that this one is a step of. */
  readonly parent?: string | undefined;
  /** The run that this one began from. */
  readonly previous?: string | undefined;
  /** The initial context of the run, so that a resume need not give it again. */
  readonly input?: EncodedValue | undefined;
  /** Tasks whose records lie in another run, by the id of that run. */
  readonly kept: Readonly<Record<string, string>>;
  /** Runs in which a task may have begun that goes on where it was, the newest first. */
  readonly parts?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The iteration that a task goes on from, which another run has. */
  readonly begun?: Readonly<Record<string, { readonly run: string; readonly iteration: number }>> | undefined;
  /** Runs whose items a map may take over, the newest first, by task. */
  readonly items?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly tasks: readonly PlannedTask[];
}

/** The runs that one rests on. */
export function referencedRuns({ kept, parts = {}, items = {}, begun = {} }: Plan): string[] {
  const lists = [...Object.values(parts), ...Object.values(items)];
  return [...Object.values(kept), ...lists.flat(), ...Object.values(begun).map(({ run }) => run)];
}

/** What a plan has for a task; a task may be called `constructor`. */
export function ofTask<Value>(all: Readonly<Record<string, Value>> = {}, taskId: string): Value | undefined {
  return Object.hasOwn(all, taskId) ? all[taskId] : undefined;
}

/** The runs before this one that have items of a map, the newest first. */
export function runsBefore({ parts, items }: Plan, taskId: string): readonly string[] {
  return [...(ofTask(parts, taskId) ?? []), ...(ofTask(items, taskId) ?? [])];
}

/** The `kept` of a plan. It has no prototype: a task may be called `constructor` or `__proto__`. */
export function keptRecords(records: Iterable<readonly [string, string]>): Plan["kept"] {
  const kept = Object.create(null) as Record<string, string>;
  for (const [taskId, run] of records) kept[taskId] = run;
  return kept;
}

type StoredPlan = Omit<Plan, "input" | "tasks"> & {
  input?: { form: string; text?: string; base64?: string };
  tasks: (Omit<PlannedTask, "name" | "group"> & { name?: string; group?: string })[];
};

export function encodePlan(plan: Plan, workflowId: string, writer: string): StoredRecord {
  const { input, tasks, ...rest } = plan;
  const stored: StoredPlan = {
    ...rest,
    ...(input && { input: encodeInput(input) }),
    tasks: tasks.map(({ name, group, ...task }) => ({
      ...task,
      ...(name !== task.id && { name }),
      ...(group !== "default" && { group }),
    })),
  };
  return {
    kind: "run",
    writer,
    facts: { workflow: workflowId, run: plan.runId, createdAt: plan.createdAt },
    payload: Buffer.from(JSON.stringify(stored)),
  };
}

/** Reads the plan that counts of a run; `undefined` for a run that does not exist. */
export async function readPlan(store: Store, run: string, generation: number): Promise<Plan | undefined> {
  const record = await store.read(generation === 0 ? store.keys.run(run) : store.keys.plan(run, generation));
  return record && decodePlan(record);
}

/** A run that is gone or was never begun is passed over; one that has records and a torn plan must not be. */
export async function refuseDamaged(store: Store, run: string): Promise<void> {
  const { workflowId } = store;
  const prefix = store.keys.runFolder(run);
  const names = (await store.list(prefix)).map((key) => key.slice(prefix.length));
  if (!names.includes("run") || !names.some((name) => name.startsWith("steps/"))) return;
  throw new CorruptCheckpointError(
    `The plan of run "${run}" of workflow "${workflowId}" is cut short, though tasks of it are saved. Restore "${prefix}run" from a backup, or start without resume.`,
    { workflowId, runId: run, key: `${prefix}run` },
  );
}

export function decodePlan(record: StoredRecord): Plan {
  const { input, tasks, ...rest } = JSON.parse(Buffer.from(record.payload).toString("utf8")) as StoredPlan;
  for (const task of tasks) {
    task.name ??= task.id;
    task.group ??= "default";
  }
  return {
    ...rest,
    kept: keptRecords(Object.entries(rest.kept)),
    ...(input && { input: decodeInput(input) }),
    tasks: tasks as PlannedTask[],
  };
}

function encodeInput({ form, bytes }: EncodedValue): NonNullable<StoredPlan["input"]> {
  const buffer = Buffer.from(bytes);
  return form === "custom" ? { form, base64: buffer.toString("base64") } : { form, text: buffer.toString("utf8") };
}

function decodeInput({ form, text, base64 }: NonNullable<StoredPlan["input"]>): EncodedValue {
  return { form, bytes: base64 === undefined ? Buffer.from(text ?? "") : Buffer.from(base64, "base64") };
}
