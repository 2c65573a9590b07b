// Who drives a workflow. Of any number of processes one creates the next generation; it renews it, and stops when a
// higher one appears. The rules follow shared experience with leases on plain storage: see docs/lease.md.
import { randomUUID } from "node:crypto";
import { type Clock, sleep } from "../clock.ts";
import { limits } from "../defaults.ts";
import type { LeaseLostError, LeaseOwner } from "../errors.ts";
import { cancelledGeneration, generationOf } from "./keys.ts";
import { ownIdentity } from "./identity.ts";
import type { LeaseBody, Notes, Pointers } from "./lease-body.ts";
import { lockedError, lostError, ownerOf, unseenError } from "./lease-errors.ts";
import { judge } from "./lease-judge.ts";
import type { LeaseStore } from "./lease-store.ts";

export interface LeaseOptions {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly lease: number;
  readonly lock: "fail" | "wait";
  readonly signal: AbortSignal | undefined;
  /** Called once when only time can tell whether the owner lives. */
  readonly onWatch: (owner: LeaseOwner) => void;
  /** What the new lease points at, given what the one before did. What it throws is thrown before anything is written. */
  readonly point: (previous: Pointers, generation: number) => Pointers;
  /** The lowest generation that will do. @default the next one */
  readonly atLeast?: number;
  /** Kept with the lease. @default those of the one before */
  readonly notes?: Notes;
}

interface Mark {
  readonly wall: number;
  readonly monotonic: number;
}

/** The writers of leases that this process holds now. One of its own that is not here has ended, released or not. */
const held = new Set<string>();

export function isHeldHere(writer: string): boolean {
  return held.has(writer);
}

export class Lease {
  readonly #options: LeaseOptions;
  #generation = 0;
  #writer = "";
  #runs: Pointers = [];
  #notesBefore: Notes | undefined;
  #count = 0;
  #mark: Mark;
  #lost: LeaseLostError | undefined;
  #released = false;
  #intact = false;
  #followsCrash = false;
  #cancelTimer = (): void => {};
  /** The generations that this lease has had, by their writers. */
  readonly #own = new Map<number, string>();
  #isCancelled = false;
  #queue: Promise<unknown> = Promise.resolve();
  /** Called once, when another process has taken over. */
  onLost: (error: LeaseLostError) => void = () => {};
  /** Called once a renewal finds that another process asks this one to end its run. */
  onCancel: () => void = () => {};

  /** Acquires the lease of the workflow, or rejects with a `WorkflowLockedError`. */
  static async acquire(options: LeaseOptions): Promise<Lease> {
    const lease = new Lease(options);
    try {
      await lease.#acquire();
    } catch (error) {
      lease.abandon();
      throw error;
    }
    lease.#schedule();
    return lease;
  }

  private constructor(options: LeaseOptions) {
    this.#options = options;
    this.#mark = this.#now();
  }

  get generation(): number {
    return this.#generation;
  }

  /** Marks what is written under this lease. */
  get writer(): string {
    return this.#writer;
  }

  get runs(): Pointers {
    return this.#runs;
  }

  /** The notes of the lease before. */
  get notesBefore(): Notes {
    return this.#notesBefore ?? {};
  }

  /** Whether the lease before did not end in order, so that its last writes may be torn. */
  get followsCrash(): boolean {
    return this.#followsCrash;
  }

