// Runs a workflow start by start over one storage, strikes some of the starts, and judges what comes of it.
import { eventLoopTurn } from "../../src/clock.ts";
import { DotFlow } from "../../src/dotflow.ts";
import { isDotFlowError } from "../../src/errors.ts";
import type { GraphMode } from "../../src/graph.ts";
import type { StartOptions } from "../../src/start-options.ts";
import type { Storage } from "../../src/storage.ts";
import { Disk } from "./disk.ts";
import { type CrashOutcome, difference, outcomeOf } from "./outcome.ts";
import { type Deed, ProcessStorage } from "./process-storage.ts";
import { type CrashOperation, type CrashProblem, CrashReport, type Strike } from "./report.ts";
import { Witness } from "./witness.ts";

/** What a start takes, but for what the crash test decides itself. */
export type CrashStartOptions = Omit<StartOptions, "mode" | "resume" | "from" | "onChange" | "lock" | "signal"> & {
  mode?: GraphMode;
};

export interface LabOptions {
  readonly make: (storage: Storage, start: number) => DotFlow | Promise<DotFlow>;
  readonly storage: () => Storage | Promise<Storage>;
  readonly start: CrashStartOptions;
  readonly compare: (expected: CrashOutcome, actual: CrashOutcome) => boolean;
}

/** A start without a crash. */
export interface RehearsedStart {
  readonly outcome: CrashOutcome;
  readonly operations: readonly CrashOperation[];
}

export interface Rehearsal {
  readonly first: RehearsedStart;
  /** The second start, where the first did not complete. */
  readonly resumed: RehearsedStart | undefined;
  /** How the last of them ended. */
  readonly outcome: CrashOutcome;
}

/** One start, when it has ended. */
interface Ended {
  readonly workflow: DotFlow;
  readonly operations: readonly CrashOperation[];
  readonly struck: CrashOperation | undefined;
  readonly outcome: CrashOutcome | undefined;
  readonly error: unknown;
}

export class Lab {
  readonly #options: LabOptions;
  readonly #problems: CrashProblem[] = [];
  #workflowId: string | undefined;
  #forgetful = false;
  #crashes = 0;
  #rivals = 0;
  #missed = 0;

  constructor(options: LabOptions) {
    this.#options = options;
  }

