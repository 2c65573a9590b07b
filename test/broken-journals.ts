// Engines with the mistakes that people make, each with one: crashTest must find every one of them. They are made by
// patching the real parts; `vi.restoreAllMocks()` mends them.
import { vi } from "vitest";
import { CorruptCheckpointError } from "../src/errors.ts";
import { Journal } from "../src/journal/journal.ts";
import { Lease } from "../src/journal/lease.ts";
import { LeaseStore } from "../src/journal/lease-store.ts";
import { Store } from "../src/journal/store.ts";
import { Observers } from "../src/observers.ts";

/** Marks a step as done first and runs it then, as a queue does that acknowledges before the work. */
export function recordBeforeTheStep(): void {
  const { around } = Observers.prototype;
  const { open } = Journal;
  let journal: Journal | undefined;
  vi.spyOn(Journal, "open").mockImplementation(async (options) => (journal = await open.call(Journal, options)));
  vi.spyOn(Observers.prototype, "around").mockImplementation(async function (this: Observers, step, attempt) {
    await journal?.record(step.taskId, { status: "completed" }, { form: "json", bytes: Buffer.from('"unknown yet"') });
    return around.call(this, step, attempt);
  });
}

/** Writes a record with `create`, then once more with `put`, "to add the time". */
export function recordTwice(): void {
  const { create } = Store.prototype;
  vi.spyOn(Store.prototype, "create").mockImplementation(async function (this: Store, key, stored) {
    const answer = await create.call(this, key, stored);
    if (stored.kind === "step") await this.put(key, { ...stored, facts: { ...stored.facts, finishedAt: "later" } });
    return answer;
  });
}

/** Goes on without waiting for the record. */
export function recordInTheBackground(): void {
  const { record } = Journal.prototype;
  vi.spyOn(Journal.prototype, "record").mockImplementation(async function (this: Journal, ...facts) {
    record.apply(this, facts).catch(() => {});
    return undefined;
  });
}

/** Removes a record when it has been read, as a queue does. */
export function consumeRecords(): void {
  const { read } = Store.prototype;
  vi.spyOn(Store.prototype, "read").mockImplementation(async function (this: Store, key) {
    const record = await read.call(this, key);
    if (record?.kind === "step") await this.delete(key);
    return record;
  });
}

/** Takes no notice of what is saved. */
export function runEverythingAgain(): void {
  vi.spyOn(Journal.prototype, "isSaved").mockReturnValue(false);
}

/** Knows what is saved at the first resume, and not at the second. */
export function forgetAtTheSecondResume(): void {
  const { isSaved } = Journal.prototype;
  vi.spyOn(Journal.prototype, "isSaved").mockImplementation(function (this: Journal, taskId) {
    return this.generation < 3 && isSaved.call(this, taskId);
  });
}

/** Writes records whether or not there is one. */
export function putRecords(): void {
  const { create } = Store.prototype;
  vi.spyOn(Store.prototype, "create").mockImplementation(async function (this: Store, key, stored) {
    if (stored.kind !== "step") return create.call(this, key, stored);
    await this.put(key, stored);
    return { created: true };
  });
}

/** Looks at the lease of another one, and takes it as released. */
export function ignoreTheLease(): void {
  const { read } = LeaseStore.prototype;
  vi.spyOn(LeaseStore.prototype, "read").mockImplementation(async function (this: LeaseStore, generation) {
    const seen = await read.call(this, generation);
    return { ...seen, body: { ...seen.body, released: true } };
  });
}

/** Never gives its lease back when its start is over. */
export function keepTheLease(): void {
  vi.spyOn(Lease.prototype, "release").mockResolvedValue();
  vi.spyOn(Lease.prototype, "abandon").mockReturnValue();
}

/** Takes what a crash cut short as damaged, where it was only not written. */
export function refuseWhatIsTorn(): void {
  const { read } = Store.prototype;
  vi.spyOn(Store.prototype, "read").mockImplementation(async function (this: Store, key) {
    const record = await read.call(this, key);
    if (record) return record;
    const keys = await this.list(key.slice(0, key.lastIndexOf("/") + 1));
    if (keys.includes(key)) throw new CorruptCheckpointError(`"${key}" is cut short.`, { key });
    return undefined;
  });
}
