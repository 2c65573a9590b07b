// A step's second argument outside of any run, so that a step can be called as the plain function that it is.
import { randomUUID } from "node:crypto";
import { StepContext } from "../src/context.ts";
import type { Duration } from "../src/duration.ts";
import { InvalidWorkflowError, WaitTimeoutError } from "../src/errors.ts";
import { unsavedParts } from "../src/journal/task-parts.ts";
import { RunState, StepState, noChanges } from "../src/run-state.ts";
import { valueCodec } from "../src/serializer.ts";
import { IterationParts, StepParts } from "../src/step-parts.ts";

export interface StepContextOptions<I = unknown> {
  /** @default "workflow" */
  workflowId?: string;
  /** @default "run" */
  runId?: string;
  /** @default "task" */
  taskId?: string;
  /** @default 1 */
  attempt?: number;
  /** @default 1 */
  iteration?: number;
  /** What `step.initial.storage` holds. @default null */
  initial?: I;
  /** Abort it to see what the step does when it is told to stop. @default a signal that is never aborted */
  signal?: AbortSignal;
  /** What `step.state` holds at the beginning. */
  state?: Readonly<Record<string, unknown>>;
  /** What `step.progress.value` is at the beginning, as after a crash. */
  progress?: unknown;
  /** The payloads that `step.waitFor` gives, by the name of the signal. */
  signals?: Readonly<Record<string, unknown>>;
}

/**
 * A `StepContext` for a unit test, which calls a step as the plain function that it wraps: `await load(new Context(rows), stepContext())`.
 *
 * `once`, `progress` and `state` work in memory, for as long as this context is used: a second call with the same one is
 * refused as it is within one execution. `waitFor` gives the payload from `signals`; where there is none, it throws the
 * `WaitTimeoutError` if it has a timeout, and says what is missing if it has none. `sleep` and `sleepUntil` resolve at once.
 */
export function stepContext<I = unknown>(options: StepContextOptions<I> = {}): StepContext<I> {
  return new TestedStepContext(options);
}

class TestedStepContext<I> extends StepContext<I> {
  readonly #signals: Readonly<Record<string, unknown>>;

  constructor({ signals = {}, ...options }: StepContextOptions<I>) {
    super(factsOf(options));
    this.#signals = signals;
  }

  override async waitFor<T>(name: string, { timeout }: { timeout?: Duration } = {}): Promise<T> {
    const { workflowId, runId, taskId } = this;
    const details = { workflowId, runId, taskId };
    // What was given to the test is what the step asks for.
    if (Object.hasOwn(this.#signals, name)) return this.#signals[name] as T;
    if (timeout !== undefined) throw new WaitTimeoutError(`No signal "${name}" came.`, { ...details, signal: name });
    throw new InvalidWorkflowError(
      `The step waits for the signal "${name}", which was not given. Write stepContext({ signals: { "${name}": payload } }).`,
      details,
    );
  }

  override async sleep(): Promise<void> {}

  override async sleepUntil(): Promise<void> {}
}

function factsOf<I>(options: Omit<StepContextOptions<I>, "signals">): ConstructorParameters<typeof StepContext<I>>[0] {
  const { workflowId = "workflow", runId = "run", taskId = "task", attempt = 1, iteration = 1 } = options;
  const details = { workflowId, runId, taskId };
  const codec = valueCodec([], undefined);
  const shared = new RunState();
  const given = Object.entries(options.state ?? {}).map(
    ([key, value]) => [key, { order: shared.nextOrder(), value: codec.encode(value) }] as const,
  );
  shared.commit(new Map(given));
  const kept = IterationParts.begin(unsavedParts(), iteration);
  if (options.progress !== undefined) kept.progress = codec.encode(options.progress);
  const never = new AbortController().signal;
  const requireCurrent = (): void => {};
  const parts = new StepParts({
    kept,
    codec,
    details,
    startAgain: details,
    requireCurrent,
    ensure: () => undefined,
    onBroken: () => {},
  });
  const state = new StepState({ state: shared, codec, details, before: noChanges, requireCurrent });
  const idempotencyKey = randomUUID();
  return {
    ...details,
    attempt,
    iteration,
    idempotencyKey: () => idempotencyKey,
    signal: () => options.signal ?? never,
    // Where nothing is given, the type says `unknown` or what the caller asked for.
    initial: () => (options.initial ?? null) as I,
    parts: () => parts,
    state: () => state,
    checkpoint: () => {},
    waits: () => {
      throw new InvalidWorkflowError("A step context of a test has no waits of its own.", details);
    },
    runWorkflow: () => Promise.reject(new InvalidWorkflowError("A step context of a test runs no workflow.", details)),
  };
}
