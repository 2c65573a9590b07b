// What can be saved without loss. Walks a value once, tells plain JSON from the rest, and refuses what would come back different.
import { SerializationError } from "./errors.ts";

/** One of your own classes, made savable. */
export interface ClassCodec<T = unknown, Encoded = unknown> {
  class: abstract new (...args: never[]) => T;
  /** Written into records: keep it when the class is renamed. */
  name: string;
  /** Gives the state of an instance as a savable value. */
  encode(instance: T): Encoded;
  /** Makes an instance from what `encode` gave. Keep the parts, don't copy them: in a circular value they may still be empty. */
  decode(encoded: Encoded): T;
}

/** How an object that JSON has no form for is written: under a tag, as an array of savable parts. */
export interface Reduced {
  readonly tag: string;
  readonly parts: readonly unknown[];
}

export interface Inspection {
  /** Whether `JSON.stringify` and `JSON.parse` give the same value back. */
  readonly plain: boolean;
  /** The objects that are written under a tag. */
  readonly reduced: ReadonlyMap<object, Reduced>;
}

/** Gives the reduced form of an object whose prototype is `prototype`, or `undefined` where it has none. */
export type Reduce = (value: object, prototype: object) => Reduced | undefined;

/** The way to a part: a number is an index, a text a property, and `call` what has to be called on a Map or Set. */
interface Path {
  readonly parent: Path | undefined;
  readonly key: string | number;
  readonly call?: boolean;
}

const builtIn = new Set<object>(
  [Date, RegExp, URL, URLSearchParams, ArrayBuffer, Number, String, Boolean, BigInt].map(
    (type) => type.prototype as object,
  ),
);
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const trivial: Inspection = { plain: true, reduced: new Map() };

/** Inspects `value`. Throws a `SerializationError` with the path to the first part that can't be saved. */
export function inspect(value: unknown, reduce: Reduce): Inspection {
  if (isTrivial(value)) return trivial;
  const reduced = new Map<object, Reduced>();
  const seen = new Set<object>();
  /** The tagged objects whose parts are being visited. */
  const open = new Set<object>();
  let plain = true;

  function visit(part: unknown, path: Path | undefined): void {
    switch (typeof part) {
      case "string":
      case "boolean":
        return;
      case "number":
        if (!Number.isFinite(part) || Object.is(part, -0)) plain = false;
        return;
      case "undefined":
      case "bigint":
        plain = false;
        return;
      case "function":
        throw refusal(path, `a function${part.name ? ` (${part.name})` : ""}`);
      case "symbol":
        throw refusal(path, "a symbol");
    }
    if (part === null) return;
    const object = part as object;
    if (seen.has(object)) {
      plain = false;
      // A tagged object is made from its parts, so none of them can be the object itself.
      if (open.has(object))
        throw refusal(
          path,
          "an object that it is itself a part of",
          "Break this cycle: it leads through an Error or a registered class.",
        );
      return;
    }
    seen.add(object);
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (Array.isArray(object) && (prototype === Array.prototype || isForeignArray(prototype)))
      return visitArray(object, path);
    if (prototype === Object.prototype || prototype === null || isForeignPlain(prototype)) {
      if (prototype === null) plain = false;
      return visitPlain(object as Record<string, unknown>, path);
    }
    plain = false;
    const form = reduce(object, prototype);
    if (form) {
      reduced.set(object, form);
      open.add(object);
      for (const own of form.parts) visit(own, path);
      open.delete(object);
      return;
    }
    if (prototype === Map.prototype) return visitMap(object as Map<unknown, unknown>, path);
    if (prototype === Set.prototype) return visitSet(object as Set<unknown>, path);
    if (builtIn.has(prototype) || prototype === DataView.prototype || Object.getPrototypeOf(prototype) === typedArray) {
      if (!isIndexed(prototype) && Object.keys(object).length > 0)
        throw refusal(path, `a ${className(prototype)} with properties of its own`);
      return;
    }
    throw refusal(path, `an instance of ${className(prototype)}`);
  }

  function visitArray(array: unknown[], path: Path | undefined): void {
    // The indexes come first, then `length`, then what was added.
    const keys = Object.getOwnPropertyNames(array);
    if (keys.at(-1) !== "length" || Object.getOwnPropertySymbols(array).length > 0)
      throw refusal(path, "an array with properties of its own");
    if (keys.length <= array.length) return visitSparse(array, keys.slice(0, -1), path);
    for (let index = 0; index < array.length; index++) {
      if (!isTrivial(array[index])) visit(array[index], { parent: path, key: index });
    }
  }

  function visitSparse(array: unknown[], keys: readonly PropertyKey[], path: Path | undefined): void {
    plain = false;
    for (const key of keys) visit(array[Number(key)], { parent: path, key: Number(key) });
  }

  function visitPlain(object: Record<string, unknown>, path: Path | undefined): void {
    const keys = Object.keys(object);
    if (keys.length !== ownKeys(object)) throw refusal(path, "an object with symbols or hidden properties");
    for (const key of keys) {
      const item = object[key];
      if (!isTrivial(item)) visit(item, { parent: path, key });
    }
  }

  function visitMap(map: Map<unknown, unknown>, path: Path | undefined): void {
    if (ownKeys(map) > 0) throw refusal(path, "a Map with properties of its own");
    for (const [key, item] of map) {
      if (!isTrivial(key)) visit(key, { parent: path, key: "keys()", call: true });
      if (!isTrivial(item))
        visit(item, { parent: path, key: `get(${typeof key === "string" ? JSON.stringify(key) : "…"})`, call: true });
    }
  }

  function visitSet(set: Set<unknown>, path: Path | undefined): void {
    if (ownKeys(set) > 0) throw refusal(path, "a Set with properties of its own");
    for (const item of set) if (!isTrivial(item)) visit(item, { parent: path, key: "values()", call: true });
  }

  try {
    visit(value, undefined);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SerializationError("The value is nested too deeply to be saved. Flatten it.", {
      path: "value",
      cause: error,
    });
  }
  return { plain, reduced };
}

/** Most parts are such: they need no look, and no path. */
function isTrivial(part: unknown): boolean {
  return (
    typeof part === "string" || typeof part === "boolean" || part === null || (Number.isInteger(part) && part !== 0)
  );
}

function ownKeys(object: object): number {
  // Several times faster than `Reflect.ownKeys`, which looks at no cache.
  return Object.getOwnPropertyNames(object).length + Object.getOwnPropertySymbols(object).length;
}

function isIndexed(prototype: object): boolean {
  return prototype === String.prototype || Object.getPrototypeOf(prototype) === typedArray;
}

/** Whether this is the `Array.prototype` of another realm. */
function isForeignArray(prototype: object | null): boolean {
  return Array.isArray(prototype) && isForeignPlain(Object.getPrototypeOf(prototype) as object);
}

/** Whether this is the `Object.prototype` of another realm, such as a `vm` context or a test runner's sandbox. */
function isForeignPlain(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

function className(prototype: object): string {
  return prototype.constructor?.name || "an unnamed class";
}

function refusal(
  path: Path | undefined,
  what: string,
  cure = "Give plain data, or register the class with the option classes.",
): SerializationError {
  let text = "";
  for (let at = path; at; at = at.parent) text = stepText(at) + text;
  return new SerializationError(`value${text} is ${what}, which can't be saved without loss. ${cure}`, {
    path: `value${text}`,
  });
}

function stepText({ key, call }: Path): string {
  if (typeof key === "number") return `[${key}]`;
  return call || /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
