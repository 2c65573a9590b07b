// What may run now, and what follows from an outcome. It knows graphs, not modes, and records, not keys.
import type { ActionDefinition } from "./action.ts";
import { type AttemptHost, execute, type Outcome } from "./attempt.ts";
import { eventLoopTurn } from "./clock.ts";
import { limits } from "./defaults.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Facts } from "./record.ts";
import type { TaskResult } from "./result.ts";
import type { EncodedValue } from "./serializer.ts";
import { type TaskState, TaskStates } from "./task-states.ts";
import { previousOf, type RecordReader, TaskValues } from "./task-values.ts";

/** What a node executes. */
export interface Work {
  readonly name: string;
  readonly group: string;
  readonly fingerprint: string;
  readonly action: ActionDefinition;
  /** What `this` is in a method. */
  readonly self: unknown;
  /** Gives a new copy at every call. */
  readonly initial: () => unknown;
  readonly callback: ((result: TaskResult) => unknown) | undefined;
}

/** Where records are kept; the journal, as the runner sees it. */
export interface Recorder extends RecordReader {
  /** Whether records that nothing follows from yet may be torn. */
  readonly mayBeTorn: boolean;
  /** Rejects where another process drives the run now: what it has completed must not be called again. */
  ensure(): Promise<void>;
  isSaved(taskId: string): boolean;
  /** Gives the record that counts where another process was first. */
  record(taskId: string, facts: Facts, value: EncodedValue): Promise<{ readonly value: EncodedValue } | undefined>;
  forget(taskId: string): void;
}

export interface RunnerOptions {
  readonly graph: Graph;
  readonly work: readonly Work[];
  readonly host: AttemptHost;
  readonly recorder: Recorder;
  readonly reasonOf: (taskId: string, restored: boolean) => string;
  readonly concurrency: number;
  readonly keepGoing: boolean;
  /** Keeps all values in memory, for a run whose records are deleted when it succeeds. */
  readonly keepValues: boolean;
}

