// One start of a workflow: acquires its run, drives it to the end, and says how it went.
import { settledWithin } from "./clock.ts";
import { limits } from "./defaults.ts";
import { asError } from "./attempt.ts";
import type { SubWorkflowEnd, SubWorkflowTask } from "./execution.ts";
import { CorruptCheckpointError, InvalidWorkflowError, LeaseLostError, type LeaseOwner } from "./errors.ts";
import { errorText, type EndedTask } from "./journal/end.ts";
import { Journal } from "./journal/journal.ts";
import type { Notes } from "./journal/lease-body.ts";
import type { Mailbox } from "./journal/signals.ts";
import { removeRun, tidy } from "./journal/removal.ts";
import { Observers } from "./observers.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { RunResult, type RunStatus, type TaskResult } from "./result.ts";
import { RunState } from "./run-state.ts";
import { Runner, type Work } from "./runner.ts";
import type { EncodedValue } from "./serializer.ts";
import { settle, type Settled } from "./settle.ts";
import type { Retention, Settings } from "./settings.ts";
import { type ResolvedStart, resolveStart } from "./start-options.ts";
import type { Wait } from "./step-waits.ts";
import { Stop } from "./stop.ts";
import type { SubWorkflow } from "./sub-workflow.ts";
import { Turns } from "./turns.ts";
import type { AddedTask, TaskList } from "./task-list.ts";

/** A workflow that the one that is started is a step of, and its run. */
interface Parent extends Mailbox {
  readonly list: object;
  /** The run in which the task began that this workflow is: it may go on in another one. */
  readonly beganIn: string;
  readonly taskId: string;
}

export class Start {
  readonly #settings: Settings;
  readonly #list: TaskList;
  readonly #tasks: readonly AddedTask[];
  readonly #options: ResolvedStart;
  readonly #observers: Observers;
  readonly #stop = new Stop();
  readonly #drain = new Stop();
  readonly #startedAt: number;
  readonly #parents: readonly Parent[];
  /** What the run waits for that ended suspended. */
  #waits: readonly Wait[] = [];

  /** `parents` are the workflows that this one is a step of, the nearest first. */
  constructor(settings: Settings, list: TaskList, options: ResolvedStart, parents: readonly Parent[] = []) {
    this.#settings = settings;
    this.#parents = parents;
    this.#list = list;
    this.#tasks = [...list.tasks];
    this.#options = options;
    this.#observers = new Observers(settings.observers, settings.clock, settings.workflowId);
    this.#startedAt = settings.clock.now();
  }

  cancel(reason: unknown = new DOMException("The run was cancelled.", "AbortError")): void {
    this.#stop.request(reason);
  }

  /** Runs to the end. `begun` is called with the run's id once the run is on record, before its first step. */
  async run(begun: (runId: string) => void): Promise<RunResult> {
    const { signal } = this.#options;
    const onAbort = (): void => this.cancel(signal?.reason);
    const cancelDeadline = this.#watchDeadline();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      return await this.#drive(await prepare(this.#settings, this.#tasks, this.#options), begun);
    } catch (error) {
      if (this.#observers.runId === "") this.#observers.emit({ type: "run.refused", error: asError(error) });
      throw error;
    } finally {
      cancelDeadline();
      signal?.removeEventListener("abort", onAbort);
      await this.#observers.settle();
    }
  }

  /** From the deadline on nothing new begins. */
  #watchDeadline(): () => void {
    const { clock } = this.#settings;
    const { deadline } = this.#options;
    if (deadline === undefined) return () => {};
    const left = this.#deadlineDate(deadline).getTime() - clock.now();
    if (left > 0) return clock.timer(left, () => this.#drain.request("the deadline"), { background: true });
    this.#drain.request("the deadline");
    return () => {};
  }

  /** Aborted when `signal` is, or when the deadline comes: nobody waits any longer for another process then. */
  #untilDeadline(signal: AbortSignal | undefined): AbortSignal | undefined {
    if (this.#options.deadline === undefined) return signal;
    const controller = new AbortController();
    this.#drain.onRequest(() => controller.abort(new DOMException("The deadline came.", "TimeoutError")));
    return signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
  }

