// What every notification takes: which events, how long and how often it is tried. Checked once, with every default filled in.
import type { WorkflowEvent } from "../../src/events.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { type Duration, toMilliseconds } from "../../src/duration.ts";
import { isDotFlowError } from "../../src/errors.ts";
import { refuseUnknown, requireFunction as requireFunctionOf, show } from "../../src/options.ts";
import { type RetryPolicy, retryPolicy } from "../../src/retry.ts";

export type EventType = WorkflowEvent["type"];

export interface NotifyOptions {
  /**
   * Which events are sent: their types, or a function that says so for each. Every further one costs a message, and services
   * limit these to about one a second.
   *
   * @default what wants a person: `run.failed`, `run.suspended`, and `run.refused` unless another process drives the run
   */
  events?: readonly EventType[] | ((event: WorkflowEvent) => boolean);
  /** How long one request may take. A slow service is then tried again, and may have the message twice. @default "10s" */
  timeout?: Duration;
  /**
   * How long after its event a message is given up, with all its attempts and the time it waited for those before it. So long a
   * service that is down can keep the process from ending.
   *
   * @default "30s"
   */
  giveUpAfter?: Duration;
  /** Attempts in all, for broken connections, slow answers, and the statuses 408, 425, 429 and 5xx. @default 5 */
  retry?: number;
  /** The wait before the second attempt; it doubles from one to the next, half of it random. A service that names a time is heeded. @default "1s" */
  retryDelay?: Duration;
  /** Reads time; for tests, see `manualClock` of `dotflow/testing`. @default the clock of this machine */
  clock?: Clock;
}

/** Also for services that show a text to people. */
export interface TextOptions extends NotifyOptions {
  /**
   * Makes the text of an event: plain, of any length; escaping and shortening are done after it. It is called with the text that is
   * sent otherwise. `undefined` sends nothing.
   */
  format?: (event: WorkflowEvent, text: string) => string | undefined;
}

export interface NotifySettings {
  readonly wants: (event: WorkflowEvent) => boolean;
  readonly timeout: number;
  readonly giveUpAfter: number;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
}

/** Every type there is; the compiler finds one that is missing. */
const everyType: Record<EventType, true> = {
  "run.started": true,
  "run.resumed": true,
  "run.completed": true,
  "run.failed": true,
  "run.suspended": true,
  "run.cancelled": true,
  "run.lost": true,
  "run.refused": true,
  "step.started": true,
  "step.retrying": true,
  "step.progressed": true,
  "step.iterated": true,
  "step.waiting": true,
  "step.completed": true,
  "step.failed": true,
  "step.restored": true,
  "step.skipped": true,
  "checkpoint.created": true,
  "checkpoint.restored": true,
  "checkpoint.deleted": true,
  warning: true,
};
const sharedNames = ["events", "timeout", "giveUpAfter", "retry", "retryDelay", "clock", "format"];
const defaults = { timeout: "10s", giveUpAfter: "30s", retry: 5, retryDelay: "1s" };

/** `user` is the function that is called, and `ownNames` its options beside the shared ones. Throws a `TypeError`, as all checks here do. */
export function resolveNotify(options: TextOptions, user: string, ownNames: readonly string[]): NotifySettings {
  return plainly(() => resolve(options, user, ownNames));
}

function resolve(options: TextOptions, user: string, ownNames: readonly string[]): NotifySettings {
  refuseUnknown(options, [...ownNames, ...sharedNames], user);
  requireFunctionOf(options.format, `The option format of ${user}`);
  const { timeout, giveUpAfter, retry, retryDelay } = { ...defaults, ...given(options) };
  return {
    wants: resolveEvents(options.events, user),
    timeout: toMilliseconds(timeout, `The option timeout of ${user}`),
    giveUpAfter: toMilliseconds(giveUpAfter, `The option giveUpAfter of ${user}`),
    policy: retryPolicy({ retry, retryDelay, backoff: { jitter: true } }),
    clock: options.clock ?? systemClock,
  };
}

export { show };

export function requireFunction(value: unknown, what: string): void {
  plainly(() => requireFunctionOf(value, what));
}

/** Checks of the core refuse with an error of a workflow; of an observer, as of a storage, a wrong option is a `TypeError`. */
function plainly<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (isDotFlowError(error, "INVALID_WORKFLOW")) refuse(error.message);
    throw error;
  }
}

/** Throws what an option that can't be used is refused with. */
export function refuse(message: string): never {
  throw new TypeError(message);
}

/** Gives the address; its text, which mostly is a secret, stands in no error. */
export function requireAddress(value: unknown, what: string): URL {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError(`${what} is ${kindOf(value)}. Give an address that begins with https://.`);
  if (url.username || url.password)
    throw new TypeError(`${what} has a user or a password in it, which fetch refuses. Give them as a header.`);
  return url;
}

/** Gives a text without spaces; what was given stands in no error. */
export function requireToken(value: unknown, what: string): string {
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
  throw new TypeError(`${what} is ${kindOf(value)}. Give it as the service shows it, without spaces.`);
}

function kindOf(value: unknown): string {
  if (typeof value !== "string") return value === undefined ? "missing" : `a value of type ${typeof value}`;
  return value === "" ? "an empty text" : "a text that is none (not shown here, since it may be a secret)";
}

function resolveEvents(events: NotifyOptions["events"], user: string): NotifySettings["wants"] {
  if (typeof events === "function") return events;
  if (events === undefined) return wantsPerson;
  const types: unknown = events;
  if (!Array.isArray(types)) throw new TypeError(`The option events of ${user} is a list, or a function.`);
  const unknown = types.find((type) => typeof type !== "string" || !Object.hasOwn(everyType, type)) as unknown;
  if (unknown !== undefined)
    throw new TypeError(
      `The option events of ${user} has ${show(unknown)}, which is no type of event. These are: ${Object.keys(everyType).join(", ")}.`,
    );
  const wanted = new Set<unknown>(types);
  return ({ type }) => wanted.has(type);
}

function wantsPerson(event: WorkflowEvent): boolean {
  if (event.type === "run.refused") return !isDotFlowError(event.error, "WORKFLOW_LOCKED");
  return event.type === "run.failed" || event.type === "run.suspended";
}

/** Without what is `undefined`, so that it does not hide a default. */
function given<Options extends object>(options: Options): Partial<Options> {
  // The same keys, some left out.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Options>;
}
