// The tasks of a workflow as plain data: ids, names and edges are settled here, when a task is added.
import { defaults } from "./defaults.ts";
import { InvalidWorkflowError } from "./errors.ts";
import type { MapFacts } from "./performance.ts";
import { refuseUnknown, requireFunction, requireWhole, show } from "./options.ts";
import type { Condition } from "./performance.ts";
import type { StepSource } from "./step-source.ts";
import type { TaskResult } from "./result.ts";

/** What `task.add` takes, but for the type of `after`. */
export interface AddOptions {
  /** Stable over starts: a resume finds what is saved by it. @default the action's name, `group.name` outside the default group, `#2`, `#3` when repeated */
  id?: string;
  /** Any savable value; the step finds a copy of it in `step.initial.storage`. @default that of `start` */
  initialContext?: unknown;
  /** Tasks of a group run one after the other, groups side by side, in the mode `sequential_group`. @default "default" */
  groupName?: string;
  /** Called with the result after the task was executed, whether it completed or failed. What it throws becomes a warning event. */
  callback?: (result: TaskResult) => unknown;
  after?: unknown;
  /**
   * Whether the task is to run, asked when all that it follows has ended. `false` skips it, which is saved and holds on
   * resume. What follows only skipped tasks is skipped too; a join runs with what it has, and `null` from a skipped one.
   * A condition that throws fails the task.
   */
  when?: Condition;
  /** How often the task may run by `step.again`. One that asks for more fails with a `MaxIterationsError`. @default unlimited */
  maxIterations?: number;
}

export interface AddedTask {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly source: StepSource;
  readonly initialContext: { readonly value: unknown } | undefined;
  readonly callback: AddOptions["callback"];
  readonly when: Condition | undefined;
  readonly maxIterations: number;
  readonly map: MapFacts | undefined;
  /** Edges that the user drew, as they were given. */
  readonly after: unknown;
  /** The edge that comes from following a task that was not the last. */
  readonly follows: AddedTask | undefined;
  /** The task before it in a chain; the mode decides whether that is an edge. */
  readonly chainedTo: AddedTask | undefined;
}

const optionNames = ["id", "initialContext", "groupName", "after", "callback", "when", "maxIterations"];

export class TaskList {
  #tasks: AddedTask[] = [];
  #ids = new Set<string>();
  /** How often a name was used, so that the next number is found at once. */
  #uses = new Map<string, number>();

  get tasks(): readonly AddedTask[] {
    return this.#tasks;
  }

  clear(): void {
    this.#tasks = [];
    this.#ids = new Set();
    this.#uses = new Map();
  }

  reverse(): void {
    this.#tasks.reverse();
  }

  /** Adds one task behind `follows`. To follow the last task is to go on with the chain; to follow another one is an edge. */
  add(source: StepSource, options: AddOptions, follows: AddedTask | undefined, map?: MapFacts): AddedTask {
    refuseUnknown(options, optionNames, "task.add");
    const { groupName = defaults.groupName, callback } = options;
    if (typeof groupName !== "string")
      throw new InvalidWorkflowError(`The option groupName is ${show(groupName)}. It must be a text.`);
    requireFunction(callback, "The option callback");
    requireFunction(options.when, "The option when");
    requireWhole(options.maxIterations, 1, "The option maxIterations");
    if (source.name === "")
      throw new InvalidWorkflowError(
        "An action without a name can't be a task. Name the function, or use action({ name }, fn). A const does not name it: write action(function load() { … }).",
      );
    const chain = follows !== undefined && (follows === this.#tasks.at(-1) || source.followsOneBefore);
    const task: AddedTask = {
      id: this.#id(source, options.id, groupName),
      name: source.name,
      group: groupName,
      source,
      initialContext:
        "initialContext" in options && options.initialContext !== undefined
          ? { value: options.initialContext }
          : undefined,
      callback,
      when: options.when,
      maxIterations: options.maxIterations ?? Infinity,
      map,
      after: source.followsOneBefore ? undefined : options.after,
      follows: chain ? undefined : follows,
      chainedTo: chain ? follows : undefined,
    };
    this.#tasks.push(task);
    this.#ids.add(task.id);
    return task;
  }

  #id(source: StepSource, given: string | undefined, group: string): string {
    const chosen = source.id ?? given;
    if (chosen !== undefined) return this.#checked(chosen);
    const base = group === defaults.groupName ? source.name : `${group}.${source.name}`;
    let count = this.#uses.get(base) ?? 0;
    let id: string;
    do id = ++count === 1 ? base : `${base}#${count}`;
    while (this.#ids.has(id));
    this.#uses.set(base, count);
    return this.#checked(id);
  }

  #checked(id: unknown): string {
    if (typeof id !== "string" || id === "")
      throw new InvalidWorkflowError(`A task has the id ${show(id)}. An id is a text, and not empty.`);
    if (/\p{Surrogate}/u.test(id)) throw new InvalidWorkflowError(`The id ${show(id)} is not well-formed Unicode.`);
    if (this.#ids.has(id))
      throw new InvalidWorkflowError(`There already is a task with the id "${id}". Give this one another id.`, {
        taskId: id,
      });
    return id;
  }
}
