// Values to bytes and back: plain JSON where that is without loss, else devalue's JSON form.
import { parse, stringify } from "devalue";
import { type ErrorDetails, InvalidWorkflowError, SerializationError } from "./errors.ts";
import { show } from "./options.ts";
import { type ClassCodec, inspect, type Reduce, type Reduced } from "./values.ts";

/** Replaces the built-in serializer. What `decode` gives for the bytes of `encode` is what the next step gets. */
export interface Serializer {
  encode: (value: unknown) => Uint8Array;
  decode: (bytes: Uint8Array) => unknown;
}

/** A value as bytes; `form` says how to read them. */
export interface EncodedValue {
  readonly form: string;
  readonly bytes: Uint8Array;
  /** Of the form `list`, which is never stored: the values that it is made of. */
  readonly items?: readonly EncodedValue[];
  /** Changes of the shared state, which are saved with the value and commit with it. */
  readonly changes?: Changes | undefined;
}

/** One change of the shared state; without a value something was deleted. `order` says which of two is the later one. */
export interface Change {
  readonly order: number;
  readonly value: EncodedValue | undefined;
}

export type Changes = ReadonlyMap<string, Change>;

/** What stands where there is no value: in the record of a skipped task, in the place of an item that failed. */
export const nothing: EncodedValue = { form: "json", bytes: Buffer.from("null") };

/** Values to bytes and back, in any form that a record may name. */
export interface ValueCodec {
  /** Throws a `SerializationError` for a value that would not come back as it is. */
  encode(value: unknown): EncodedValue;
  decode(encoded: EncodedValue): unknown;
}

const errorTypes = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError];
const typedArrays = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
/** Sets the names of users' classes apart from the tags used here. */
const classTag = "class ";
type TypedArray = InstanceType<(typeof typedArrays)[number]>;

export function valueCodec(classes: readonly ClassCodec[], serializer: Serializer | undefined): ValueCodec {
  const registered = new Map(classes.map((codec) => [checked(codec).class.prototype as object, codec]));
  if (new Set(classes.map(({ name }) => name)).size < classes.length) {
    throw new InvalidWorkflowError("The option classes has two entries with the same name.");
  }
  const reduce = reducer(registered);
  const revivers = reviversOf(classes);

  function encode(value: unknown): EncodedValue {
    if (serializer) return custom(serializer, value);
    const { plain, reduced } = refusing(() => inspect(value, reduce));
    if (plain) return { form: "json", bytes: Buffer.from(JSON.stringify(value)) };
    const bytes = Buffer.from(stringifyOdd(value, reduced));
    // What a class of the user can't read back is better found now than when the run is resumed.
    if ([...reduced.values()].some(({ tag }) => tag.startsWith(classTag))) decode({ form: "devalue", bytes });
    return { form: "devalue", bytes };
  }

  function decode({ form, bytes, items }: EncodedValue): unknown {
    if (items) return items.map(decode);
    try {
      if (form === "json") return JSON.parse(text(bytes));
      if (form === "devalue") return parse(text(bytes), revivers);
      if (form === "custom" && serializer) return serializer.decode(bytes);
    } catch (error) {
      throw new SerializationError(`The saved value can't be read back: ${unreadable(error as Error)}`, {
        path: "value",
        cause: error,
      });
    }
    throw new SerializationError(
      `The saved value has the form "${form}". Give the workflow the same serializer as when it was saved.`,
      { path: "value" },
    );
  }

  return { encode, decode };
}

/** Encodes a value of a task. The error of one that can't be saved says `what` it is. */
export function encodeAs(codec: ValueCodec, value: unknown, what: string, details: ErrorDetails): EncodedValue {
  try {
    return codec.encode(value);
  } catch (error) {
    const { message, path } = error as SerializationError;
    throw new SerializationError(`${what} can't be saved: ${message}`, { ...details, path, cause: error });
  }
}

function unreadable({ message }: Error): string {
  const [before, name] = message.split(`Unknown type ${classTag}`);
  if (before !== "" || name === undefined) return message;
  return `it holds an instance of "${name}". Register that class with the option classes, as when it was saved.`;
}

function checked(codec: ClassCodec): ClassCodec {
  const { class: type, name } = codec;
  if (
    typeof type === "function" &&
    typeof name === "string" &&
    name &&
    typeof codec.encode === "function" &&
    typeof codec.decode === "function"
  )
    return codec;
  throw new InvalidWorkflowError(
    `The option classes has the entry ${show(name)}. Each entry needs class, name, encode and decode.`,
  );
}

