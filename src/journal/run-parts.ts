// What the tasks of the run that is driven save on their way, and what they take over from other runs.
import { limits } from "../defaults.ts";
import { inParallel } from "../parallel.ts";
import type { Facts, StoredRecord } from "../record.ts";
import type { EncodedValue } from "../serializer.ts";
import type { Lease } from "./lease.ts";
import { toPayload } from "./payload.ts";
import { ofTask, type Plan } from "./plan.ts";
import type { RunRecords } from "./run-records.ts";
import { type Mailbox, takeSignal } from "./signals.ts";
import type { Store } from "./store.ts";
import { encodePart } from "./keys.ts";
import { type EarlierParts, TaskParts } from "./task-parts.ts";

export interface RunPartsOptions {
  readonly store: Store;
  readonly lease: Lease;
  readonly records: RunRecords;
  readonly plan: () => Plan;
  readonly mailboxes: () => readonly Mailbox[];
  /** Whether another driving of the run came before this one. */
  readonly isResumed: () => boolean;
}

export class RunParts {
  readonly #options: RunPartsOptions;
  /** The tasks that may have saved something in this driving of the run. */
  readonly #begun = new Set<string>();
  /** The parts of the keys of those that did in an earlier one; missing until that was looked up. */
  #before: ReadonlySet<string> | undefined;

  constructor(options: RunPartsOptions) {
    this.#options = options;
  }

  /**
   * Finds out which tasks saved something in an earlier driving of the run. It may be any that has no record, also one that
   * something new stands before now.
   */
  async lookUp(): Promise<void> {
    const { store, records, plan, isResumed } = this.#options;
    if (this.#before || !isResumed() || !records.pointer?.parts) return;
    const { runId } = plan();
    const names = await records.names(runId, store.keys.allParts(runId));
    this.#before = new Set(names.map((name) => name.slice(0, name.indexOf("/"))));
  }

  /** Whether there may be something that a task saved on its way, in this run or in one that it goes on from. */
  mayHave(taskId: string): boolean {
    const { plan } = this.#options;
    if (this.#begun.has(taskId) || this.#before?.has(encodePart(taskId))) return true;
    return this.#earlierRuns(taskId).length > 0 || ofTask(plan().begun, taskId) !== undefined;
  }

  /** The tasks of a list that have saved something, and are to go on there. */
  async begunAmong(taskIds: readonly string[]): Promise<string[]> {
    if (taskIds.length === 0) return [];
    await this.lookUp();
    const candidates = taskIds.filter((taskId) => this.mayHave(taskId));
    const begun = await inParallel(candidates, async (id) => ((await this.saved(id)).isEmpty ? [] : [id]));
    return begun.flat();
  }

  /** The run in which a task began that goes on: from there on it is the same execution to others. */
  beganIn(taskId: string): string {
    const { runId, parts } = this.#options.plan();
    return ofTask(parts, taskId)?.at(-1) ?? runId;
  }

  /** Another run begins. */
  reset(): void {
    this.#begun.clear();
    this.#before = undefined;
  }

  /** The runs whose items a map of this run may take over. */
  itemsFrom(taskId: string): readonly string[] {
    return this.#earlierRuns(taskId).map(({ run }) => run);
  }

  #earlierRuns(taskId: string): readonly Pick<EarlierParts, "run" | "goesOn">[] {
    const { parts, items } = this.#options.plan();
    const goneOn = (ofTask(parts, taskId) ?? []).map((run) => ({ run, goesOn: true }));
    return [...goneOn, ...(ofTask(items, taskId) ?? []).map((run) => ({ run, goesOn: false }))];
  }

  /** What a task has saved on its way. */
  async saved(taskId: string): Promise<TaskParts> {
    const { store, records, plan } = this.#options;
    const names = await records.names(plan().runId, store.keys.parts(plan().runId, taskId));
    const earlier = await inParallel(this.#earlierRuns(taskId), async ({ run, goesOn }) => {
      const folder = store.keys.parts(run, taskId);
      return { run, folder, names: new Set(await records.names(run, folder)), goesOn };
    });
    return this.of(taskId, names, earlier);
  }

  /** Where a task saves things on its way; `names` are those that are there. */
  of(taskId: string, names: readonly string[] = [], earlier: readonly EarlierParts[] = []): TaskParts {
    const { store, lease, records, plan, mailboxes } = this.#options;
    const { runId } = plan();
    this.#begun.add(taskId);
    const folder = store.keys.parts(runId, taskId);
    const saved = names.length + earlier.reduce((sum, parts) => sum + parts.names.size, 0);
    return new TaskParts({
      folder,
      names,
      earlier,
      // A storage that keeps its contract never tears a record, so very many are not read for it.
      readsItems: (records.pointer?.state ?? false) || saved <= limits.tornChecks,
      begun: this.#begunElsewhere(taskId),
      read: (key) => records.read(key),
      create: async (key, facts, value) => {
        await records.flushBefore(folder);
        return records.create(key, await this.#ready(facts, value));
      },
      gather: async (key, facts, value) => {
        const gathering = key.startsWith(`${folder}items/`) ? { items: folder } : {};
        return records.gather(key, await this.#ready(facts, value), gathering);
      },
      put: async (name, facts, value) => {
        await records.flushBefore(folder);
        const record = await this.#ready(facts, value);
        await store.put(`${folder}${name(lease.generation)}`, record);
      },
      delete: async (key) => {
        await lease.ensure();
        await store.delete(key);
      },
      takeSignal: (name, taker) =>
        takeSignal(mailboxes(), {
          name,
          taker,
          create: async (key, record) => {
            await records.flushBefore(folder);
            await lease.ensure();
            return records.create(key, record);
          },
        }),
    });
  }

  #begunElsewhere(taskId: string): { readonly number: number; readonly run: string; readonly key: string } | undefined {
    const { store, plan } = this.#options;
    const begun = ofTask(plan().begun, taskId);
    if (!begun) return undefined;
    const { run, iteration: number } = begun;
    return { number, run, key: store.keys.iteration(run, taskId, number) };
  }

  /** Makes a record of a part, once it is sure that this process drives the run and that the lease says what it has. */
  async #ready(facts: Facts, value: EncodedValue): Promise<StoredRecord> {
    const { lease, records } = this.#options;
    await records.note("parts");
    if (value.changes) await records.note("state");
    await lease.ensure();
    return { kind: "part", writer: lease.writer, ...toPayload(facts, value) };
  }
}
