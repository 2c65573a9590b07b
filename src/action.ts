// `action`: makes a function or a method a step, with its retry, timeout, version and schemas.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Context, StepContext } from "./context.ts";
import { type ActionDecorator, decorate } from "./decorators.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { refuseUnknown, show } from "./options.ts";
import { type RetryOptions, type RetryPolicy, retryPolicy } from "./retry.ts";
import { requireSchema, type Schema } from "./schema.ts";

/** Any function that can be a step: it may take the previous context and the step context, and may be asynchronous. */
export type StepFunction = (previous: Context<never>, step: StepContext<never>) => unknown;

export interface ActionOptions<
  In extends Schema | undefined = Schema | undefined,
  Out extends Schema | undefined = Schema | undefined,
> extends RetryOptions {
  /** What tasks are called after. @default the name of the function */
  name?: string;
  /**
   * How long one attempt may take. Then `step.signal` is aborted and the attempt counts as failed with a `StepTimeoutError`;
   * what it gives later is dropped. The function itself can't be stopped: it should heed `step.signal`.
   *
   * @default none
   */
  timeout?: Duration;
  /** Change it to invalidate the checkpoints of this step and of what follows from it. @default none */
  version?: string | number;
  /** A Standard Schema for the previous value. The step gets the value as the schema gives it. A misfit fails the task at once. */
  input?: In;
  /** A Standard Schema for what the step gives. The value is handed on as the schema gives it. A misfit is retried like any error. */
  output?: Out;
}

export interface ActionDefinition {
  readonly call: (self: unknown, previous: Context, step: StepContext) => unknown;
  readonly name: string;
  readonly retry: RetryPolicy;
  readonly timeout: number | undefined;
  readonly version: string | number | undefined;
  readonly input: Schema | undefined;
  readonly output: Schema | undefined;
}

declare const takes: unique symbol;
declare const gives: unique symbol;

/** A function that `action` has wrapped. It is called as before, so that a step can be tested without a workflow. */
export type Action<F extends StepFunction = StepFunction, In = InputOf<F>, Out = Awaited<ReturnType<F>>> = F & {
  readonly [takes]: In;
  readonly [gives]: Out;
};

/** What the step wants as its previous value; `unknown` where it takes none, or where its type does not tell. */
export type InputOf<F> = F extends { readonly [takes]: infer In }
  ? In
  : F extends (previous: Context<infer In>, ...rest: never[]) => unknown
    ? [In] extends [never]
      ? unknown
      : In
    : unknown;

/** What the step gives. */
export type OutputOf<F> = F extends { readonly [gives]: infer Out }
  ? Out
  : F extends (...args: never[]) => infer Out
    ? Awaited<Out>
    : never;

type SchemaInput<S, Else> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : Else;
type SchemaOutput<S, Else> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : Else;

/** What a step without types of its own is handed. It comes first, so that such a step gets `unknown` and not `never`. */
type UntypedStep<In = undefined> = (previous: Context<SchemaOutput<In, unknown>>, step: StepContext) => unknown;

const definitions = new WeakMap<object, ActionDefinition>();

/**
 * Makes a function a step: `action(fn)`, `action(options, fn)`, or before a method `@action`, `@action()`, `@action(options)`.
 *
 * The result is called like the function itself. In a workflow its output is saved when it ends, and it is not called
 * again once that is done; a crash in the middle makes it run again from its beginning.
 */
export function action<Method extends StepFunction>(method: Method, context: ClassMethodDecoratorContext): Method;
export function action(prototype: object, name: string | symbol, descriptor: PropertyDescriptor): void;
export function action(options?: ActionOptions): ActionDecorator;
export function action<F extends UntypedStep>(fn: F): Action<F>;
export function action<F extends StepFunction>(fn: F): Action<F>;
export function action<
  F extends UntypedStep<In>,
  In extends Schema | undefined = undefined,
  Out extends Schema | undefined = undefined,
>(
  options: ActionOptions<In, Out>,
  fn: F,
): Action<F, SchemaInput<In, InputOf<F>>, SchemaOutput<Out, Awaited<ReturnType<F>>>>;
export function action<
  F extends (previous: Context<SchemaOutput<In, never>>, step: StepContext<never>) => unknown,
  In extends Schema | undefined = undefined,
  Out extends Schema | undefined = undefined,
>(
  options: ActionOptions<In, Out>,
  fn: F,
): Action<F, SchemaInput<In, InputOf<F>>, SchemaOutput<Out, Awaited<ReturnType<F>>>>;
export function action(...args: unknown[]): unknown {
  const decorated = decorate(args, (method) => define(method, {}));
  if (decorated) return decorated.returns;
  const [first, second] = args;
  if (typeof first === "function" && args.length === 1) return define(first as AnyFunction, {});
  const options = (first ?? {}) as ActionOptions;
  if (typeof second === "function") return define(second as AnyFunction, options);
  if (args.length > 1 || typeof options !== "object") {
    throw new InvalidWorkflowError(
      `action was called with ${args.map(show).join(", ")}. Use action(fn), action(options, fn), or @action before a method.`,
    );
  }
  describe(options, "");
  return (...use: unknown[]): unknown => {
    const result = decorate(use, (method) => define(method, options));
    if (result) return result.returns;
    throw new InvalidWorkflowError(
      "action(options) gives a decorator for methods. For a function write action(options, fn).",
    );
  };
}

/** What `action` knows of `value`, or `undefined` if it is not an action. */
export function definitionOf(value: unknown): ActionDefinition | undefined {
  return typeof value === "function" ? definitions.get(value) : undefined;
}

type AnyFunction = (...args: never[]) => unknown;

function define(fn: AnyFunction, options: ActionOptions): AnyFunction {
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(fn, this, args);
  };
  Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  Object.defineProperty(wrapped, "length", { value: fn.length, configurable: true });
  definitions.set(wrapped, {
    ...describe(options, fn.name),
    call: (self, previous, step): unknown => Reflect.apply(fn, self, [previous, step]),
  });
  return wrapped;
}

/** A step with the default of every option. */
export function plainDefinition(name: string): Omit<ActionDefinition, "call"> {
  return describe({}, name);
}

const optionNames = ["name", "retry", "retryDelay", "backoff", "retryIf", "timeout", "version", "input", "output"];

function describe(options: ActionOptions, functionName: string): Omit<ActionDefinition, "call"> {
  refuseUnknown(options, optionNames, "action");
  const { name = functionName, version, input, output } = options;
  if (typeof name !== "string")
    throw new InvalidWorkflowError(`The option name of an action is ${show(name)}. It must be a text.`);
  if (version !== undefined && typeof version !== "string" && !Number.isFinite(version)) {
    throw new InvalidWorkflowError(
      `The option version of action "${name}" is ${show(version)}. It must be a text or a number.`,
    );
  }
  requireSchema(input, `The option input of action "${name}"`);
  requireSchema(output, `The option output of action "${name}"`);
  const timeout =
    options.timeout === undefined
      ? undefined
      : toMilliseconds(options.timeout, `The option timeout of action "${name}"`);
  if (timeout === 0)
    throw new InvalidWorkflowError(
      `The option timeout of action "${name}" is 0. Give the time that one attempt may take, or leave it out.`,
    );
  return { name, retry: retryPolicy(options), timeout, version, input, output };
}
