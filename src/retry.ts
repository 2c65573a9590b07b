// When a failed attempt is tried again, and how long after. Pure: randomness is passed in.
import { defaults } from "./defaults.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { isDotFlowError } from "./errors.ts";
import { refuseUnknown, requireFunction, requireWhole, show } from "./options.ts";
import { InvalidWorkflowError } from "./errors.ts";

/** How the delay between attempts grows. */
export interface BackoffOptions {
  /** What each delay is multiplied with to give the next. @default 2 */
  factor?: number;
  /** The longest delay. @default none */
  max?: Duration;
  /**
   * The part of the delay that is random, from 0 to 1, so that many steps that failed together do not come back together.
   * `true` is 0.5: a delay of 2 s becomes 1 to 2 s.
   *
   * @default false
   */
  jitter?: boolean | number;
}

export interface RetryOptions {
  /** Attempts in all; 0 counts as 1. @default 1 */
  retry?: number;
  /** The wait before the second attempt, and before every further one without `backoff`. @default "1s" */
  retryDelay?: Duration;
  /** `true` doubles the delay after each attempt. @default false */
  backoff?: boolean | BackoffOptions;
  /** Whether this error is worth another attempt. A `NonRetryableError` never is. @default all errors are */
  retryIf?: (error: unknown) => boolean;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly delay: number;
  readonly factor: number;
  readonly max: number;
  readonly jitter: number;
  readonly retryIf: ((error: unknown) => boolean) | undefined;
}

export function retryPolicy(options: RetryOptions): RetryPolicy {
  requireWhole(options.retry, 0, "The option retry");
  requireFunction(options.retryIf, "The option retryIf");
  const { backoff: growth = false } = options;
  const backoff: BackoffOptions = typeof growth === "boolean" ? {} : growth;
  refuseUnknown(backoff, ["factor", "max", "jitter"], "The option backoff");
  const { jitter: spread = false } = backoff;
  const jitter = typeof spread === "boolean" ? (spread ? defaults.jitter : 0) : spread;
  const factor = growth === false ? 1 : (backoff.factor ?? defaults.backoffFactor);
  if (!(Number.isFinite(jitter) && jitter >= 0 && jitter <= 1))
    throw new InvalidWorkflowError(`backoff.jitter is ${show(jitter)}. It must be true, false, or from 0 to 1.`);
  if (!(Number.isFinite(factor) && factor >= 1))
    throw new InvalidWorkflowError(`backoff.factor is ${show(factor)}. It must be at least 1.`);
  return {
    attempts: Math.max(1, options.retry ?? defaults.retry),
    delay: toMilliseconds(options.retryDelay ?? defaults.retryDelay, "The option retryDelay"),
    factor,
    max: backoff.max === undefined ? Infinity : toMilliseconds(backoff.max, "backoff.max"),
    jitter,
    retryIf: options.retryIf,
  };
}

/** Another attempt would not find out what a person has to, nor make a value savable. */
const finalCodes: ReadonlySet<string> = new Set(["NON_RETRYABLE", "STEP_IN_DOUBT", "SERIALIZATION"]);

/** Whether another attempt follows the one with number `attempt`, which failed with `error`. What `retryIf` throws is thrown. */
export function isRetried(policy: RetryPolicy, attempt: number, error: unknown): boolean {
  if (attempt >= policy.attempts) return false;
  if (isDotFlowError(error) && finalCodes.has(error.code)) return false;
  return policy.retryIf === undefined || policy.retryIf(error);
}

/** Milliseconds to wait after the attempt with number `attempt`. `random` is from 0 to 1. */
export function delayAfter(policy: RetryPolicy, attempt: number, random: number): number {
  // Not Infinity: none of its parts is a time, and no delay at all would become NaN.
  const growth = Math.min(Number.MAX_SAFE_INTEGER, policy.factor ** (attempt - 1));
  const full = Math.min(policy.max, policy.delay * growth);
  return full * (1 - policy.jitter * random);
}