  /** The generations of owners before this one that did not end in order: they may be asleep in the middle of something. */
  async unsettled(): Promise<number[]> {
    const { store } = this.#options;
    const before = (await store.list()).map(generationOf).filter((each) => each > 0 && each < this.#generation);
    const unsettled: number[] = [];
    // One that ended in order has seen to those before it.
    for (const generation of before.sort((a, b) => b - a)) {
      if ((await store.read(generation)).body.intact) break;
      unsettled.push(generation);
    }
    return unsettled;
  }

  /** Points the lease at another run or plan, and writes that before it resolves. */
  point(runs: Pointers): Promise<void> {
    this.#runs = runs;
    return this.#inTurn(() => this.#keep());
  }

  /** Notes that the object of the newest run exists: the next write of the lease leaves the older ones out. */
  confirmRun(): void {
    this.#runs = this.#runs.slice(0, 1);
  }

  /**
   * Makes sure that this process may record: at once, else when the promise resolves. One whose time ran out, say while a
   * step blocked the event loop, acquires anew first.
   */
  ensure(): Promise<void> | undefined {
    if (this.#lost) return Promise.reject(this.#lost);
    if (this.#isValid()) return undefined;
    return this.#inTurn(async () => {
      // Of many steps that find it run out, the first acquires for all.
      if (!this.#isValid()) await this.#keep();
    });
  }

  /** Rejects with a `LeaseLostError` if a higher generation exists. */
  async confirm(): Promise<void> {
    await this.ensure();
    await this.#inTurn(() => this.#requireHighest());
  }

  /** Ends the lease, so that the next process need not wait; `runs` is empty when the run was removed, `intact` says that no write failed. */
  async release(runs: Pointers = this.#runs, intact = !this.#followsCrash): Promise<void> {
    this.#cancelTimer();
    try {
      await this.#inTurn(async () => {
        if (this.#lost || this.#released || !this.#isValid()) return;
        this.#runs = runs;
        this.#released = true;
        this.#intact = intact;
        await this.#write();
      });
    } finally {
      this.abandon();
    }
  }

  /** Ends the lease without a word to the storage. Other machines wait until it has been silent long enough. */
  abandon(): void {
    this.#cancelTimer();
    this.#released = true;
    held.delete(this.#writer);
  }

  async #acquire(): Promise<void> {
    const { store, clock, lock, point, onWatch, atLeast = 0 } = this.#options;
    let watch: { text: string; mark: Mark } | undefined;
    for (;;) {
      const generation = await this.#highest();
      const seen = generation === 0 ? undefined : await store.read(generation);
      const verdict = seen ? judge(seen.body, isHeldHere(seen.writer), clock.now()) : "free";
      if (seen && (verdict === "live" || verdict === "watch")) {
        const renewed = watch !== undefined && watch.text !== seen.text;
        if (lock === "fail" && (verdict === "live" || renewed))
          throw lockedError(store.workflowId, ownerOf(seen.body, generation));
        if (!watch && verdict === "watch") onWatch(ownerOf(seen.body, generation));
        if (!watch || renewed) watch = { text: seen.text, mark: this.#now() };
        if (verdict === "live" || this.#contenderElapsed(watch.mark) < limits.contenderMargin * seen.body.lease) {
          await this.#lookAgain(seen.body, generation);
          continue;
        }
      }
      const next = Math.max(generation + 1, atLeast);
      this.#runs = point(seen?.body.runs ?? [], next);
      this.#notesBefore = seen?.body.notes;
      if (!(await this.#create(next))) continue;
      this.#followsCrash = seen !== undefined && !seen.body.intact;
      if (seen && verdict !== "free" && (await store.read(generation))?.text !== seen.text)
        await this.#waitOut(seen.body, generation);
      return;
    }
  }

  /** Waits a while; a signal that ends the waiting gives the error that not waiting would have given. */
  #lookAgain(body: LeaseBody, generation: number): Promise<void> {
    return this.#pause(body.lease / limits.looksPerLease, body, generation);
  }

  async #pause(milliseconds: number, body: LeaseBody, generation: number): Promise<void> {
    const { store, clock, signal } = this.#options;
    try {
      await sleep(clock, milliseconds, signal);
    } catch (cause) {
      throw lockedError(store.workflowId, ownerOf(body, generation), cause);
    }
  }

  /** Creates a generation and makes sure that it is the highest: numbers that were deleted can be created again. */
  async #create(generation: number): Promise<boolean> {
    const writer = randomUUID();
    const mark = this.#now();
    held.add(writer);
    const before = this.#writer;
    this.#writer = writer;
    let ours = false;
    try {
      const created = await this.#options.store.create(generation, writer, this.#body(false));
      const highest = created ? await this.#highest() : 0;
      if (created && highest < generation) throw unseenError(this.#options.store.workflowId, generation);
      ours = highest === generation;
    } finally {
      // Also where the storage failed: what lies there now must not look as if this process held it.
      if (!ours) {
        held.delete(writer);
        this.#writer = before;
      }
    }
    if (!ours) return false;
    held.delete(before);
    this.#generation = generation;
    this.#own.set(generation, writer);
    this.#mark = mark;
    return true;
  }

  /** The owner before us was renewing while we took over: it will see our generation and stop; until then we only hold. */
  async #waitOut(body: LeaseBody, generation: number): Promise<void> {
    const mark = this.#now();
    try {
      while (this.#contenderElapsed(mark) < limits.contenderMargin * body.lease) {
        await this.#pause(this.#options.lease / limits.renewalsPerLease, body, generation);
        await this.#keep();
      }
    } catch (error) {
      await this.release().catch(() => {});
      throw error;
    }
  }

  #schedule(): void {
    const { clock, lease } = this.#options;
    this.#cancelTimer = clock.timer(
      lease / limits.renewalsPerLease,
      () => {
        // What goes wrong here shows at the next record: the lease runs out, and acquiring it anew gives the error.
        this.#inTurn(() => this.#keep())
          .catch(() => {})
          .finally(() => {
            if (!this.#lost && !this.#released) this.#schedule();
          });
      },
      { background: true },
    );
  }

