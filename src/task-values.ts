// The values of a run's tasks: held in memory while somebody needs them, else read from their records.
import { limits } from "./defaults.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Observers } from "./observers.ts";
import { inParallel } from "./parallel.ts";
import type { Facts } from "./record.ts";
import type { EncodedValue, ValueCodec } from "./serializer.ts";
import type { TaskState, TaskStates } from "./task-states.ts";

/** Where records are read. */
export interface RecordReader {
  read(taskId: string): Promise<{ readonly facts: Facts; readonly value: EncodedValue } | undefined>;
}

export interface TaskValuesOptions {
  readonly graph: Graph;
  readonly states: TaskStates;
  readonly records: RecordReader;
  readonly observers: Observers;
  /** Holds every value to the end, for a run whose records are deleted when it succeeds. */
  readonly keepAll: boolean;
}

export class TaskValues {
  readonly #options: TaskValuesOptions;

  constructor(options: TaskValuesOptions) {
    this.#options = options;
  }

  /** A value that is in memory: one that is still needed, one that was not recorded, or any where `keepAll` says so. */
  held(index: number): Promise<EncodedValue | undefined> | undefined {
    return this.#state(index).value;
  }

  hold(index: number, value: EncodedValue): void {
    const { takers, tainted } = this.#state(index);
    if (takers > 0 || tainted || this.#options.keepAll) this.#state(index).value = Promise.resolve(value);
  }

  /** One of those that take the value has it. After the last one it is dropped. */
  release(index: number): void {
    const state = this.#state(index);
    if (--state.takers <= 0 && !state.tainted && !this.#options.keepAll) state.value = undefined;
  }

  /** The values that a node takes, in the order of its sources, and the sources whose records turn out to be torn. */
  async inputsOf(node: GraphNode): Promise<{ values: readonly (EncodedValue | undefined)[]; torn: readonly number[] }> {
    const values = await inParallel(node.sources, async (source) => this.#valueOf(source));
    const torn = node.sources.filter(
      (source, at) => values[at] === undefined && !this.#options.states.isBroken(source) && !this.#state(source).absent,
    );
    return { values, torn };
  }

  /**
   * Finds torn records where nobody would read them. A record that something restored follows from was whole before that began.
   *
   * A storage that keeps its contract never tears one, so a run with very many ends is not read for it: there a torn record
   * shows when its value is asked for.
   */
  async findTorn(): Promise<readonly number[]> {
    const last = lastOf(this.#restored(), (index) => this.#isRestored(index));
    if (last.length > limits.tornChecks) return [];
    const torn = await inParallel(last, async ({ index }) => {
      const isTorn = (await this.#valueOf(index)) === undefined;
      if (this.#state(index).takers === 0) this.#state(index).value = undefined;
      return isTorn ? [index] : [];
    });
    return torn.flat();
  }

  /** Reads what was restored into memory, so that the result outlives its records. */
  async holdRestored(): Promise<void> {
    await inParallel(this.#restored(), async ({ index }) => this.#valueOf(index));
  }

  #valueOf(index: number): Promise<EncodedValue | undefined> | undefined {
    const state = this.#state(index);
    if (state.status !== "restored" && !state.readBack) return state.value;
    const { records, observers, graph } = this.#options;
    const taskId = graph.nodes[index]?.id ?? "";
    state.value ??= records.read(taskId).then((record) => {
      if (record) observers.emit({ type: "checkpoint.restored", taskId, bytes: record.value.bytes.length });
      return record?.value;
    });
    return state.value;
  }

  #restored(): GraphNode[] {
    return this.#options.graph.nodes.filter(({ index }) => this.#isRestored(index) || this.#state(index).readBack);
  }

  #isRestored(index: number): boolean {
    return this.#state(index).status === "restored";
  }

  #state(index: number): TaskState {
    return this.#options.states.of(index);
  }
}

/** The nodes that nothing restored follows from. */
export function lastOf(nodes: readonly GraphNode[], isRestored: (index: number) => boolean): GraphNode[] {
  return nodes.filter(({ dependents }) => !dependents.some(isRestored));
}

/** The previous value of a step in the form that it asked for: a fresh copy, with `null` from where nothing came. */
export function previousOf(
  { inputs }: GraphNode,
  values: readonly (EncodedValue | undefined)[],
  codec: ValueCodec,
): unknown {
  const decoded = values.map((value) => (value ? codec.decode(value) : null));
  switch (inputs.shape) {
    case "none":
      return null;
    case "one":
      return decoded[0];
    case "list":
      return decoded;
    case "record":
      return Object.fromEntries((inputs.names ?? []).map((name, index) => [name, decoded[index]]));
  }
}
