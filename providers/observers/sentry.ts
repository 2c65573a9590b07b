// `sentry()`: an observer that reports failed steps and runs through the Sentry SDK that the user has set up.
import type { ObservedStep, Observer, WorkflowEvent } from "../../src/events.ts";
import { isLast, levelOf, lineOf } from "../shared/event-facts.ts";
import { chosen } from "../shared/observer-options.ts";
import { plainText, shortened } from "../shared/plain-text.ts";

/** The part of a scope that is used. */
export interface SentryScope {
  setTags(tags: Record<string, string>): unknown;
  addBreadcrumb(breadcrumb: SentryBreadcrumb): unknown;
  setLevel(level: "error" | "warning"): unknown;
}

export interface SentryBreadcrumb {
  category: string;
  message: string;
  level: "debug" | "info" | "warning" | "error";
  timestamp: number;
}

/** `@sentry/node`, or another SDK of Sentry, as far as it is used. */
export interface SentrySdk {
  withScope<Result>(callback: (scope: SentryScope) => Result): Result;
  captureException(error: unknown): unknown;
  flush?(timeout: number): PromiseLike<unknown>;
}

export interface SentryOptions {
  /** Report attempts that are followed by another one too, as warnings. @default false */
  retries?: boolean;
}

/** How many of the last events of a run go with a report. */
const trailLength = 50;
/** The longest tag that Sentry takes: https://docs.sentry.io/platforms/javascript/guides/node/enriching-events/tags/ */
const longestTag = 200;
/** The process may end with the run; what is under way is waited for this long, in milliseconds. */
const flushTime = 4_000;

/**
 * Reports steps and runs that failed, starts that were refused, and leases that were lost; with the tags `workflow`, `run`, `task`
 * and `attempt`, and the events before it as breadcrumbs. What a step reports itself gets the same tags.
 *
 * `sdk` is the module that you have set up: `import * as Sentry from "@sentry/node"`. Before it is initialised nothing is sent.
 * After a report the end of the run waits for it to be sent, for four seconds at most.
 */
export function sentry(sdk: SentrySdk, options: SentryOptions = {}): Observer {
  if (typeof sdk?.withScope !== "function" || typeof sdk.captureException !== "function")
    throw new TypeError('sentry() takes the Sentry SDK: import * as Sentry from "@sentry/node", then sentry(Sentry).');
  const { retries } = chosen("sentry", options, { retries: { type: "boolean", default: false } });
  return new SentryObserver(sdk, retries);
}

class SentryObserver implements Observer {
  readonly name = "sentry";
  readonly #sdk: SentrySdk;
  readonly #retries: boolean;
  /** The last events of each start that goes on. */
  readonly #trails = new Map<string, SentryBreadcrumb[]>();
  readonly #reported = new Set<string>();

  constructor(sdk: SentrySdk, retries: boolean) {
    this.#sdk = sdk;
    this.#retries = retries;
  }

  onEvent(event: WorkflowEvent): unknown {
    const { startId } = event;
    const error = this.#errorOf(event);
    if (error !== undefined) this.#report(event, error);
    if (!isLast(event)) {
      this.#note(event);
      return undefined;
    }
    this.#trails.delete(startId);
    return this.#reported.delete(startId) ? this.#sdk.flush?.(flushTime) : undefined;
  }

  aroundStep(step: ObservedStep, next: () => Promise<unknown>): Promise<unknown> {
    return this.#sdk.withScope((scope) => {
      scope.setTags(tagsOf(step));
      return next();
    });
  }

  #errorOf(event: WorkflowEvent): unknown {
    if (event.type === "step.retrying" && !this.#retries) return undefined;
    return event.type === "warning" || !("error" in event) ? undefined : event.error;
  }

  #report(event: WorkflowEvent, error: unknown): void {
    this.#reported.add(event.startId);
    this.#sdk.withScope((scope) => {
      scope.setTags(tagsOf(event));
      scope.setLevel(event.type === "step.retrying" ? "warning" : "error");
      for (const breadcrumb of this.#trails.get(event.startId) ?? []) scope.addBreadcrumb(breadcrumb);
      this.#sdk.captureException(error);
    });
  }

  #note(event: WorkflowEvent): void {
    if (event.type === "run.started" || event.type === "run.resumed") this.#trails.set(event.startId, []);
    const trail = this.#trails.get(event.startId);
    if (!trail) return;
    const level = levelOf(event);
    trail.push({
      category: "dotflow",
      message: shortened(lineOf(event), 1_000),
      level: level === "warn" ? "warning" : level,
      timestamp: event.time.getTime() / 1_000,
    });
    if (trail.length > trailLength) trail.shift();
  }
}

function tagsOf(facts: WorkflowEvent | ObservedStep): Record<string, string> {
  const tags: Record<string, string> = { workflow: facts.workflowId };
  if (facts.runId !== "") tags["run"] = facts.runId;
  if ("taskId" in facts && facts.taskId !== undefined) tags["task"] = facts.taskId;
  if ("item" in facts && facts.item !== undefined) tags["item"] = facts.item;
  const attempt = "attempt" in facts ? facts.attempt : "attempts" in facts ? facts.attempts : undefined;
  if (attempt !== undefined) tags["attempt"] = String(attempt);
  return Object.fromEntries(
    Object.entries(tags).map(([name, value]) => [name, shortened(plainText(value), longestTag)]),
  );
}
