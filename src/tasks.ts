// `workflow.task`: the typed façade over a plain list of tasks.
import type { Action, InputOf, OutputOf, StepFunction } from "./action.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { show } from "./options.ts";
import { expandStep, type StepSource } from "./step-source.ts";
import type { AddedTask, AddOptions, TaskList } from "./task-list.ts";

declare const gives: unique symbol;

/** One, a list or an object of tasks that a task comes after. */
export type After = TaskRef<unknown> | readonly TaskRef<unknown>[] | { readonly [name: string]: TaskRef<unknown> };

/** What a task that comes `after` these has as its previous value: one value, a tuple, or an object. */
export type ValueAfter<A> =
  A extends TaskRef<infer Out>
    ? Out
    : { -readonly [K in keyof A]: A[K] extends TaskRef<infer Out> ? Out : never };

export interface TaskOptions<A extends After | undefined = After | undefined> extends AddOptions {
  /** What must have ended before. A list gives the step a tuple as previous value, an object gives it one with its keys. @default what the mode says */
  after?: A;
}

/** Says why a step can't follow: it stands in the error text of the compiler. */
export interface StepDoesNotFit<Gives, Takes> {
  readonly "the task before gives": Gives;
  readonly "this step takes": Takes;
}

/** The step itself where it fits behind `Out`, else a type that no step has and that says why. */
type Fitting<S, Out> = [Out] extends [InputOf<S>] ? S : StepDoesNotFit<Out, InputOf<S>>;
type FittingAfter<S, A> = undefined extends A ? S : Fitting<S, ValueAfter<A>>;
type LastOutput<Steps extends readonly unknown[]> = Steps extends readonly [...unknown[], infer Last] ? OutputOf<Last> : never;
type AnyAction = Action<StepFunction, unknown, unknown>;

const added = new WeakMap<TaskRef<unknown>, { readonly task: AddedTask; readonly list: TaskList }>();

/** A task that was added. Its type knows what the task gives; `never` means that only the run will tell. */
export class TaskRef<out Out = never> {
  declare readonly [gives]: Out;
  /** The id under which the task is saved. */
  readonly id: string;

  /** Refs come from `task.add`. */
  constructor(task: AddedTask, list: TaskList) {
    this.id = task.id;
    added.set(this, { task, list });
  }

  /** Adds a step that follows this task: its `previous` is what this task gives. Several follow one another. */
  add<S extends AnyAction>(step: S & Fitting<S, Out>, options?: TaskOptions<undefined>): TaskRef<OutputOf<S>>;
  add<const Steps extends readonly AnyAction[]>(steps: Steps, options?: TaskOptions<undefined>): TaskRef<LastOutput<Steps>>;
  add<Result = never>(step: string | Instance, options?: TaskOptions<undefined>): TaskRef<Result>;
  add(step: unknown, options: TaskOptions = {}): TaskRef<unknown> {
    if (options.after !== undefined) throw new InvalidWorkflowError(`ref.add already says what "${this.id}" is followed by. Use workflow.task.add for a task with after.`);
    const { task, list } = facts(this);
    return addAll(list, expandStep(step, options.id), options, task);
  }
}

/** An instance of a class with `@action` methods. */
type Instance = object & { readonly length?: never };

export class Tasks {
  readonly #list: TaskList;

  constructor(list: TaskList) {
    this.#list = list;
  }

  /**
   * Adds a task: an action, a list of actions, an instance of a class with `@action` methods (each is a task of its own,
   * in the order of their declaration), or a text such as `"./steps.js#transform"`. Several give the ref of the last.
   */
  add<S extends AnyAction, const A extends After | undefined = undefined>(step: S & FittingAfter<S, A>, options?: TaskOptions<A>): TaskRef<OutputOf<S>>;
  add<const Steps extends readonly AnyAction[]>(steps: Steps, options?: TaskOptions): TaskRef<LastOutput<Steps>>;
  add<Result = never>(step: string | Instance, options?: TaskOptions): TaskRef<Result>;
  add(step: unknown, options: TaskOptions = {}): TaskRef<unknown> {
    return addAll(this.#list, expandStep(step, options.id), options, undefined);
  }

  /** How many tasks there are. */
  count(): number {
    return this.#list.tasks.length;
  }

  /** Removes all tasks. */
  clear(): void {
    this.#list.clear();
  }

  /** Turns the order of the tasks around, and with it the order in which `sequential` runs them. Edges drawn with `after` stay. */
  reverse(): void {
    this.#list.reverse();
  }
}

/** The tasks that `after` names, as a list, with the keys where it is an object. Read when a run starts. */
export function tasksAfter(after: unknown): { shape: "one" | "list" | "record"; tasks: AddedTask[]; names?: string[] } {
  if (after instanceof TaskRef) return { shape: "one", tasks: [taskOf(after)] };
  if (Array.isArray(after)) return { shape: "list", tasks: after.map(taskOf) };
  if (typeof after === "object" && after !== null) return { shape: "record", tasks: Object.values(after).map(taskOf), names: Object.keys(after) };
  throw new InvalidWorkflowError(`The option after is ${show(after)}. Give a ref that adding a task gave, a list of refs, or an object of refs.`);
}

function taskOf(ref: unknown): AddedTask {
  if (ref instanceof TaskRef) return facts(ref).task;
  throw new InvalidWorkflowError(`The option after has ${show(ref)} in it. Give refs that adding a task gave.`);
}

function addAll(list: TaskList, sources: readonly StepSource[], options: TaskOptions, follows: AddedTask | undefined): TaskRef<unknown> {
  let before = follows;
  for (const source of sources) {
    before = list.add(source, options, source.followsOneBefore || follows ? before : undefined);
  }
  return new TaskRef(before as AddedTask, list);
}

function facts(ref: TaskRef<unknown>): { task: AddedTask; list: TaskList } {
  return added.get(ref) as { task: AddedTask; list: TaskList };
}
