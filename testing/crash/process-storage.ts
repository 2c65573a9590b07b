// The storage as one start sees it: counts its operations, and is struck at one of them. From a crash on it is dead:
// every call fails, and nothing reaches the disk any more.
import type { Storage } from "../../src/storage.ts";
import type { StorageOperation } from "../fault.ts";
import type { Disk } from "./disk.ts";
import type { CrashOperation, CrashPoint } from "./report.ts";
import type { Witness } from "./witness.ts";
import { writtenIn } from "./written.ts";

/** What happens at one operation of a start. */
export type Deed =
  | CrashDeed
  /** The operation waits until `until` resolves. */
  | { readonly do: "hold"; readonly operation: number; readonly reached: () => void; readonly until: Promise<void> }
  /** What a dead process had under way arrives just before it. */
  | { readonly do: "deliver"; readonly operation: number };

export interface CrashDeed {
  readonly do: "crash";
  readonly operation: number;
  readonly point: CrashPoint | "late";
}

export class ProcessStorage implements Storage {
  readonly #disk: Disk;
  readonly #deed: Deed | undefined;
  readonly #witness: Pick<Witness, "sees">;
  readonly #operations: CrashOperation[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  /** Whether calls are numbered. Those before and after the start are not: to make the workflow, to look at its result. */
  numbers = false;
  #struck: CrashOperation | undefined;
  #dead = false;

  constructor(disk: Disk, deed: Deed | undefined, witness: Pick<Witness, "sees">) {
    this.#disk = disk;
    this.#deed = deed;
    this.#witness = witness;
  }

  get durable(): boolean {
    return this.#disk.durable;
  }

  get operations(): readonly CrashOperation[] {
    return this.#operations;
  }

  /** The operation at which the deed was done. */
  get struck(): CrashOperation | undefined {
    return this.#struck;
  }

  /** Resolves when nothing of this process is on its way to the disk. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#reach({ verb: "get", key, act: () => this.#disk.get(key) });
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.#reach({ verb: "put", key, value, act: (part) => this.#disk.put(key, part) });
  }

  create(key: string, value: Uint8Array): Promise<boolean> {
    return this.#reach({ verb: "create", key, value, act: (part) => this.#disk.create(key, part) });
  }

  async *list(prefix: string): AsyncIterable<string> {
    yield* await this.#reach({ verb: "list", key: prefix, act: () => this.#disk.list(prefix) });
  }

  delete(key: string): Promise<void> {
    return this.#reach({ verb: "delete", key, act: () => this.#disk.delete(key) });
  }

  #reach<Answer>(call: Call<Answer>): Promise<Answer> {
    const answer = this.#perform(call);
    this.#underWay.add(answer);
    const forget = (): void => void this.#underWay.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  async #perform<Answer>(call: Call<Answer>): Promise<Answer> {
    if (this.#dead) throw crashed();
    const { act, value = new Uint8Array() } = call;
    const deed = this.#deedAt(call);
    if (deed?.do === "crash") await this.#crash(deed.point, call);
    if (deed?.do === "deliver") await this.#disk.deliver();
    if (deed?.do === "hold") {
      deed.reached();
      await deed.until;
    }
    const answer = await act(value);
    // What was under way when the process died happened, but nobody is left to hear of it.
    if (this.#dead) throw crashed();
    return answer;
  }

  /** Numbers the call, and gives the deed that is done at it. */
  #deedAt({ verb, key, value = new Uint8Array() }: Call<unknown>): Deed | undefined {
    if (!this.numbers) return undefined;
    const written = writtenIn(value);
    const operation = { number: this.#operations.length + 1, verb, key, writes: written?.kind };
    this.#operations.push(operation);
    if (written) this.#witness.sees(verb, key, written);
    if (this.#deed?.operation !== operation.number) return undefined;
    this.#struck = operation;
    return this.#deed;
  }

  async #crash(point: CrashDeed["point"], { act, value = new Uint8Array() }: Call<unknown>): Promise<never> {
    this.#dead = true;
    if (point === "within" && value.length > 0) await act(value.subarray(0, value.length >> 1));
    if (point === "after") await act(value);
    if (point === "late") {
      const copy = new Uint8Array(value);
      this.#disk.postpone(() => act(copy), writtenIn(value));
    }
    throw crashed();
  }
}

interface Call<Answer> {
  readonly verb: StorageOperation;
  readonly key: string;
  readonly value?: Uint8Array;
  readonly act: (value: Uint8Array) => Promise<Answer>;
}

function crashed(): Error {
  return new Error("The process crashed on purpose.");
}
