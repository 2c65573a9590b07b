// Watches one run of the mixed workflow from outside: what is recorded, whether it stays as it was, and whether anything
// that was recorded is done again.
import { Checkpoints, type Storage } from "dotflow";
import { workflowId } from "./mixed-workflow.ts";

export class RunWatch {
  readonly #storage: Storage;
  readonly #begun: () => ReadonlyMap<string, number>;
  /** How often each task had begun when its record was first seen. */
  readonly #done = new Map<string, number>();
  readonly #records = new Map<string, Uint8Array>();

  /** `begun` gives how often each task has begun so far. */
  constructor(storage: Storage, begun: () => ReadonlyMap<string, number>) {
    this.#storage = storage;
    this.#begun = begun;
  }

  /** The tasks that have a record. */
  async recorded(): Promise<string[]> {
    return (await this.#recordKeys()).map(taskOf);
  }

  /** Notes what is done, after each start that ended. Gives what has become of it that must not: each as a sentence. */
  async look(): Promise<string[]> {
    const begun = this.#begun();
    const wrong: string[] = [];
    for (const [task, times] of this.#done)
      if (begun.get(task) !== times) wrong.push(`"${task}" was recorded, and began again.`);
    const keys = await this.#recordKeys();
    for (const [key, bytes] of this.#records) {
      const now = await this.#storage.get(key);
      if (!now) wrong.push(`The record ${key} is gone.`);
      else if (Buffer.compare(now, bytes) !== 0) wrong.push(`The record ${key} has changed.`);
    }
    for (const key of keys) {
      this.#done.set(taskOf(key), begun.get(taskOf(key)) ?? 0);
      if (!this.#records.has(key)) this.#records.set(key, (await this.#storage.get(key)) ?? new Uint8Array());
    }
    if (new Set(keys.map(taskOf)).size < keys.length) wrong.push("A task has two records.");
    return wrong;
  }

  /** How many executions there were beyond one for each task: those that were in flight when something went wrong. */
  repeated(): number {
    return [...this.#begun().values()].reduce((sum, times) => sum + times - 1, 0);
  }

  /** What is wrong with the records themselves. */
  async damage(): Promise<string[]> {
    return (await new Checkpoints(this.#storage, { workflowId }).verify()).map(({ message }) => message);
  }

  async #recordKeys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.#storage.list(`${workflowId}/runs/`)) if (key.includes("/steps/")) keys.push(key);
    return keys;
  }
}

function taskOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
