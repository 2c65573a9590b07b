// Steps that note each time they are called, so that a test can say exactly what ran.
import { type Action, action, type ActionOptions, type Context, type StepContext } from "dotflow";

export type NotedStep<Out = unknown> = Action<(previous: Context, step: StepContext) => Out | Promise<Out>>;
type Give<Out> = (previous: unknown, step: StepContext) => Out | Promise<Out>;
type Options = Omit<ActionOptions, "name" | "input" | "output">;

export class Notebook {
  #called: string[] = [];
  #succeeded: string[] = [];

  /** A step called `name` that gives what `give` makes of its previous value. */
  step<Out>(name: string, give: Give<Out>, options: Options = {}): NotedStep<Out> {
    return action({ ...options, name }, async (previous: Context, step: StepContext) => {
      this.#called.push(step.taskId);
      const value = await give(previous.storage, step);
      this.#succeeded.push(step.taskId);
      return value;
    }) as NotedStep<Out>;
  }

  /** The ids of the tasks that were called since the last time, in the order of the calls. */
  called(): string[] {
    return this.#called.splice(0);
  }

  /** The ids of the tasks whose function gave a value since the last time. */
  succeeded(): string[] {
    return this.#succeeded.splice(0);
  }
}

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
