// `task.map`: one step for every item of a list, a few at a time, each with a record of its own.
import { asError } from "./attempt.ts";
import type { AttemptHost } from "./execution.ts";
import { Context } from "./context.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { hash } from "node:crypto";
import { eachItem, isSource, lengthOf, type Source, Waiter } from "./item-source.ts";
import { itemId, markLength } from "./items-value.ts";
import { runIterations, type SnapshotsAsked } from "./iterations.ts";
import type { TaskParts } from "./journal/task-parts.ts";
import { MapTally } from "./map-tally.ts";
import { show } from "./options.ts";
import type { MapFacts, Performance, TaskOutcome } from "./performance.ts";
import { encodeAs, type EncodedValue } from "./serializer.ts";

/** Executes a step for every item. One that fails leaves the others to go on. */
export async function performMap(
  host: AttemptHost,
  task: Performance,
  map: MapFacts,
  parts: TaskParts,
): Promise<TaskOutcome> {
  const work = new Items(host, task, map, parts);
  const unsubscribe = [host.stop, host.drain].map((stop) => stop.onRequest(work.waiter.wake));
  try {
    await work.run();
  } finally {
    for (const undo of unsubscribe) undo();
    work.tally.report();
  }
  return work.tally.conclude();
}

class Items {
  readonly tally: MapTally;
  readonly waiter: Waiter;
  readonly #host: AttemptHost;
  readonly #task: Performance;
  readonly #map: MapFacts;
  readonly #parts: TaskParts;
  /** The keys that were given. */
  readonly #known = new Set<string>();
  /** What the outcome of every item rests on, beside the item. */
  readonly #basis: string;
  #running = 0;
  /** The storage or the lease failed. */
  #broken: { readonly error: unknown } | undefined;

  constructor(host: AttemptHost, task: Performance, map: MapFacts, parts: TaskParts) {
    const { stop, drain, codec } = host;
    this.#host = host;
    this.#task = task;
    this.#map = map;
    this.#parts = parts;
    this.tally = new MapTally(host, task, map.key !== undefined);
    this.waiter = new Waiter(() => stop.requested || drain.requested || this.#broken !== undefined);
    const { form, bytes } = codec.encode(task.initial());
    this.#basis = JSON.stringify([task.action.version ?? null, form, Buffer.from(bytes).toString("base64")]);
  }

  /** Takes the items one by one, each when there is room for it. Rejects when the storage or the lease failed. */
  async run(): Promise<void> {
    try {
      const source = await this.waiter.unlessOver(this.#source());
      if (source) this.tally.expected = lengthOf(source);
      const isAll = source !== undefined && (await eachItem(source, this.waiter, (item) => this.#take(item)));
      if (!isAll) this.tally.cutShort();
    } catch (thrown) {
      this.tally.failWhole(asError(thrown));
    }
    await this.waiter.until(() => this.#running === 0);
    if (this.#broken) throw this.#broken.error;
  }

  async #source(): Promise<Source> {
    const previous = this.#task.previous();
    const { over } = this.#map;
    const source = over ? await over(new Context(previous) as Context<never>) : previous;
    if (isSource(source)) return source;
    throw this.#invalid(
      `Task "${this.#task.taskId}" has no list to go over: ${over ? "its over gave" : "the previous value is"} ${show(source)}. Give a list, or over: (previous) => list.`,
    );
  }

  /** Begins an item. Resolves when there is room for another one. */
  async #take(item: unknown): Promise<void> {
    const key = this.#keyOf(item, this.tally.total);
    const index = this.tally.begin(key);
    this.#running++;
    this.#perform(item, index, key)
      .catch((error: unknown) => {
        this.#broken ??= { error };
      })
      .finally(() => {
        this.#running--;
        this.waiter.wake();
      });
    await this.#host.turns.give();
    if (this.#running >= this.#map.concurrency) await this.waiter.until(() => this.#running < this.#map.concurrency);
  }

  #keyOf(item: unknown, index: number): string {
    const { key } = this.#map;
    if (!key) return String(index);
    const { taskId } = this.#task;
    const given = key(item as never, index);
    if (
      (typeof given !== "string" && typeof given !== "number") ||
      given === "" ||
      /\p{Surrogate}/u.test(String(given))
    )
      throw this.#invalid(
        `The key of item ${index} of "${taskId}" is ${show(given)}. Give a number, or a well-formed text that is not empty.`,
      );
    const text = String(given);
    if (this.#known.has(text))
      throw this.#invalid(`Two items of "${taskId}" have the key "${text}". Each needs one of its own.`);
    this.#known.add(text);
    return text;
  }

  async #perform(item: unknown, index: number, key: string): Promise<void> {
    const { codec } = this.#host;
    const { taskId } = this.#task;
    let encoded: EncodedValue;
    try {
      encoded = encodeAs(codec, item, `Item "${key}" of "${taskId}"`, { taskId });
    } catch (error) {
      return this.tally.fail(index, key, asError(error));
    }
    const mark = this.#markOf(encoded);
    const id = itemId(key, mark);
    const saved = await this.#parts.findItem(id);
    if (saved) return this.tally.restore(index, mark, saved);
    const parts = this.#parts.ofItem(id);
    const task = {
      ...this.#task,
      item: key,
      // The iterations of an item belong to no snapshot: the item begins anew there.
      onSaving: ({ iteration: _, ...asked }: SnapshotsAsked): Promise<void> => this.#task.onSaving(asked),
      onSaved: (): void => {},
      previous: (): unknown => codec.decode(encoded),
      parts: (): TaskParts => parts,
    };
    const outcome = await runIterations(this.#host, task, parts.isEmpty ? undefined : parts);
    this.tally.end(index, key, mark, outcome);
    if (outcome.status === "completed" && this.#task.isRecorded) {
      await this.#task.ensure();
      const facts = { key, attempts: outcome.attempts };
      const { snapshots, value } = outcome;
      if (snapshots.length > 0)
        await this.#task.onSaving({ snapshots, key: this.#parts.itemKey(id), changesState: !!value.changes });
      this.tally.commit(await this.#parts.saveItem(id, facts, value));
    }
  }

  /** Tells an item from another one with the same key. */
  #markOf({ form, bytes }: EncodedValue): string {
    return hash("sha256", Buffer.concat([Buffer.from(`${this.#basis}\n${form}\n`), bytes]), "hex").slice(0, markLength);
  }

  #invalid(message: string): InvalidWorkflowError {
    const { workflowId, runId } = this.#host;
    return new InvalidWorkflowError(message, { workflowId, runId, taskId: this.#task.taskId });
  }
}
