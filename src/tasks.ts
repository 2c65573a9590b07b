// `workflow.task`: the typed façade over a plain list of tasks.
import type { Action, InputOf, OutputOf, StepFunction } from "./action.ts";
import type { Context } from "./context.ts";
import { defaults } from "./defaults.ts";
import { InvalidWorkflowError } from "./errors.ts";
import type { MapFacts } from "./performance.ts";
import { requireFunction, requireWhole, show } from "./options.ts";
import { expandStep, type StepSource } from "./step-source.ts";
import { subWorkflowOf } from "./sub-workflow.ts";
import type { AddedTask, AddOptions, TaskList } from "./task-list.ts";

declare const gives: unique symbol;

/** One, a list or an object of tasks that a task comes after. */
export type After = TaskRef | readonly TaskRef[] | { readonly [name: string]: TaskRef };

/** What a task that comes `after` these has as its previous value: one value, a tuple, or an object. */
export type ValueAfter<A> =
  A extends TaskRef<infer Out> ? Out : { -readonly [K in keyof A]: A[K] extends TaskRef<infer Out> ? Out : never };

/** `Previous` is the value that `when` is asked with; `never` where only the run will tell. */
export interface TaskOptions<A extends After | undefined = After | undefined, Previous = never> extends AddOptions {
  /** What must have ended before. A list gives the step a tuple as previous value, an object gives it one with its keys. @default what the mode says */
  after?: A;
  when?: (previous: Context<Previous>) => boolean | Promise<boolean>;
}

export interface MapOptions<Item, A extends After | undefined = After | undefined> extends TaskOptions<A, Before<A>> {
  /**
   * The items, given the previous context: a list, or anything that can be iterated, also asynchronously. It is asked at every
   * start that has items left, and then has to give the same ones for those to be found that are done.
   *
   * @default the previous value
   */
  over?: (previous: Context<Before<A>>) => ItemsOf<Item> | Promise<ItemsOf<Item>>;
  /**
   * What an item is known by. With a key, items may come, go and change places: `onChange: "rerun"` runs only those that are
   * new or changed. Each item needs one of its own.
   *
   * @default its position
   */
  key?: (item: Item, index: number) => string | number;
  /** How many items at a time. @default 16 */
  concurrency?: number;
}

type ItemsOf<Item> = Iterable<Item> | AsyncIterable<Item>;

type AnyAction = Action<StepFunction, unknown, unknown>;

/** The step itself where it fits behind `Out`; else a type that no step has, whose text says why in the compiler's error. */
type Fitting<S, Out> = S extends AnyAction
  ? [Out] extends [InputOf<S>]
    ? S
    : { "the task before gives": Out; "this step takes": InputOf<S> }
  : { "this is no action": "wrap the function: action(fn)" };
/** Several steps: each fits behind `Out`, or, in a chain, behind the one before it. */
type FittingList<S extends readonly unknown[], Out, Chain extends boolean> = S extends readonly [
  infer First,
  ...infer Rest,
]
  ? readonly [Fitting<First, Out>, ...FittingList<Rest, Chain extends true ? OutputOf<First> : Out, Chain>]
  : S extends readonly []
    ? S
    : readonly Fitting<S[number], never>[];
type FittingSteps<S, Out, Chain extends boolean> = S extends readonly unknown[]
  ? FittingList<S, Out, Chain>
  : Fitting<S, Out>;
/** Without `after`, the compiler can't tell what comes before: `never` fits any step. */
type Before<A> = undefined extends A ? never : ValueAfter<A>;
/** Where the task before gives no list of what the step takes, `over` has to make one. */
type OverWhereNeeded<Item, Out> = [Out] extends [never]
  ? unknown
  : Out extends ItemsOf<Item>
    ? unknown
    : { over: (previous: Context<Out>) => ItemsOf<Item> | Promise<ItemsOf<Item>> };
/** What a condition is asked with: what the step takes, else what the task before gives. */
type Asked<S, Out> = S extends readonly unknown[] ? InputOf<S[number]> : unknown extends InputOf<S> ? Out : InputOf<S>;
type LastOutput<S> = S extends readonly [...unknown[], infer Last] ? OutputOf<Last> : OutputOf<S>;