  /** Renews, or acquires anew when the time has run out: then a renewal could hide that somebody else drives. */
  async #keep(): Promise<void> {
    if (this.#lost) throw this.#lost;
    if (this.#released) return;
    if (this.#isValid()) return this.#renew();
    await this.#requireHighest();
    if (!(await this.#create(this.#generation + 1))) throw this.#lose();
  }

  async #renew(): Promise<void> {
    const mark = this.#now();
    await this.#write();
    await this.#requireHighest();
    this.#mark = mark;
  }

  async #write(): Promise<void> {
    this.#count++;
    await this.#options.store.put(this.#generation, this.#writer, this.#body(this.#released));
  }

  async #requireHighest(): Promise<void> {
    const keys = await this.#options.store.list();
    if (highestOf(keys) !== this.#generation) throw this.#lose();
    // The listing has it anyway, so that looking for requests costs nothing.
    for (const generation of keys.map(cancelledGeneration)) await this.#heed(generation);
  }

  /** Heeds a request to cancel that is for this owner: numbers of leases that were removed come again. */
  async #heed(generation: number): Promise<void> {
    const writer = this.#own.get(generation);
    if (writer === undefined || this.#isCancelled) return;
    // One that can't be read now is looked at again by the next renewal.
    if ((await this.#options.store.readCancel(generation)) !== writer) return;
    this.#isCancelled = true;
    this.onCancel();
  }

  async #highest(): Promise<number> {
    return highestOf(await this.#options.store.list());
  }

  #lose(): LeaseLostError {
    const { store, lease } = this.#options;
    this.#lost ??= lostError(store.workflowId, this.#runs[0]?.run, lease);
    this.abandon();
    this.onLost(this.#lost);
    return this.#lost;
  }

  #body(released: boolean): LeaseBody {
    const { clock, lease, notes = this.#notesBefore } = this.#options;
    return {
      runs: this.#runs,
      lease,
      renewed: clock.now(),
      count: this.#count,
      released,
      ...(this.#intact && { intact: true }),
      owner: ownIdentity(),
      ...(notes && Object.keys(notes).length > 0 && { notes }),
    };
  }

  #isValid(): boolean {
    const { clock, lease } = this.#options;
    // Monotonic time stands still while a machine sleeps, wall time jumps: for the owner the later of both counts.
    const elapsed = Math.max(clock.monotonic() - this.#mark.monotonic, clock.now() - this.#mark.wall);
    return elapsed < limits.ownerMargin * lease;
  }

  #contenderElapsed(mark: Mark): number {
    const { clock } = this.#options;
    return Math.min(clock.monotonic() - mark.monotonic, clock.now() - mark.wall);
  }

  #now(): Mark {
    const { clock } = this.#options;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  /** One call to the storage at a time: a renewal must not overtake a release. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

function highestOf(keys: readonly string[]): number {
  let highest = 0;
  for (const key of keys) highest = Math.max(highest, generationOf(key));
  return highest;
}
