// Everything about a start that can be found wrong before anything is read or written.
import type { ActionDefinition } from "./action.ts";
import { InvalidWorkflowError, SerializationError } from "./errors.ts";
import { digest, planTasks, type PlannedTask } from "./fingerprint.ts";
import type { Graph } from "./graph.ts";
import type { EncodedValue, ValueCodec } from "./serializer.ts";
import type { Settings } from "./settings.ts";
import type { ResolvedStart } from "./start-options.ts";
import type { AddedTask } from "./task-list.ts";
import { workflowGraph } from "./workflow-graph.ts";

export interface Prepared {
  readonly tasks: readonly AddedTask[];
  readonly graph: Graph;
  readonly actions: readonly ActionDefinition[];
  /** The initial contexts of the tasks that have one of their own. */
  readonly initials: readonly (EncodedValue | undefined)[];
  /** The initial context of the run. */
  readonly input: EncodedValue | undefined;
  /** Index of the task to begin from. */
  readonly from: number | undefined;
}

export async function prepare(
  settings: Settings,
  tasks: readonly AddedTask[],
  options: ResolvedStart,
): Promise<Prepared> {
  const { workflowId, codec } = settings;
  if (tasks.length === 0)
    throw new InvalidWorkflowError(`Workflow "${workflowId}" has no tasks. Add some: workflow.task.add(step).`, {
      workflowId,
    });
  const graph = workflowGraph(tasks, options.mode);
  const from = options.from === undefined ? undefined : tasks.findIndex(({ id }) => id === options.from);
  if (from === -1) {
    throw new InvalidWorkflowError(
      `The option from names "${options.from}", which is no task of workflow "${workflowId}". Its tasks: ${tasks.map(({ id }) => id).join(", ")}.`,
      { workflowId },
    );
  }
  const unknown = [...(settings.policy?.afterTasks ?? [])].find((id) => !tasks.some((task) => task.id === id));
  if (unknown !== undefined) {
    throw new InvalidWorkflowError(
      `The option checkpoint.afterTasks names "${unknown}", which is no task of workflow "${workflowId}". Its tasks: ${tasks.map(({ id }) => id).join(", ")}.`,
      { workflowId },
    );
  }
  const actions = await Promise.all(tasks.map(({ source }) => source.load()));
  const initials = tasks.map(
    ({ id, initialContext }) => initialContext && encodeInitial(codec, initialContext.value, `of task "${id}"`),
  );
  const input = options.initialContext && encodeInitial(codec, options.initialContext.value, "of the run");
  return { tasks, graph, actions, initials, input, from };
}

/** The tasks with their fingerprints, given the initial context of the run. */
export function planOf({ graph, tasks, actions, initials }: Prepared, input: EncodedValue | undefined): PlannedTask[] {
  const inputHash = input && hashOf(input);
  return planTasks(graph, ({ index }) => {
    const own = initials[index];
    const { name, group, when, map, source } = tasks[index] as AddedTask;
    return {
      name,
      group,
      when: when && (true as const),
      map: map && (true as const),
      workflow: source.isWorkflow,
      version: actions[index]?.version,
      initial: own ? hashOf(own) : inputHash,
    };
  });
}

function hashOf({ form, bytes }: EncodedValue): string {
  return digest(Buffer.concat([Buffer.from(`${form}\n`), bytes]));
}

function encodeInitial(codec: ValueCodec, value: unknown, what: string): EncodedValue {
  try {
    return codec.encode(value);
  } catch (cause) {
    const { message, path } = cause as SerializationError;
    throw new SerializationError(`The initial context ${what} can't be saved: ${message}`, { path, cause });
  }
}