const added = new WeakMap<TaskRef, { readonly task: AddedTask; readonly list: TaskList }>();

/** A task that was added. Its type knows what the task gives; `never` means that only the run will tell. */
export class TaskRef<out Out = unknown> {
  declare readonly [gives]: Out;
  /** The id under which the task is saved. */
  readonly id: string;

  /** Refs come from `task.add`. */
  constructor(task: AddedTask, list: TaskList) {
    this.id = task.id;
    added.set(this, { task, list });
  }

  /** Adds a step that follows this task: its `previous` is what this task gives. Several follow one another. */
  add<Result = never>(step: string | Instance, options?: TaskOptions<undefined>): TaskRef<Result>;
  add<const S>(
    step: FittingSteps<S, Out, true>,
    options?: TaskOptions<undefined, Asked<S, Out>>,
  ): TaskRef<LastOutput<S>>;
  add(step: unknown, options: TaskOptions = {}): TaskRef {
    if (options.after !== undefined)
      throw new InvalidWorkflowError(
        `ref.add already says what "${this.id}" is followed by. Use workflow.task.add for a task with after.`,
      );
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
  add<Result = never>(step: string | Instance, options?: TaskOptions): TaskRef<Result>;
  add<const S, const A extends After | undefined = undefined>(
    step: FittingSteps<S, Before<A>, false>,
    options?: TaskOptions<A, Asked<S, Before<A>>>,
  ): TaskRef<LastOutput<S>>;
  add(step: unknown, options: TaskOptions = {}): TaskRef {
    return addAll(this.#list, expandStep(step, options.id), options, undefined);
  }

  /**
   * Adds a task that runs a step for every item of a list, each with a record of its own: a crash in item 900 of 1,000
   * repeats what was in flight and nothing else. Hands on the list of what the items gave, in their order.
   *
   * An item that fails leaves the others to go on; the task then fails with an `ItemsFailedError`, and a resume runs what failed.
   */
  map<Result = never>(step: string, options?: MapOptions<unknown>): TaskRef<Result[]>;
  map<const S, const A extends After | undefined = undefined>(
    step: Fitting<S, never>,
    options?: MapOptions<InputOf<S>, A> & OverWhereNeeded<InputOf<S>, Before<A>>,
  ): TaskRef<OutputOf<S>[]>;
  map(step: unknown, options: MapOptions<unknown> = {}): TaskRef {
    const { over, key, concurrency = defaults.mapConcurrency, ...rest } = options;
    requireFunction(over, "The option over");
    requireFunction(key, "The option key");
    requireWhole(concurrency, 1, "The option concurrency");
    const sources = expandStep(step, rest.id);
    if (sources.length !== 1 || (typeof step === "object" && step !== null && subWorkflowOf(step)))
      throw new InvalidWorkflowError("task.map takes one step, and no workflow.");
    return addAll(this.#list, sources, rest, undefined, { over, key, concurrency });
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
  if (typeof after === "object" && after !== null)
    return { shape: "record", tasks: Object.values(after).map(taskOf), names: Object.keys(after) };
  throw new InvalidWorkflowError(
    `The option after is ${show(after)}. Give a ref that adding a task gave, a list of refs, or an object of refs.`,
  );
}

function taskOf(ref: unknown): AddedTask {
  if (ref instanceof TaskRef) return facts(ref).task;
  throw new InvalidWorkflowError(`The option after has ${show(ref)} in it. Give refs that adding a task gave.`);
}

function addAll(
  list: TaskList,
  sources: readonly StepSource[],
  options: TaskOptions,
  follows: AddedTask | undefined,
  map?: MapFacts,
): TaskRef {
  let before = follows;
  for (const source of sources) {
    before = list.add(source, options, source.followsOneBefore || follows ? before : undefined, map);
  }
  return new TaskRef(before as AddedTask, list);
}

function facts(ref: TaskRef): { task: AddedTask; list: TaskList } {
  return added.get(ref) as { task: AddedTask; list: TaskList };
}
