// Durable waiting: for a signal from outside, or for a time. What the step waits for ends its attempt; the run goes on without it.
import { type Clock, eventLoopTurn } from "./clock.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError, WaitTimeoutError } from "./errors.ts";
import type { Part, TaskParts } from "./journal/task-parts.ts";
import { isName, refuseUnknown, show } from "./options.ts";
import type { ValueCodec } from "./serializer.ts";

export interface WaitOptions {
  /** How long to wait at most, from the first time that the step waited for it. Then it throws a `WaitTimeoutError`. @default for ever */
  timeout?: Duration;
}

/** What a task waits for. */
export interface Wait {
  /** The name of a signal; missing where only time has to pass. */
  readonly signal: string | undefined;
  /** When the waiting is over, in milliseconds since 1970. */
  readonly until: number | undefined;
  /** What a step, the items of a map, or the tasks of a workflow within this one wait for side by side: each lets it go on. */
  readonly any?: readonly Wait[] | undefined;
}

/** The parts of a wait that is made of several. */
export function singleWaits(wait: Wait): readonly Wait[] {
  return wait.any ?? [wait];
}

/** What lets a step go on that waits: the names of signals, and the earliest time. */
export function lookedFor(wait: Wait): { readonly signals: readonly string[]; readonly until: Date | undefined } {
  const waits = flat(wait);
  const until = Math.min(...waits.map((each) => each.until ?? Infinity));
  return {
    signals: [...new Set(waits.flatMap(({ signal }) => signal ?? []))],
    until: until === Infinity ? undefined : new Date(until),
  };
}

function flat(wait: Wait): readonly Wait[] {
  return wait.any?.flatMap(flat) ?? [wait];
}

/** For people: `signal "approval"`, `2026-11-21T12:00:00.000Z`. */
export function waitText({ signal, until, any }: Wait): string {
  if (any) return any.slice(0, 3).map(waitText).join(", ") + (any.length > 3 ? ` and ${any.length - 3} more` : "");
  const time = until === undefined ? "" : new Date(until).toISOString();
  if (signal === undefined) return time;
  return `signal "${signal}"${time && ` until ${time}`}`;
}

export interface StepWaitsOptions {
  readonly parts: TaskParts;
  readonly iteration: number;
  readonly codec: ValueCodec;
  readonly clock: Clock;
  readonly details: { readonly workflowId: string; readonly runId: string; readonly taskId: string };
  readonly requireCurrent: () => void;
  /** Runs a call to the storage; its failure ends the run. */
  readonly guarded: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Called when a wait begins. Gives what to call when it has found what it waits for. */
  readonly onWait: () => () => void;
  /** Resolves when nothing that goes on beside the waits would be lost. */
  readonly idle: () => Promise<void>;
  readonly isIdle: () => boolean;
  /** Ends the attempt. Nothing that the step does later counts. */
  readonly suspend: (wait: Wait) => void;
}

export class StepWaits {
  readonly #options: StepWaitsOptions;
  /** How often each thing was waited for in this attempt: the second time is another wait. */
  readonly #counts = new Map<string, number>();
  /** How many are being looked for. */
  #looking = 0;
  /** What was looked for and is not there. */
  readonly #missing: Wait[] = [];
  #isSuspended = false;

  constructor(options: StepWaitsOptions) {
    this.#options = options;
  }

  async waitFor(name: string, options: WaitOptions): Promise<unknown> {
    const { parts, iteration, codec, clock, details, guarded } = this.#options;
    const where = `step.waitFor of "${details.taskId}"`;
    if (!isName(name))
      throw new InvalidWorkflowError(
        `${where} was given the name ${show(name)}. Give a well-formed text that is not empty.`,
        details,
      );
    refuseUnknown(options, ["timeout"], where);
    const limit =
      options.timeout === undefined ? undefined : toMilliseconds(options.timeout, `The timeout of ${where}`);
    const id = this.#idOf(name);
    const look = async (): Promise<Part | Wait> => {
      const arrived = await guarded(() => parts.readArrival(iteration, id));
      if (arrived) return arrived;
      const until = await this.#begin(id, limit === undefined ? undefined : clock.now() + limit);
      const found = await guarded(() => parts.takeSignal(iteration, id, name));
      if (found) return guarded(() => parts.saveArrival(iteration, id, { timedOut: false }, found));
      if (until === undefined || clock.now() < until) return { signal: name, until };
      const nobody = codec.encode(null);
      return guarded(() => parts.saveArrival(iteration, id, { timedOut: true }, nobody));
    };
    return this.#open(name, await this.#find(look));
  }

  sleep(milliseconds: number): Promise<void> {
    return this.#sleepUntil(this.#options.clock.now() + milliseconds);
  }

  async sleepUntil(date: Date): Promise<void> {
    const { details } = this.#options;
    if (!(date instanceof Date) || Number.isNaN(date.getTime()))
      throw new InvalidWorkflowError(
        `step.sleepUntil of "${details.taskId}" was given ${show(date)}. Give a date.`,
        details,
      );
    await this.#sleepUntil(date.getTime());
  }

  async #sleepUntil(time: number): Promise<void> {
    const id = this.#idOf("");
    await this.#find(async () => {
      const until = (await this.#begin(id, time)) ?? time;
      return this.#options.clock.now() < until ? { signal: undefined, until } : undefined;
    });
  }

  /** Gives what `look` finds. Where it finds what is to be waited for, it never resolves, and the attempt ends. */
  async #find<Found>(look: () => Promise<Found | Wait>): Promise<Found> {
    const { onWait, requireCurrent } = this.#options;
    if (this.#isSuspended) return never();
    requireCurrent();
    const found = onWait();
    this.#looking++;
    let outcome: Found | Wait;
    try {
      outcome = await look();
    } finally {
      this.#looking--;
    }
    if (!isWait(outcome)) {
      found();
      return outcome;
    }
    if (this.#missing.push(outcome) === 1) void this.#suspend();
    return never();
  }

  /** Ends the attempt, once the other waits of the step have looked, and what is done beside them is saved. */
  async #suspend(): Promise<void> {
    const { idle, isIdle } = this.#options;
    do {
      await idle();
      // What was found lets the step go on, perhaps to the next thing that it waits for.
      await eventLoopTurn();
    } while (this.#looking > 0 || !isIdle());
    this.#isSuspended = true;
    const [first, ...others] = this.#missing as [Wait, ...Wait[]];
    this.#options.suspend(others.length === 0 ? first : { signal: undefined, until: undefined, any: this.#missing });
  }

  /** Notes when the waiting began, once: a resume does not start it anew. Gives when it is over. */
  async #begin(id: string, until: number | undefined): Promise<number | undefined> {
    const { parts, iteration, codec, guarded } = this.#options;
    const saved = await guarded(() => parts.beginWait(iteration, id, codec.encode(until ?? null)));
    return (codec.decode(saved) as number | null) ?? undefined;
  }

  #open(name: string, { facts, value }: Part): unknown {
    const { codec, details } = this.#options;
    if (!facts["timedOut"]) return codec.decode(value);
    throw new WaitTimeoutError(
      `Task "${details.taskId}" waited for the signal "${name}" until its timeout, and none came. Catch this error to go on without it.`,
      { ...details, signal: name },
    );
  }

  /** Sleeps have the empty name. */
  #idOf(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return JSON.stringify([name, count]);
  }
}

function isWait(outcome: unknown): outcome is Wait {
  return typeof outcome === "object" && outcome !== null && "signal" in outcome;
}

function never(): Promise<never> {
  return new Promise(() => {});
}
