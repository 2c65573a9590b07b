// Makes the snapshots that steps ask for: which tasks are done, and how far those have come that are not.
import type { Clock } from "./clock.ts";
import type { GraphNode } from "./graph.ts";
import type { SnapshotsAsked } from "./iterations.ts";
import type { Begun } from "./journal/journal.ts";
import { inParallel } from "./parallel.ts";
import type { Recorder } from "./recorder.ts";
import type { TaskStates } from "./task-states.ts";

export interface SnapshotTakerOptions {
  readonly nodes: readonly GraphNode[];
  readonly states: TaskStates;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly isMap: (index: number) => boolean;
}

type Iteration = Begun["iterations"][string];

/** What a task that is not done has: the last saved iteration of a loop, or items of a map. */
interface Progress {
  readonly last?: Iteration;
  readonly hasItems: boolean;
}

const nothing: Progress = { hasItems: false };

export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  /** The last saved iterations of the loops that ran in this driving of the run. */
  readonly #iterations = new Map<string, Iteration>();
  /** What tasks that have not begun in this driving have from before. */
  readonly #before = new Map<number, Promise<Progress>>();

  constructor(options: SnapshotTakerOptions) {
    this.#options = options;
  }

  /** `run` has the iteration, where it is not this one. */
  noteIteration(taskId: string, iteration: number, run: string | undefined): void {
    this.#iterations.set(taskId, { iteration, run });
  }

  noteDone(taskId: string): void {
    this.#iterations.delete(taskId);
  }

  /**
   * Makes the snapshots that a step asked for, before what it asked for them in is recorded: they count as soon as that is.
   * A crash in between leaves none, and the step asks again.
   */
  async take({ id: taskId, index }: GraphNode, asked: SnapshotsAsked): Promise<void> {
    const { states, recorder, clock } = this.#options;
    if (states.of(index).tainted) return;
    const { snapshots, key, iteration, changesState } = asked;
    const iterations = new Map(this.#iterations);
    if (iteration !== undefined) iterations.set(taskId, { iteration });
    else if (key === undefined) iterations.delete(taskId);
    const begun = await this.#underWay(iterations, key === undefined ? index : undefined);
    const now = clock.now();
    for (const { id, metadata } of snapshots)
      await recorder.snapshot({ id, metadata, begun, now, with: { taskId, key }, changesState });
  }

  /** How far the tasks are that are not done; `done` is one that is about to be. */
  async #underWay(iterations: ReadonlyMap<string, Iteration>, done: number | undefined): Promise<Begun> {
    const { nodes, states, recorder, isMap } = this.#options;
    const open = nodes.filter(({ id, index }) => index !== done && !recorder.isSaved(id));
    const found = await inParallel(open, async ({ id, index }) => {
      if (states.of(index).status !== "pending") return { id, hasItems: isMap(index), last: undefined };
      return { id, ...(await this.#savedBefore(id, index)) };
    });
    const before = found.flatMap(({ id, last }) => (last ? [[id, last] as const] : []));
    return {
      iterations: Object.fromEntries([...before, ...iterations]),
      maps: found.filter(({ hasItems }) => hasItems).map(({ id }) => id),
    };
  }

  #savedBefore(id: string, index: number): Promise<Progress> {
    let before = this.#before.get(index);
    if (!before) this.#before.set(index, (before = this.#look(id, index)));
    return before;
  }

  async #look(id: string, index: number): Promise<Progress> {
    const { recorder, isMap } = this.#options;
    if (!recorder.parts.mayHave(id)) return nothing;
    const parts = await recorder.parts.saved(id);
    if (isMap(index)) return { hasItems: !parts.isEmpty };
    const last = await parts.lastIteration();
    return last ? { last: { iteration: last.number, run: last.run }, hasItems: false } : nothing;
  }
}