export class Runner {
  readonly values: TaskValues;
  readonly #options: RunnerOptions;
  readonly #states: TaskStates;
  readonly #ready: number[] = [];
  /** How many of the ready ones have been taken. */
  #taken = 0;
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  #lastTurn: number;
  #turning: Promise<void> | undefined;
  #finish: () => void = () => {};

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { graph, recorder, host, keepGoing, keepValues } = options;
    this.#states = new TaskStates(graph, keepGoing);
    this.values = new TaskValues({
      graph,
      states: this.#states,
      records: recorder,
      observers: host.observers,
      keepAll: keepValues,
    });
    this.#lastTurn = options.host.clock.monotonic();
  }

  /** Runs until nothing more can. Rejects, once what was running has ended, when the storage or the lease is lost. */
  async run(): Promise<void> {
    const { graph } = this.#options;
    for (const index of graph.order) this.#restore(this.#node(index));
    if (this.#options.recorder.mayBeTorn) for (const index of await this.values.findTorn()) this.#reopen(index);
    for (const { index } of graph.nodes)
      if (this.#states.isPending(index) && this.#states.of(index).open === 0) this.#ready.push(index);
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#advance();
    });
    if (this.#failure) throw this.#failure.error;
  }

  results(): TaskResult[] {
    return this.#options.graph.nodes.map(({ index }) => this.#states.result(index, this.#work(index)));
  }

  #restore(node: GraphNode): void {
    const { recorder, reasonOf, host } = this.#options;
    if (!recorder.isSaved(node.id)) return;
    const state = this.#states.of(node.index);
    state.status = "restored";
    state.reason = reasonOf(node.id, true);
    host.observers.emit({
      type: "step.restored",
      taskId: node.id,
      name: this.#work(node.index).name,
      reason: state.reason,
    });
    for (const dependency of node.dependencies) this.values.release(dependency);
    for (const dependent of node.dependents) this.#states.of(dependent).open--;
  }

  /** Starts what is ready. When nothing runs and nothing can start, the run is over. */
  #advance(): void {
    const { concurrency, host } = this.#options;
    while (this.#taken < this.#ready.length && this.#running < concurrency && !host.stop.requested && !this.#failure) {
      const index = this.#ready[this.#taken++] as number;
      if (!this.#states.isPending(index)) continue;
      if (this.#states.isBlocked(index)) this.#block(this.#skip(index));
      else this.#start(index);
    }
    if (this.#running === 0) this.#finish();
  }

  #start(index: number): void {
    this.#running++;
    const ended = (): void => {
      this.#running--;
      this.#advance();
    };
    this.#runTask(this.#node(index)).then(ended, (error: unknown) => {
      this.#failure ??= { error };
      ended();
    });
  }

  async #runTask(node: GraphNode): Promise<void> {
    const { host, recorder, reasonOf } = this.#options;
    const { name, action, self, initial } = this.#work(node.index);
    const state = this.#states.of(node.index);
    state.status = "running";
    const inputs = await this.values.inputsOf(node);
    for (const source of inputs.torn) this.#reopen(source);
    await recorder.ensure();
    if (inputs.torn.length > 0 || host.stop.requested || this.#failure) {
      this.#waitAgain(node.index);
      return;
    }
    for (const dependency of node.dependencies) this.values.release(dependency);
    state.reason = reasonOf(node.id, false);
    state.startedAt = host.clock.now();
    state.tainted = this.#states.followsFailure(node.index);
    host.observers.emit({ type: "step.started", taskId: node.id, name, reason: state.reason });
    const previous = (): unknown => previousOf(node, inputs.values, host.codec);
    const outcome = await execute(host, {
      taskId: node.id,
      action,
      self,
      previous,
      initial,
      ensure: () => recorder.ensure(),
    });
    state.finishedAt = host.clock.now();
    state.attempts = outcome.attempts;
    state.errors = outcome.errors;
    await this.#conclude(node, state, outcome);
  }

  async #conclude(node: GraphNode, state: TaskState, outcome: Outcome): Promise<void> {
    const { observers } = this.#options.host;
    const { name, callback } = this.#work(node.index);
    const durationMs = (state.finishedAt ?? 0) - (state.startedAt ?? 0);
    const facts = { taskId: node.id, name, attempts: outcome.attempts, durationMs };
    if (outcome.status === "cancelled") {
      state.status = "cancelled";
      state.reason = "told to stop";
      return;
    }
    if (outcome.status === "completed") {
      await this.#keep(node, state, outcome.value);
      state.status = "completed";
      observers.emit({ type: "step.completed", ...facts });
    } else {
      const error = outcome.errors.at(-1) ?? new Error("It failed without an error.");
      state.status = "failed";
      state.reason = `failed with ${error.name}: ${error.message}`;
      observers.emit({ type: "step.failed", ...facts, error });
    }
    if (callback) {
      const result = this.#states.result(node.index, this.#work(node.index));
      observers.call(`The callback of "${node.id}"`, () => callback(result));
    }
    if (outcome.status === "completed" || this.#options.keepGoing) this.#open(node);
    else this.#block(node);
  }

  /** Saves the value, before anything that follows begins, and holds it while somebody needs it. */
  async #keep(node: GraphNode, state: TaskState, value: EncodedValue): Promise<void> {
    let counts = value;
    if (!state.tainted) {
      await this.#turn();
      const facts = {
        status: "completed",
        fingerprint: this.#work(node.index).fingerprint,
        attempts: state.attempts,
        startedAt: isoTime(state.startedAt),
        finishedAt: isoTime(state.finishedAt),
      };
      const rival = await this.#options.recorder.record(node.id, facts, value);
      if (rival) counts = rival.value;
      this.#options.host.observers.emit({ type: "checkpoint.created", taskId: node.id, bytes: counts.bytes.length });
    }
    this.values.hold(node.index, counts);
  }

  #open(node: GraphNode): void {
    for (const dependent of node.dependents) {
      const state = this.#states.of(dependent);
      if (--state.open === 0 && state.status === "pending") this.#ready.push(dependent);
    }
  }

  /** Skips everything that can't be reached any more. */
  #block(node: GraphNode): void {
    // A list in place of recursion: a chain may be longer than the stack.
    const nodes = [node];
    for (const { dependents } of nodes) {
      for (const dependent of dependents) if (this.#states.isPending(dependent)) nodes.push(this.#skip(dependent));
    }
  }

  #skip(index: number): GraphNode {
    const node = this.#node(index);
    const state = this.#states.of(index);
    state.status = "skipped";
    state.reason = this.#states.blockers(index);
    this.#options.host.observers.emit({
      type: "step.skipped",
      taskId: node.id,
      name: this.#work(index).name,
      reason: state.reason,
    });
    return node;
  }

  /** Takes a restored task whose record is torn as not done. Its dependents that have not begun wait for it again. */
  #reopen(index: number): void {
    const { recorder, host } = this.#options;
    const { id, dependencies, dependents } = this.#node(index);
    const state = this.#states.of(index);
    if (state.status !== "restored") return;
    recorder.forget(id);
    host.observers.warn(`The record of "${id}" is torn, which counts as not written: the task runs again.`, {
      taskId: id,
    });
    state.value = undefined;
    for (const dependency of dependencies) this.#states.of(dependency).takers++;
    for (const dependent of dependents) if (this.#states.isPending(dependent)) this.#states.of(dependent).open++;
    this.#waitAgain(index);
  }

  #waitAgain(index: number): void {
    const state = this.#states.of(index);
    state.status = "pending";
    state.open = this.#states.countOpen(index);
    if (state.open === 0) this.#ready.push(index);
  }

  /** Gives timers and I/O their turn where only settled promises were awaited for a while: the lease has to be renewed. */
  async #turn(): Promise<void> {
    const { clock } = this.#options.host;
    while (clock.monotonic() - this.#lastTurn > limits.eventLoopTurn) {
      this.#turning ??= eventLoopTurn().then(() => {
        this.#turning = undefined;
        this.#lastTurn = clock.monotonic();
      });
      await this.#turning;
    }
  }

  #node(index: number): GraphNode {
    return this.#options.graph.nodes[index] as GraphNode;
  }

  #work(index: number): Work {
    return this.#options.work[index] as Work;
  }
}

function isoTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
