// The time limit and the signal of one attempt, and what ends it whatever its step does.
import type { Clock } from "./clock.ts";
import { limits } from "./defaults.ts";
import { InvalidWorkflowError, StepTimeoutError } from "./errors.ts";
import type { Wait } from "./step-waits.ts";
import type { Stop } from "./stop.ts";

/** What ends an attempt whatever the step makes of it: storage or lease failed beneath it, or it has to wait. */
export type End = { readonly broken: unknown } | { readonly wait: Wait };

const ends = new WeakMap<object, End>();

/** What `limit` rejected with, where an end of this kind was the reason. */
export function endOf(thrown: unknown): End | undefined {
  return typeof thrown === "object" && thrown !== null ? ends.get(thrown) : undefined;
}

export interface AttemptFacts {
  readonly clock: Clock;
  readonly stop: Stop;
  readonly details: { readonly workflowId: string; readonly runId: string; readonly taskId: string };
  readonly attempt: number;
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

/** The signal is made when it is asked for: most steps never do. */
export class AttemptControl {
  readonly #facts: AttemptFacts;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #ended = false;
  #end: Error | undefined;
  #fail: (error: unknown) => void = () => {};

  constructor(facts: AttemptFacts) {
    this.#facts = facts;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Throws where the attempt has ended: nothing that it gives later counts. */
  requireCurrent(): void {
    if (!this.#ended) return;
    const { details } = this.#facts;
    throw new InvalidWorkflowError(
      `"${details.taskId}" has ended, so nothing of it is saved any more. Await what the step begins, and let it heed step.signal.`,
      { ...details, cause: this.#aborted?.reason },
    );
  }

  /** Ends the attempt, whatever the step makes of it. */
  end(end: End): void {
    if (this.#end || (this.#ended && "wait" in end)) return;
    this.#end = new Error("The attempt was ended.");
    ends.set(this.#end, end);
    this.#fail(this.#end);
  }

  throwIfEnded(): void {
    if (this.#end) throw this.#end;
  }

  /** Begins `work`, and settles as it does; rejects when its time is over, or a while after the run was told to stop. Later results are dropped. */
  limit(work: () => Promise<unknown>): Promise<unknown> {
    const { clock, stop, timeout } = this.#facts;
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = [];
      const finish =
        <Result>(settle: (result: Result) => void) =>
        (result: Result): void => {
          this.#ended = true;
          for (const cancel of undo) cancel();
          settle(result);
        };
      const fail = finish(reject);
      this.#fail = fail;
      if (timeout !== undefined) {
        const onTimeout = (): void => {
          const error = this.#timeoutError(timeout);
          this.#abort(error);
          fail(error);
        };
        undo.push(clock.timer(timeout, onTimeout));
      }
      const onStop = (): void => {
        this.#abort(stop.reason);
        undo.push(clock.timer(limits.cancelGrace, () => fail(stop.reason)));
      };
      undo.push(stop.onRequest(onStop));
      work().then(finish(resolve), fail);
    });
  }

  #abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }

  #timeoutError(timeout: number): StepTimeoutError {
    const { details, attempt } = this.#facts;
    return new StepTimeoutError(
      `Attempt ${attempt} of "${details.taskId}" took longer than its timeout of ${timeout} ms. What it gives later is dropped. Raise the timeout, or let the step heed step.signal.`,
      details,
    );
  }
}
