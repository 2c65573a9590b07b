// What can go wrong with a call to a storage, and which calls a fault strikes.
import type { Duration } from "../src/duration.ts";

export type StorageOperation = "get" | "put" | "create" | "list" | "delete";

/** A fault, and the calls it strikes. With `kind` alone it strikes the next call, whichever it is. */
export type Fault = FaultTarget & FaultKind;

export interface FaultTarget {
  /** Only calls of this verb count, or of these. @default every verb; for `tear` the verbs that write a value */
  readonly operation?: StorageOperation | readonly StorageOperation[];
  /** Only calls whose key (the prefix, for `list`) matches. @default every key */
  readonly key?: RegExp;
  /** The first call it strikes, of those that match, from 1. @default 1 */
  readonly at?: number;
  /** How many matching calls in a row it strikes; `Infinity` for all from there on. @default 1 */
  readonly times?: number;
}

export type FaultKind =
  /** Rejects without having done anything. */
  | ({ readonly kind: "fail" } & FaultError)
  /** Neither does anything nor answers until `release()`; the call then goes through, late. */
  | { readonly kind: "hang" }
  /** Does what is asked, then rejects, as when the connection breaks before the answer is there. A `list` breaks off half way. */
  | ({ readonly kind: "lose-answer" } & FaultError)
  /** Stores only the first bytes, half of them unless `bytes` says how many, then rejects. No sound storage does so: for tests of checksums. */
  | ({ readonly kind: "tear"; readonly bytes?: number } & FaultError)
  /** Does what is asked twice and gives the second answer, as when a client repeats a call: `create` gives false for its own value. */
  | { readonly kind: "duplicate" }
  /** Waits before it does what is asked. A `list` waits before each key and before its end. */
  | { readonly kind: "delay"; readonly duration: Duration };

export interface FaultError {
  /** What the call rejects with. @default an `Error` that names the call */
  readonly error?: unknown;
  /** The `retryable` of the default error: whether dotflow makes the call again. @default false */
  readonly retryable?: boolean;
}

/** Gives a function that is asked about each call in turn and says whether `fault` strikes it. */
export function striker(fault: Fault): (operation: StorageOperation, key: string) => boolean {
  const operations = operationsOf(fault);
  const { at = 1, times = 1 } = fault;
  let matching = 0;
  return (operation, key) => {
    if (operations && !operations.includes(operation)) return false;
    if (fault.key && key.search(fault.key) < 0) return false;
    matching++;
    return matching >= at && matching < at + times;
  };
}

export function errorOf(fault: FaultError & { kind: string }, operation: StorageOperation, key: string): unknown {
  if ("error" in fault) return fault.error;
  const error = new Error(`Injected fault: ${fault.kind} at ${operation} of "${key}".`);
  return Object.assign(error, { retryable: fault.retryable ?? false });
}

function operationsOf(fault: Fault): readonly StorageOperation[] | undefined {
  const named = fault.operation === undefined ? undefined : [fault.operation].flat();
  if (fault.kind !== "tear") return named;
  const wrong = named?.find((operation) => operation !== "put" && operation !== "create");
  if (wrong)
    throw new TypeError(
      `A fault "tear" can't strike "${wrong}", which stores no value. Name "put" or "create", or leave \`operation\` out.`,
    );
  return named ?? ["put", "create"];
}