  /** Runs the workflow without a crash, and resumes it where it did not complete, as a user would. */
  async rehearse(): Promise<Rehearsal> {
    return this.#onDisk([], async (disk) => {
      const first = await this.#rehearsed(disk, 1);
      if (first.operations.length === 0) throw new TypeError(unusedStorage);
      const resumed = first.outcome.status === "completed" ? undefined : await this.#rehearsed(disk, 2);
      this.#forgetful ||= disk.removed;
      return { first, resumed, outcome: (resumed ?? first).outcome };
    });
  }

  /** Whether a second rehearsal ends like the first; a crash could not be told from chance otherwise. */
  async repeats({ outcome: expected }: Rehearsal): Promise<boolean> {
    const { outcome } = await this.rehearse();
    if (this.#options.compare(expected, outcome)) return true;
    const text = `${unequalRuns}: ${difference(expected, outcome)}`;
    this.#problems.push({ kind: "different result", strikes: [], text });
    return false;
  }

  /** Starts the workflow once per deed, each but the first a resume, and holds the last start against `expected`. Gives its operations. */
  async round(deeds: readonly (Deed | undefined)[], expected: CrashOutcome): Promise<readonly CrashOperation[]> {
    const strikes: Strike[] = [];
    return this.#onDisk(strikes, async (disk) => {
      let ended: Ended | undefined;
      for (const [index, deed] of deeds.entries()) {
        ended = await this.#run(disk, index + 1, deed);
        const { struck } = ended;
        if (struck && deed) strikes.push({ start: index + 1, operation: struck, point: pointOf(deed) });
        if (deed?.do === "crash" && struck) this.#crashes++;
        if (deed?.do === "crash" && !struck) this.#missed++;
      }
      if (ended) await this.#judge(disk, ended, expected);
      return ended?.operations ?? [];
    });
  }

  /** Holds the first start at `operation`, lets a second one try to take the run, and holds the first against `expected`. */
  async rival(operation: number, expected: CrashOutcome): Promise<void> {
    const strikes: Strike[] = [];
    await this.#onDisk(strikes, async (disk) => {
      const reached = gate();
      const until = gate();
      const first = this.#run(disk, 1, { operation, do: "hold", reached: reached.open, until: until.promise });
      const held = await Promise.race([reached.promise.then(() => true), first.then(() => false)]);
      if (!held) {
        this.#missed++;
        return;
      }
      this.#rivals++;
      const { error } = await this.#run(disk, 2);
      const refused = isDotFlowError(error, "WORKFLOW_LOCKED");
      const instead = error === undefined ? "ran to its end" : `failed with ${describeError(error)}`;
      if (!refused) disk.report("lease ignored", `A second start was not refused, but ${instead}.`);
      until.open();
      const ended = await first;
      if (ended.struck) strikes.push({ start: 1, operation: ended.struck, point: "hold" });
      if (refused) await this.#judge(disk, ended, expected);
    });
  }

  report(operations: number): CrashReport {
    return new CrashReport({
      operations,
      crashes: this.#crashes,
      rivals: this.#rivals,
      missed: this.#missed,
      problems: this.#problems,
    });
  }

  async #rehearsed(disk: Disk, start: number): Promise<RehearsedStart> {
    const { outcome, error, operations } = await this.#run(disk, start);
    if (outcome) return { outcome, operations };
    throw new Error(`crashTest can't run the workflow without a crash: ${describeError(error)}`, { cause: error });
  }

  async #run(disk: Disk, start: number, deed?: Deed): Promise<Ended> {
    const witness = new Witness(disk, !this.#options.start.keepGoing);
    const storage = new ProcessStorage(disk, deed, witness);
    const workflow = await this.#options.make(storage, start);
    this.#checkId(workflow);
    DotFlow.observe(workflow, witness);
    let outcome: CrashOutcome | undefined;
    let error: unknown;
    try {
      storage.numbers = true;
      const result = await workflow.start({ ...this.#options.start, resume: start > 1 });
      storage.numbers = false;
      if (deed?.do === "deliver") await disk.deliver();
      // A process that is dead tells nobody how it ended.
      if (deed?.do !== "crash" || !storage.struck) outcome = await outcomeOf(result);
    } catch (thrown) {
      error = thrown;
    }
    await storage.settled();
    const { operations, struck } = storage;
    return { workflow, operations, struck, outcome, error };
  }

  async #judge(disk: Disk, { workflow, outcome, error }: Ended, expected: CrashOutcome): Promise<void> {
    if (!outcome) return disk.report("not loadable", describeError(error));
    if (!this.#options.compare(expected, outcome)) disk.report("different result", difference(expected, outcome));
    for (const { code, message } of await workflow.checkpoints.verify()) {
      // What a dead process tore may stay; had the run needed it, its values could not have been read.
      if (code !== "TORN") disk.report("not loadable", message);
    }
  }

  /** Does `work` over a new storage; what it finds becomes problems of the round with these strikes. */
  async #onDisk<Result>(strikes: readonly Strike[], work: (disk: Disk) => Promise<Result>): Promise<Result> {
    // Memory answers without I/O: timers, such as the limit of a test, must get their turn.
    await eventLoopTurn();
    const disk = new Disk(await this.#options.storage(), this.#forgetful);
    try {
      return await work(disk);
    } finally {
      for (const finding of disk.findings) this.#problems.push({ ...finding, strikes });
      await disk.close();
    }
  }

  #checkId({ workflowId }: DotFlow): void {
    this.#workflowId ??= workflowId;
    if (workflowId === this.#workflowId) return;
    throw new TypeError(
      `makeWorkflow gave a workflow with the id "${this.#workflowId}", then one with "${workflowId}": nothing could be resumed. Give new DotFlow a fixed workflowId.`,
    );
  }
}

const unusedStorage =
  "The workflow did not use its storage. Hand the one that makeWorkflow gets to new DotFlow({ storage }).";
const unequalRuns =
  "Two runs without a crash ended differently, so that nothing was crashed. Make the workflow deterministic, or give the option compare";

function pointOf(deed: Deed): Strike["point"] {
  return deed.do === "crash" ? deed.point : deed.do;
}

interface Gate {
  readonly promise: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
