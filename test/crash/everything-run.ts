// One run of the workflow that uses everything, over as many processes as it takes: what they leave is looked at from outside.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Checkpoints } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { savedIn } from "../dynamic/ledger.ts";
import { contentsOf } from "../storages.ts";
import { approval, workflowId } from "./everything-workflow.ts";
import type { Ended, Program, Running } from "./programs.ts";

/** What a process is told. */
export interface EverythingOrder {
  /** At which it kills itself, by number or by name; with 0 it counts them. */
  readonly moment?: number | string;
  /** How long a step takes at most. */
  readonly milliseconds?: number;
  readonly everySteps?: number;
  /** A charge that is in doubt fails its task, and a person looks. */
  readonly asksPerson?: boolean;
  /** Waits in place. */
  readonly stays?: boolean;
  readonly from?: string;
}

/** What a process prints that comes to its end. */
export interface EverythingReport {
  readonly status: string;
  readonly waiting: readonly string[];
  /** The last error of each task that failed. */
  readonly failed: Readonly<Record<string, string>>;
  /** A digest of the values of all tasks of a run that completed. */
  readonly values: string;
  readonly moments: readonly string[];
}

/** What may be written again, or taken back. */
const passing = /\/(leases|progress|intents)\//;

export class EverythingRun {
  readonly #program: Program;
  readonly order: EverythingOrder;
  readonly #folder = mkdtempSync(join(tmpdir(), "everything-"));
  readonly #storage = new StorageFile({ folder: join(this.#folder, "store") });
  readonly #checkpoints = new Checkpoints(this.#storage, { workflowId });
  /** How often each part had begun when it was first seen saved. */
  readonly #done = new Map<string, number>();
  readonly #whole = new Map<string, Uint8Array>();
  readonly #wrong: string[] = [];
  #isApproved = false;
  /** How often a person had to find out whether money was taken. */
  answers = 0;
  kills = 0;

  constructor(program: Program, order: EverythingOrder) {
    this.#program = program;
    this.order = order;
  }

  /** Goes on from what another run has left. */
  static after(other: EverythingRun): EverythingRun {
    const run = new EverythingRun(other.#program, other.order);
    cpSync(other.#folder, run.#folder, { recursive: true });
    run.#isApproved = other.#isApproved;
    return run;
  }

  start(order: EverythingOrder = {}): Running {
    return this.#program.start(this.#folder, JSON.stringify({ ...this.order, ...order }));
  }

  /** Sends the signal that comes from outside, once. */
  async approve(): Promise<void> {
    if (this.#isApproved) return;
    this.#isApproved = true;
    await this.#checkpoints.signal(approval, { by: "a person" });
  }

  /** Starts processes until one completes the run, and does what a person has to do in between. `disturb` may kill them. */
  async goOn(disturb: (running: Running) => Promise<void> = async () => {}): Promise<EverythingReport> {
    let from: string | undefined;
    for (;;) {
      const isDoubtful = await this.#isInDoubt();
      const running = this.start(from === undefined ? {} : { from });
      await disturb(running);
      const ended = await running.ended;
      await this.look();
      if (ended.how === "SIGKILL") {
        this.kills++;
        continue;
      }
      const report = reportOf(ended);
      if (report.status === "completed") return report;
      if ((await this.#checkpoints.info()).waiting.length > 0) await this.approve();
      const failed = Object.entries(report.failed);
      if (failed.some(([task, error]) => task !== "pay" || !error.startsWith("StepInDoubtError")))
        throw new Error(JSON.stringify(report.failed));
      if (failed.length > 0 && !isDoubtful) this.#wrong.push("It was in doubt, though nothing was interrupted.");
      // A person looks into it when all else is done.
      from = failed.length > 0 && report.waiting.length === 0 ? this.#answer() : undefined;
    }
  }

  /** Notes what is saved. */
  async look(): Promise<void> {
    const begun = this.#begun();
    for (const [part, times] of this.#done)
      if (begun.get(part) !== times) this.#wrong.push(`${part} was saved, and began again.`);
    const saved = [...(await savedIn(this.#storage))];
    for (const [part, times] of begun) {
      const pattern = new RegExp(`/${part.replaceAll(".", "[.]").replaceAll("*", "[^/]*")}$`);
      if (saved.some((key) => pattern.test(key))) this.#done.set(part, times);
    }
    const contents = await contentsOf(this.#storage);
    for (const [key, bytes] of this.#whole) {
      const now = contents.get(key);
      if (!now || Buffer.compare(now, bytes) !== 0) this.#wrong.push(`${key} is ${now ? "changed" : "gone"}.`);
    }
    for (const key of saved) {
      const bytes = contents.get(key);
      if (bytes && !passing.test(key)) this.#whole.set(key, bytes);
    }
  }

  /** What must not have happened. */
  async wrong(): Promise<readonly string[]> {
    const problems = await Promise.all(
      [workflowId, `${workflowId}.child`].map((id) => new Checkpoints(this.#storage, { workflowId: id }).verify()),
    );
    const charges = this.#linesOf("charges").length;
    return [
      ...this.#wrong,
      ...this.#linesOf("wrong"),
      ...problems.flat().map(({ message }) => message),
      ...(charges === 1 ? [] : [`It was charged ${charges} times.`]),
    ];
  }

  /** How often something began. */
  begunCount(): number {
    return this.#linesOf("begun").length;
  }

  leave(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Whether an intent is saved, and the value that it was for is not. */
  async #isInDoubt(): Promise<boolean> {
    const saved = [...(await savedIn(this.#storage))];
    return (
      saved.some((key) => /\/pay\/intents\//.test(key)) && !saved.some((key) => /\/pay\/once\/.*\/charge$/.test(key))
    );
  }

  /** A person lets the task begin anew, after telling it to look before it takes money. */
  #answer(): string {
    this.answers++;
    writeFileSync(join(this.#folder, "answer"), "Look first.");
    for (const part of this.#done.keys()) if (part.startsWith("pay/")) this.#done.delete(part);
    return "pay";
  }

  #begun(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const part of this.#linesOf("begun")) counts.set(part, (counts.get(part) ?? 0) + 1);
    return counts;
  }

  #linesOf(name: string): string[] {
    const file = join(this.#folder, name);
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  }
}

export function reportOf({ lines, how, complaint }: Ended): EverythingReport {
  if (how !== 0) throw new Error(`The process ended with ${how}: ${complaint}`);
  return JSON.parse(lines.at(-1) ?? "") as EverythingReport;
}
