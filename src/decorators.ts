// The one module that knows the two decorator dialects: TC39 (TypeScript's default) and legacy (`experimentalDecorators`).
import { InvalidWorkflowError } from "./errors.ts";

type Wrap = (method: (...args: never[]) => unknown) => unknown;

/** A decorator for methods that compiles and runs under both dialects. */
export interface ActionDecorator {
  <Method extends (...args: never[]) => unknown>(method: Method, context: ClassMethodDecoratorContext): Method;
  (prototype: object, name: string | symbol, descriptor: PropertyDescriptor): void;
}

/**
 * Applies `wrap` to the decorated method if `args` are those of a decorator call, and gives what the decorator returns.
 * Gives `undefined` for any other call.
 */
export function decorate(args: readonly unknown[], wrap: Wrap): { readonly returns: unknown } | undefined {
  const [first, second, third] = args;
  if (args.length === 2 && typeof second === "object" && second !== null && "kind" in second) {
    const context = second as DecoratorContext;
    if (context.kind !== "method" || context.private || context.static)
      throw notAMethod(String(context.name ?? "a class"));
    return { returns: wrap(first as Parameters<Wrap>[0]) };
  }
  if (typeof second === "string" || typeof second === "symbol") {
    const descriptor = third as PropertyDescriptor | undefined;
    // The first argument is the prototype, and of a static method the class.
    if (typeof descriptor?.value !== "function" || typeof first === "function") throw notAMethod(String(second));
    return { returns: { ...descriptor, value: wrap(descriptor.value as Parameters<Wrap>[0]) } };
  }
  // What a legacy decorator before a class gets.
  if (args.length === 1 && isClass(first)) throw notAMethod(first.name);
  return undefined;
}

function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function notAMethod(name: string): InvalidWorkflowError {
  return new InvalidWorkflowError(
    `@action stands before "${name}", which is not a public method of instances. Decorate such methods, or wrap a function: action(fn).`,
  );
}
