// What a snapshot has to know of the tasks that are not done: the iteration that a loop had come to, and which maps have items.
import type { GraphNode } from "./graph.ts";
import { inParallel } from "./parallel.ts";
import type { Recorder } from "./recorder.ts";
import type { TaskStates } from "./task-states.ts";

/** The last saved iterations of loops, and maps that may have items. */
export interface Begun {
  readonly iterations: Readonly<Record<string, number>>;
  readonly maps: readonly string[];
}

export interface UnderWayOptions {
  readonly nodes: readonly GraphNode[];
  readonly states: TaskStates;
  readonly recorder: Recorder;
  readonly isMap: (index: number) => boolean;
  /** Whether an earlier driving of the run may have interrupted a task that did not begin in this one. */
  readonly mayBeInterrupted: (index: number) => boolean;
}

export class UnderWay {
  readonly #options: UnderWayOptions;
  /** What tasks that have not begun in this driving have from before. */
  readonly #before = new Map<number, Promise<{ readonly iteration?: number; readonly hasItems: boolean }>>();

  constructor(options: UnderWayOptions) {
    this.#options = options;
  }

  /** `iterations` are those of the tasks that ran in this driving; `done` is a task that is about to be. */
  async describe(iterations: ReadonlyMap<string, number>, done: number | undefined): Promise<Begun> {
    const { nodes, states, recorder, isMap } = this.#options;
    const open = nodes.filter(({ id, index }) => index !== done && !recorder.isSaved(id));
    const found = await inParallel(open, async ({ id, index }) => {
      if (states.of(index).status !== "pending") return { id, hasItems: isMap(index) };
      return { id, ...(await this.#savedBefore(id, index)) };
    });
    const before = found.flatMap(({ id, iteration }) => (iteration === undefined ? [] : [[id, iteration] as const]));
    return {
      iterations: Object.fromEntries([...before, ...iterations]),
      maps: found.filter(({ hasItems }) => hasItems).map(({ id }) => id),
    };
  }

  #savedBefore(id: string, index: number): Promise<{ readonly iteration?: number; readonly hasItems: boolean }> {
    let before = this.#before.get(index);
    if (!before) this.#before.set(index, (before = this.#look(id, index)));
    return before;
  }

  async #look(id: string, index: number): Promise<{ readonly iteration?: number; readonly hasItems: boolean }> {
    const { recorder, isMap, mayBeInterrupted } = this.#options;
    if (!mayBeInterrupted(index) || !recorder.parts.mayHave(id, true)) return { hasItems: false };
    const parts = await recorder.parts.interrupted(id);
    if (isMap(index)) return { hasItems: !parts.isEmpty };
    const last = await parts.lastIteration();
    return last?.isOwn ? { iteration: last.number, hasItems: false } : { hasItems: false };
  }
}
