// The one guard around every storage: raw errors become `StorageError`, passing ones are retried, a call that hangs is given up.
import { type Clock, sleep } from "./clock.ts";
import { defaults, limits } from "./defaults.ts";
import { type DotFlowError, InvalidWorkflowError, isDotFlowError, StorageError } from "./errors.ts";
import { show } from "./options.ts";
import type { Storage } from "./storage.ts";

/** A storage as the journal uses it: the same verbs, with listings that are complete or fail. */
export interface GuardedStorage {
  readonly durable: boolean;
  readonly durability?: string | undefined;
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): Promise<void>;
  /** An answer of `false` may hide one's own write whose answer was lost: the caller compares the writer. */
  create(key: string, value: Uint8Array): Promise<boolean>;
  list(prefix: string): Promise<string[]>;
  delete(key: string): Promise<void>;
}

const networkCodes = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
]);

const verbs = ["get", "put", "create", "list", "delete"] as const;
type Verb = (typeof verbs)[number];

/** `random` gives numbers from 0 to 1: processes that failed together must not come back together. */
export function guardStorage(storage: Storage, clock: Clock, random: () => number): GuardedStorage {
  requireStorage(storage);

  async function guarded<Result>(
    operation: Verb,
    key: string,
    call: (alive: () => void) => Promise<Result>,
  ): Promise<Result> {
    const started = clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      try {
        const left = limits.storageCall - (clock.monotonic() - started);
        return await within(clock, left, call);
      } catch (error) {
        const delay = limits.storageRetryDelay * 2 ** (attempt - 1) * (1 - defaults.jitter * random());
        const spent = clock.monotonic() - started + delay;
        const over = error === gaveUp || attempt >= limits.storageAttempts || spent >= limits.storageCall;
        if (over || !isPassing(error)) throw failure(operation, key, error, attempt);
        await sleep(clock, delay);
      }
    }
  }

  return {
    // Some storages know it only when they have asked their server.
    get durable() {
      return storage.durable;
    },
    get durability() {
      return storage.durability;
    },
    get: (key) => guarded("get", key, async () => checked(await storage.get(key), isBytesOrNothing, "get")),
    put: (key, value) => guarded("put", key, async () => storage.put(key, value)),
    create: (key, value) =>
      guarded("create", key, async () => checked(await storage.create(key, value), isBoolean, "create")),
    list: (prefix) => guarded("list", prefix, async (alive) => collect(storage.list(prefix), prefix, alive)),
    delete: (key) => guarded("delete", key, async () => storage.delete(key)),
  };
}

const gaveUp = new Error(`no answer within ${limits.storageCall / 1000} seconds`);

/** Runs `call` with a time limit that begins anew whenever `call` says that it is alive. */
function within<Result>(
  clock: Clock,
  milliseconds: number,
  call: (alive: () => void) => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let moved = false;
    let cancel = (): void => {};
    const arm = (): void => {
      moved = false;
      cancel = clock.timer(milliseconds, () => (moved ? arm() : reject(gaveUp)));
    };
    arm();
    call(() => (moved = true)).then(
      (result) => {
        cancel();
        resolve(result);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** All keys of a listing, each once. A long listing may take its time as long as keys keep coming. */
async function collect(listing: AsyncIterable<string>, prefix: string, alive: () => void): Promise<string[]> {
  const keys = new Set<string>();
  for await (const key of listing) {
    keys.add(checked(key, (given) => typeof given === "string" && given.startsWith(prefix), "list"));
    alive();
  }
  return [...keys];
}

function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { retryable, code, cause } = error as { retryable?: unknown; code?: unknown; cause?: unknown };
  if (typeof retryable === "boolean") return retryable;
  // `fetch` says only in the cause of its error what happened.
  const codes = [code, (cause as { code?: unknown } | undefined | null)?.code];
  return codes.some((each) => typeof each === "string" && networkCodes.has(each));
}

function failure(operation: Verb, key: string, cause: unknown, attempts: number): DotFlowError {
  if (isDotFlowError(cause)) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const why = /[.?!]$/.test(said) ? said : `${said}.`;
  const tries = attempts > 1 ? ` after ${attempts} attempts` : "";
  return new StorageError(
    `The storage could not ${operation} "${key}"${tries}: ${why} What was saved before is safe; start with resume: true when the storage works again.`,
    { key, operation, retryable: cause === gaveUp || isPassing(cause), cause },
  );
}

function requireStorage(storage: Storage): void {
  const missing = verbs.filter((verb) => typeof (storage as Partial<Storage> | undefined)?.[verb] !== "function");
  if (missing.length === 0) return;
  throw new InvalidWorkflowError(
    `The option storage is ${show(storage)}, which has no ${missing.join(", ")}. Give a storage such as new StorageFile().`,
  );
}

function checked<Value>(value: Value, fits: (value: unknown) => boolean, operation: Verb): Value {
  if (fits(value)) return value;
  throw new TypeError(`its ${operation} gave ${show(value)}, which is against the storage contract`);
}

const isBytesOrNothing = (value: unknown): boolean => value === undefined || value instanceof Uint8Array;
const isBoolean = (value: unknown): boolean => typeof value === "boolean";