function custom(serializer: Serializer, value: unknown): EncodedValue {
  let bytes: unknown;
  try {
    bytes = serializer.encode(value);
  } catch (error) {
    throw new SerializationError(`The serializer of the workflow refused the value: ${(error as Error)?.message}`, {
      path: "value",
      cause: error,
    });
  }
  if (bytes instanceof Uint8Array) return { form: "custom", bytes };
  throw new SerializationError(`The serializer of the workflow gave ${show(bytes)} instead of a Uint8Array.`, {
    path: "value",
  });
}

/** Getters, proxies and the `encode` of a class may throw anything; for us that is a value that can't be saved. */
function refusing<Result>(look: () => Result): Result {
  try {
    return look();
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    throw new SerializationError(`The value can't be saved: ${(error as Error)?.message}`, {
      path: "value",
      cause: error,
    });
  }
}

function stringifyOdd(value: unknown, reduced: ReadonlyMap<object, Reduced>): string {
  const reducers: Record<string, (part: unknown) => unknown> = {};
  for (const { tag } of reduced.values()) {
    reducers[tag] ??= (part) => {
      const form = typeof part === "object" && part !== null ? reduced.get(part) : undefined;
      return form?.tag === tag ? form.parts : undefined;
    };
  }
  try {
    return stringify(value, reducers);
  } catch (error) {
    const path = `value${(error as { path?: string }).path ?? ""}`;
    throw new SerializationError(`${path} can't be saved: ${(error as Error).message}`, { path, cause: error });
  }
}

function reducer(registered: ReadonlyMap<object, ClassCodec>): Reduce {
  return (value, prototype) => {
    const codec = registered.get(prototype);
    if (codec) return { tag: classTag + codec.name, parts: [codec.encode(value)] };
    if (prototype === Buffer.prototype) return { tag: "Buffer", parts: [(value as Buffer).toString("base64")] };
    if (prototype === RegExp.prototype) return reduceRegExp(value as RegExp);
    if (ArrayBuffer.isView(value) && value.byteLength < value.buffer.byteLength) return reduceView(value, prototype);
    const type = errorTypes.find((candidate) => candidate.prototype === prototype);
    return type ? reduceError(value as Error, type.name) : undefined;
  };
}

/** devalue has a form for regular expressions, but without the place where a global one goes on. */
function reduceRegExp(value: RegExp): Reduced | undefined {
  return value.lastIndex === 0 ? undefined : { tag: "regexp", parts: [value.source, value.flags, value.lastIndex] };
}

/** A view of a part of a buffer is saved as that part: the rest may belong to somebody else (Node pools small buffers). */
function reduceView(view: ArrayBufferView, prototype: object): Reduced | undefined {
  const type = typedArrays.find((candidate) => candidate.prototype === prototype);
  if (!type) return undefined;
  return {
    tag: "view",
    parts: [type.name, Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("base64")],
  };
}

function reduceError(error: Error, type: string): Reduced {
  const own = Object.fromEntries(Reflect.ownKeys(error).map((key) => [key, error[key as keyof Error]]));
  own["stack"] = error.stack;
  return { tag: "Error", parts: [type, own, Object.keys(error)] };
}

type Reviver = (parts: unknown) => unknown;

/** The parts are what the reducer of the same tag wrote; the checksum of the record vouches for that. */
function reviversOf(classes: readonly ClassCodec[]): Record<string, Reviver> {
  const revivers: Record<string, Reviver> = {
    Buffer: (parts) => Buffer.from(...(parts as [string]), "base64"),
    regexp: (parts) => reviveRegExp(...(parts as [string, string, number])),
    view: (parts) => reviveView(...(parts as [string, string])),
    Error: (parts) => reviveError(...(parts as [string, Record<string, unknown>, string[]])),
  };
  for (const codec of classes) revivers[classTag + codec.name] = (parts) => codec.decode(...(parts as [unknown]));
  return revivers;
}

function reviveRegExp(source: string, flags: string, lastIndex: number): RegExp {
  return Object.assign(new RegExp(source, flags), { lastIndex });
}

function reviveView(name: string, base64: string): TypedArray {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const type = typedArrays.find((candidate) => candidate.name === name) ?? Uint8Array;
  return new type(bytes.buffer);
}

function reviveError(type: string, own: Record<string, unknown>, enumerable: readonly string[]): Error {
  const prototype = errorTypes.find((candidate) => candidate.name === type)?.prototype ?? Error.prototype;
  const error = Object.setPrototypeOf(new Error(), prototype) as Error;
  for (const [key, value] of Object.entries(own)) {
    Object.defineProperty(error, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: enumerable.includes(key),
    });
  }
  return error;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