  async #drive(prepared: Prepared, begun: (runId: string) => void): Promise<RunResult> {
    const { workflowId, name, store, clock, lease, policy } = this.#settings;
    const { resume, lock, signal, onChange } = this.#options;
    const onWatch = ({ pid, host }: LeaseOwner): void =>
      this.#observers.warn(
        `Process ${pid} on ${host} drove this workflow and has not said that it ended: waiting to see whether it still does.`,
      );
    const journal = await Journal.open({
      store,
      clock,
      lease,
      lock,
      signal: this.#untilDeadline(signal),
      resume,
      onWatch,
      policy,
      // A step that is not recorded takes no signal, and belongs to no run that could find it again.
      parents: resume ? this.#parents : [],
      notes: this.#observers.notes(),
    });
    journal.onLost = (error) => this.#stop.request(error);
    journal.onCancel = () => this.cancel();
    let runner: Runner | undefined;
    try {
      // A storage may know only by now whether it is durable.
      if (resume) this.#warnOfNoResume();
      const settled = await settle(journal, prepared, {
        workflowId,
        name,
        clock,
        onChange,
        parent: resume ? this.#parents[0]?.beganIn : undefined,
      });
      runner = this.#makeRunner(journal, prepared, settled);
      this.#announce(settled, journal.notesBefore);
      begun(settled.plan.runId);
      await runner.run();
      if (this.#stop.reason instanceof LeaseLostError) throw this.#stop.reason;
      return await this.#end(journal, runner, prepared);
    } catch (error) {
      await this.#giveUp(journal, runner, error);
      throw error;
    }
  }

  #warnOfNoResume(): void {
    const { storage, hasRandomId } = this.#settings;
    if (!storage.durable) {
      const why = storage.durability ?? "what is saved in it is gone with this process or at a crash of the machine";
      this.#observers.warn(`This storage is not durable: ${why}.`);
    }
    if (hasRandomId) {
      this.#observers.warn(
        "This workflow has a random workflowId, so no later process can find its runs. Give it one that stays the same.",
      );
    }
  }

  #announce({ plan, resumedFrom, restored }: Settled, notes: Notes): void {
    const { mode, tasks } = plan;
    const total = tasks.length;
    this.#observers.runId = plan.runId;
    if (resumedFrom === undefined) this.#observers.emit({ type: "run.started", mode, total });
    else this.#observers.emit({ type: "run.resumed", mode, total, restored, previousRunId: resumedFrom, notes });
  }

  #makeRunner(journal: Journal, { graph, tasks, actions, initials }: Prepared, { plan, reasons }: Settled): Runner {
    const { workflowId, clock, codec, retention } = this.#settings;
    const { concurrency, keepGoing, wait } = this.#options;
    const outermost = this.#parents.at(-1);
    const work = tasks.map(({ name, group, source, callback, when, maxIterations, map }, index): Work => {
      const initial = initials[index] ?? plan.input;
      return {
        name,
        group,
        fingerprint: plan.tasks[index]?.fingerprint ?? "",
        action: actions[index] as Work["action"],
        self: source.self,
        initial: () => (initial ? codec.decode(initial) : null),
        callback,
        when,
        isConditional: plan.tasks[index]?.when ?? false,
        maxIterations,
        map,
      };
    });
    return new Runner({
      graph,
      work,
      host: {
        workflowId,
        runId: plan.runId,
        clock,
        random: Math.random,
        codec,
        observers: this.#observers,
        stop: this.#stop,
        drain: this.#drain,
        state: new RunState(),
        turns: new Turns(clock),
        outermost: outermost && { workflowId: outermost.store.workflowId, taskId: outermost.taskId },
        runWorkflow: async (workflow, task) => {
          // What it does is saved at once, and follows from what came before.
          await journal.flush();
          const within = { runId: plan.runId, beganIn: journal.parts.beganIn(task.taskId) };
          return this.#runWithin(within, workflow, task);
        },
      },
      recorder: journal,
      reasonOf: (taskId, restored) =>
        restored ? `restored from run ${journal.originOf(taskId)}` : (reasons.get(taskId) ?? "no record"),
      concurrency,
      keepGoing,
      waitInPlace: wait,
      keepValues: retention?.deleteOnSuccess ?? false,
    });
  }

  /** Runs a workflow that is a step of this one: under its own id, over the same storage, and as far as this one goes. */
  async #runWithin(
    run: Pick<Parent, "runId" | "beganIn">,
    workflow: SubWorkflow,
    task: SubWorkflowTask,
  ): Promise<SubWorkflowEnd> {
    const { workflowId, store, retention, policy } = this.#settings;
    const within = store.within(task.taskId);
    // `list` is what `DotFlow` registered.
    const list = workflow.list as TaskList;
    const parents = [{ list: this.#list, store, taskId: task.taskId, ...run }, ...this.#parents];
    if (parents.some((parent) => parent.list === list))
      throw new InvalidWorkflowError(`Workflow "${workflowId}" is a step of itself.`, { workflowId });
    const settings = {
      ...this.#settings,
      workflowId: within.workflowId,
      hasRandomId: false,
      store: within,
      retention: retention && retentionWithin(retention),
      // They name tasks of this one.
      policy: policy && { ...policy, afterTasks: new Set<string>() },
    };
    const { deadline, wait, onChange, keepGoing, concurrency, lock } = this.#options;
    const options: ResolvedStart = {
      ...resolveStart({ resume: task.isRecorded, onChange, keepGoing, concurrency, wait, lock, signal: task.signal }),
      ...(task.input !== null && { initialContext: { value: task.input } }),
      deadline: deadline === undefined ? undefined : this.#deadlineDate(deadline),
    };
    const start = new Start(settings, list, options, parents);
    const result = await start.run(() => {});
    return result.status === "suspended" ? { waiting: start.#waits } : { output: await result.output() };
  }

  #deadlineDate(deadline: Date | number): Date {
    return deadline instanceof Date ? deadline : new Date(this.#startedAt + deadline);
  }

  async #end(journal: Journal, runner: Runner, { graph }: Prepared): Promise<RunResult> {
    const { workflowId } = this.#settings;
    const { onSuccess, onFailure } = this.#options;
    const tasks = runner.results();
    const status = statusOf(tasks, this.#stop.requested);
    const waiting = runner.waiting();
    this.#waits = runner.waits();
    const { runId } = journal;
    await this.#writeEnd(journal, status, tasks);
    await this.#tidy(journal, runner, status);
    await journal.release({ ended: true });
    const indexes = new Map(graph.nodes.map(({ id, index }) => [id, index]));
    const load = (taskId: string): Promise<{ found: boolean; value?: unknown }> =>
      this.#load(journal, runner, tasks[indexes.get(taskId) ?? -1], indexes.get(taskId) ?? -1);
    const result = new RunResult({ workflowId, runId, status, tasks, waiting }, { load });
    this.#emitEnd(result);
    if (status === "completed" && onSuccess) this.#observers.call("onSuccess", () => onSuccess(result));
    if (status === "failed" && onFailure) this.#observers.call("onFailure", () => onFailure(result));
    return result;
  }

  async #writeEnd(journal: Journal, status: RunStatus, tasks: readonly TaskResult[]): Promise<void> {
    const { clock } = this.#settings;
    const unsaved = tasks.filter((task) => task.status !== "completed" && task.status !== "restored");
    await journal.end({
      status,
      startedAt: new Date(this.#startedAt).toISOString(),
      finishedAt: new Date(clock.now()).toISOString(),
      tasks: unsaved.map(({ id, status: ended, reason, attempts, iterations, errors }): EndedTask => {
        const error = ended === "failed" ? errors.at(-1) : undefined;
        return {
          id,
          status: ended,
          reason,
          ...(attempts > 0 && { attempts }),
          ...(iterations > 0 && { iterations }),
          ...(error && { error: errorText(error) }),
        };
      }),
    });
  }

  /** Removes what `retention` no longer keeps, this run too where it says so. That it fails does not fail the run. */
  async #tidy(journal: Journal, runner: Runner, status: RunStatus): Promise<void> {
    const { store, retention, clock } = this.#settings;
    const removeThis = status === "completed" && retention?.deleteOnSuccess === true;
    try {
      const count = await tidy(store, {
        runId: journal.runId,
        generation: journal.generation,
        retention,
        now: clock.now(),
      });
      if (removeThis) {
        await runner.values.holdRestored();
        // First of all it is no longer the run that a resume finds: one with half of its records would run the others again.
        await journal.leaveRun();
        await removeRun(store, journal.runId);
      }
      const total = count + (removeThis ? 1 : 0);
      if (total > 0) this.#observers.emit({ type: "checkpoint.deleted", count: total });
    } catch (cause) {
      this.#observers.warn(
        "Old runs could not be removed as the option retention asks for. They are tried again at the end of the next run.",
        { cause },
      );
    }
  }

  async #load(
    journal: Journal,
    runner: Runner,
    task: TaskResult | undefined,
    index: number,
  ): Promise<{ found: boolean; value?: unknown }> {
    const { workflowId, codec } = this.#settings;
    const decoded = (value: EncodedValue): { found: boolean; value: unknown } => ({
      found: true,
      value: codec.decode(value),
    });
    if (task?.status !== "completed" && task?.status !== "restored") return { found: false };
    const held = await runner.values.held(index);
    if (held) return decoded(held);
    const record = await journal.read(task.id);
    if (record) return decoded(record.value);
    const { runId } = journal;
    throw new CorruptCheckpointError(
      `The record of "${task.id}" in run "${runId}" of workflow "${workflowId}" is gone or cut short. Start with resume: true and from: "${task.id}" to have it run again.`,
      { workflowId, runId, taskId: task.id },
    );
  }

  #emitEnd({ status, succeeded, restored, failed, skipped }: RunResult, error?: Error): void {
    const facts = { durationMs: this.#elapsed(), succeeded, restored, failed, skipped };
    this.#observers.emit({ type: `run.${status}`, ...facts, ...(error && { error }) });
  }

  #elapsed(): number {
    return this.#settings.clock.now() - this.#startedAt;
  }

  /** The run can't go on. Notes that, and lets others drive, as far as the storage still works. */
  async #giveUp(journal: Journal, runner: Runner | undefined, error: unknown): Promise<void> {
    if (error instanceof LeaseLostError) {
      this.#observers.warn(error.message, { cause: error });
      if (runner) this.#observers.emit({ type: "run.lost", durationMs: this.#elapsed(), error });
      return;
    }
    if (runner) {
      const { workflowId } = this.#settings;
      const load = async (): Promise<{ found: boolean }> => ({ found: false });
      this.#emitEnd(
        new RunResult({ workflowId, runId: journal.runId, status: "failed", tasks: runner.results() }, { load }),
        asError(error),
      );
    }
    const leave = async (): Promise<void> => {
      if (runner && journal.plan) await this.#writeEnd(journal, "failed", runner.results()).catch(() => {});
      await journal.release().catch(() => {});
    };
    await settledWithin(this.#settings.clock, limits.observerGrace, leave());
    journal.abandon();
  }
}

/** A run that completed is still needed while the one that it is a step of has not: the last one stays. */
function retentionWithin({ maxRuns, maxAge, deleteOnSuccess }: Retention): Retention {
  return { maxRuns: deleteOnSuccess ? 1 : maxRuns, maxAge, deleteOnSuccess: false };
}

function statusOf(tasks: readonly TaskResult[], wasStopped: boolean): RunStatus {
  const has = (...statuses: TaskResult["status"][]): boolean => tasks.some(({ status }) => statuses.includes(status));
  if (wasStopped && has("cancelled", "pending", "waiting")) return "cancelled";
  if (has("failed")) return "failed";
  return has("pending", "waiting") ? "suspended" : "completed";
}
