// What may run now, and what follows from an outcome. It knows graphs, not modes, and records, not keys.
import type { ActionDefinition } from "./action.ts";
import type { AttemptHost } from "./execution.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { itemListOf } from "./items-value.ts";
import { unsavedParts } from "./journal/task-parts.ts";
import { perform } from "./perform.ts";
import type { Condition, MapFacts, TaskOutcome } from "./performance.ts";
import type { Recorder } from "./recorder.ts";
import { findSkipped, loadState } from "./resumed.ts";
import type { TaskResult } from "./result.ts";
import { nothing } from "./serializer.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";
import { lookedFor, type Wait, waitText } from "./step-waits.ts";
import { type TaskState, TaskStates } from "./task-states.ts";
import { previousOf, TaskValues } from "./task-values.ts";
import { WaitingTasks } from "./waiting-tasks.ts";

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
  readonly when: Condition | undefined;
  /** Whether its record may say that it was skipped. */
  readonly isConditional: boolean;
  readonly maxIterations: number;
  readonly map: MapFacts | undefined;
}

export interface RunnerOptions {
  readonly graph: Graph;
  readonly work: readonly Work[];
  readonly host: AttemptHost;
  readonly recorder: Recorder;
  readonly reasonOf: (taskId: string, restored: boolean) => string;
  readonly concurrency: number;
  readonly keepGoing: boolean;
  /** Stays while tasks wait, instead of coming to an end. */
  readonly waitInPlace: boolean;
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
  #finish: () => void = () => {};
  readonly #waiting: WaitingTasks;
  /** Nothing that waits can go on. */
  #isOver = false;
  readonly #snapshots: SnapshotTaker;

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
    this.#snapshots = new SnapshotTaker({
      nodes: graph.nodes,
      states: this.#states,
      recorder,
      clock: host.clock,
      isMap: (index) => this.#work(index).map !== undefined,
    });
    this.#waiting = new WaitingTasks({
      states: this.#states,
      host,
      hasSignal: (name) => recorder.hasSignal(name),
      wake: (index) => {
        this.#waitAgain(index);
        this.#advance();
      },
      ended: (failure) => {
        this.#failure ??= failure;
        this.#advance();
      },
    });
  }

  /** Runs until nothing more can. Rejects, once what was running has ended, when the storage or the lease is lost. */
  async run(): Promise<void> {
    const { graph, recorder, host } = this.#options;
    const skipped = await findSkipped(graph, recorder, (index) => this.#work(index).isConditional);
    for (const index of graph.order) this.#restore(this.#node(index), skipped.get(index));
    if (recorder.mayBeTorn) for (const index of await this.values.findTorn()) this.#reopen(index);
    for (const { index } of graph.nodes)
      if (this.#states.isPending(index) && this.#states.of(index).open === 0) this.#ready.push(index);
    if (this.#ready.length > 0) await recorder.parts.lookUp();
    if (recorder.usesState && this.#ready.length > 0) {
      const ready = this.#ready.map((index) => this.#node(index).id);
      await loadState(graph, recorder, ready, host.state);
    }
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#advance();
    });
    if (this.#failure) throw this.#failure.error;
  }

  /** What tasks wait for, each once. */
  waiting(): string[] {
    return [...new Set(this.waits().map((wait) => wait.signal ?? waitText(wait)))];
  }

  waits(): readonly Wait[] {
    return this.#states.waiting().map(({ wait }) => wait);
  }

  results(): TaskResult[] {
    return this.#options.graph.nodes.map(({ index }) => this.#states.result(index, this.#work(index)));
  }

  #restore(node: GraphNode, skipped: string | undefined): void {
    const { recorder, reasonOf, host } = this.#options;
    if (!recorder.isSaved(node.id)) return;
    const state = this.#states.of(node.index);
    state.status = skipped === undefined ? "restored" : "skipped";
    state.absent = skipped !== undefined;
    state.reason = skipped ?? reasonOf(node.id, true);
    host.observers.emit({
      type: `step.${state.status}`,
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
    const { stop, drain } = host;
    const goesOn = (): boolean => !stop.requested && !drain.requested && !this.#isOver && !this.#failure;
    while (this.#taken < this.#ready.length && this.#running < concurrency && goesOn()) {
      const index = this.#ready[this.#taken++] as number;
      if (!this.#states.isPending(index)) continue;
      if (this.#states.isBlocked(index)) this.#block(this.#skip(index));
      else if (this.#states.followsSkipped(index)) this.#open(this.#leaveOut(index, this.#states.skippers(index)));
      else this.#start(() => this.#runTask(this.#node(index)));
    }
    if (this.#running > 0) return;
    if (!goesOn() || !this.#waiting.any) this.#end();
    else if (!this.#options.waitInPlace) this.#start(() => this.#lastLook());
  }

  /** Nothing can run but what waits, and the run does not wait in place: one more look, and it is over. */
  async #lastLook(): Promise<void> {
    if (!(await this.#waiting.look())) this.#isOver = true;
  }

  #end(): void {
    this.#waiting.stop();
    this.#finish();
  }

  #start(work: () => Promise<void>): void {
    this.#running++;
    const ended = (): void => {
      this.#running--;
      this.#advance();
    };
    work().then(ended, (error: unknown) => {
      this.#failure ??= { error };
      ended();
    });
  }

  async #runTask(node: GraphNode): Promise<void> {
    const { host, recorder, reasonOf } = this.#options;
    const { name, action, self, initial, when, map, maxIterations } = this.#work(node.index);
    const state = this.#states.of(node.index);
    state.status = "running";
    const inputs = await this.values.inputsOf(node);
    for (const source of inputs.torn) this.#reopen(source);
    await recorder.ensure();
    if (inputs.torn.length > 0 || host.stop.requested || host.drain.requested || this.#failure) {
      this.#waitAgain(node.index);
      return;
    }
    state.reason = reasonOf(node.id, false);
    state.tainted = this.#states.followsFailure(node.index);
    const mayHaveParts = !state.tainted && recorder.parts.mayHave(node.id);
    const outcome = await perform(host, {
      taskId: node.id,
      action,
      self,
      previous: () => previousOf(node, inputs.values, host.codec),
      initial,
      when,
      map,
      maxIterations,
      isRecorded: !state.tainted,
      saved: mayHaveParts ? () => recorder.parts.saved(node.id) : undefined,
      onSaving: (asked) => this.#snapshots.take(node, asked),
      onSaved: (iteration, run) => this.#snapshots.noteIteration(node.id, iteration, run),
      parts: () => (state.tainted ? unsavedParts() : recorder.parts.of(node.id)),
      ensure: () => recorder.ensure(),
      beganIn: recorder.parts.beganIn(node.id),
      onBegin: () => {
        state.startedAt = host.clock.now();
        host.observers.emit({ type: "step.started", taskId: node.id, name, reason: state.reason });
      },
    });
    // One that waits is going to need them again.
    if (outcome.status !== "waiting") for (const dependency of node.dependencies) this.values.release(dependency);
    state.finishedAt = host.clock.now();
    state.attempts = outcome.attempts;
    state.iterations = outcome.iterations;
    state.items = outcome.items;
    state.errors = outcome.errors;
    await this.#conclude(node, state, outcome);
  }

  async #conclude(node: GraphNode, state: TaskState, outcome: TaskOutcome): Promise<void> {
    const { observers } = this.#options.host;
    const { name, callback } = this.#work(node.index);
    if (outcome.status === "cancelled" || outcome.status === "pending") {
      state.status = outcome.status;
      state.reason = outcome.status === "cancelled" ? "told to stop" : "the deadline came";
      return;
    }
    if (outcome.status === "waiting") {
      state.status = "waiting";
      state.wait = outcome.wait;
      state.reason = `waits for ${waitText(outcome.wait)}`;
      this.#waiting.watch();
      const { reason } = state;
      observers.emit({ type: "step.waiting", taskId: node.id, name, reason, ...lookedFor(outcome.wait) });
      return;
    }
    const isKept = outcome.status === "completed" || outcome.status === "skipped";
    if (isKept && (await this.#keep(node, state, outcome)) === "skipped") {
      this.#open(this.#leaveOut(node.index, state.reason));
      return;
    }
    // A condition may have failed before the task began.
    const durationMs = (state.finishedAt ?? 0) - (state.startedAt ?? state.finishedAt ?? 0);
    const facts = { taskId: node.id, name, attempts: outcome.attempts, durationMs };
    if (isKept) {
      state.status = "completed";
      observers.emit({ type: "step.completed", ...facts });
    } else {
      const error = outcome.errors.at(-1) ?? new Error("It failed without an error.");
      state.status = "failed";
      state.reason = `failed with ${error.name}: ${error.message}`;
      observers.emit({ type: "step.failed", ...facts, error });
      if (this.#options.keepGoing && outcome.partial && state.takers > 0)
        this.values.hold(node.index, await this.#options.recorder.gather(node.id, outcome.partial));
    }
    if (callback) {
      const result = this.#states.result(node.index, this.#work(node.index));
      observers.call(`The callback of "${node.id}"`, () => callback(result));
    }
    if (isKept || this.#options.keepGoing) this.#open(node);
    else this.#block(node);
  }

  /**
   * Saves what a task came to, before anything that follows begins, and holds its value while somebody needs it.
   * Gives the status that counts: another process may have been first, and may have come to the other one.
   */
  async #keep(
    node: GraphNode,
    state: TaskState,
    outcome: Extract<TaskOutcome, { status: "completed" | "skipped" }>,
  ): Promise<"completed" | "skipped"> {
    const { status } = outcome;
    const own = status === "completed" ? outcome.value : nothing;
    if (status === "skipped") state.reason = "its condition was false";
    if (state.tainted) {
      if (status === "completed") this.values.hold(node.index, own);
      return status;
    }
    await this.#options.host.turns.give();
    const facts = {
      status,
      fingerprint: this.#work(node.index).fingerprint,
      ...(status === "skipped" && { reason: state.reason }),
      ...(status === "completed" && { attempts: state.attempts }),
      ...(state.iterations > 1 && { iterations: state.iterations }),
      ...(state.items && { items: state.items.total }),
      startedAt: isoTime(state.startedAt),
      finishedAt: isoTime(state.finishedAt),
    };
    if (status === "completed" && outcome.snapshots.length > 0) {
      const { value, snapshots } = outcome;
      await this.#snapshots.take(node, { snapshots, changesState: !!value.changes });
    }
    const counts = (await this.#options.recorder.record(node.id, facts, own)) ?? { facts, value: own };
    const { bytes } = counts.value;
    this.#options.host.state.commit(counts.value.changes);
    this.#options.host.observers.emit({ type: "checkpoint.created", taskId: node.id, bytes: bytes.length });
    if (counts.facts["status"] === "skipped") {
      state.reason = String(counts.facts["reason"]);
      return "skipped";
    }
    this.#snapshots.noteDone(node.id);
    if (itemListOf(counts.value)) state.readBack = true;
    else this.values.hold(node.index, counts.value);
    return "completed";
  }

  /** Notes that a task is skipped without a failure. */
  #leaveOut(index: number, reason: string): GraphNode {
    const node = this.#node(index);
    const state = this.#states.of(index);
    state.status = "skipped";
    state.absent = true;
    state.reason = reason;
    this.#announceSkip(node, reason);
    return node;
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
    this.#announceSkip(node, state.reason);
    return node;
  }

  #announceSkip({ id, index }: GraphNode, reason: string): void {
    const { name } = this.#work(index);
    this.#options.host.observers.emit({ type: "step.skipped", taskId: id, name, reason });
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
