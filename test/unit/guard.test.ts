// The guard around every storage: what is tried again, what is given up, and what is said of it.
import { describe, expect, it } from "vitest";
import { DotFlow, InvalidWorkflowError, type Storage, StorageError, StorageMemory } from "dotflow";
import { type Fault, faultyStorage, type FaultyStorage, manualClock, type ManualClock } from "dotflow/testing";
import { guardStorage, type GuardedStorage } from "../../src/guard.ts";

const key = "job/runs/1/steps/extract";
const value = Buffer.from("value");

interface Guarded {
  readonly clock: ManualClock;
  readonly storage: FaultyStorage;
  readonly guarded: GuardedStorage;
}

function guard(...faults: Fault[]): Guarded {
  const clock = manualClock();
  const storage = faultyStorage(new StorageMemory(), { faults, clock });
  return { clock, storage, guarded: guardStorage(storage, clock, () => 0) };
}

/** A storage of which some verbs are different. */
function odd(verbs: Partial<Storage>): GuardedStorage {
  return guardStorage(Object.assign(new StorageMemory(), verbs), manualClock(), () => 0);
}

const errorWith = (fields: object): Error => Object.assign(new Error("gone"), fields);

describe("a call that fails", () => {
  it.each([
    ["says that it is retryable", errorWith({ retryable: true })],
    ["has the code of a network error", errorWith({ code: "ECONNRESET" })],
    ["has such a code in its cause, as fetch does it", errorWith({ cause: { code: "ECONNREFUSED" } })],
  ])("is made again where its error %s", async (_, error) => {
    const { clock, storage, guarded } = guard({ operation: "put", kind: "fail", error, times: 2 });
    const written = guarded.put(key, value);
    await clock.advance("10s");
    await written;
    expect(storage.operations.put).toBe(3);
    expect(Buffer.from((await guarded.get(key)) ?? [])).toEqual(value);
  });

  it.each([
    ["another error", errorWith({ code: "EACCES" })],
    ["an error that says it is not retryable", errorWith({ retryable: false, code: "ECONNRESET" })],
    [
      "an error that is its own cause",
      errorWith({
        get cause() {
          return this;
        },
      }),
    ],
    ["a text", "gone"],
    ["nothing", undefined],
  ])("is not made again where it is %s", async (_, error) => {
    const { storage, guarded } = guard({ operation: "put", kind: "fail", error });
    await expect(guarded.put(key, value)).rejects.toMatchObject({
      code: "STORAGE",
      operation: "put",
      key,
      retryable: false,
      cause: error,
    });
    expect(storage.operations.put).toBe(1);
  });

  it("is made five times at most, each time after twice the delay", async () => {
    const { clock, storage, guarded } = guard({ operation: "get", kind: "fail", retryable: true, times: Infinity });
    const read = guarded.get(key).catch((error: unknown) => error);
    const counts: number[] = [];
    for (const delay of [0, 100, 200, 400, 800, 10_000]) {
      await clock.advance(delay);
      counts.push(storage.operations.get);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 5]);
    expect(await read).toMatchObject({ code: "STORAGE", operation: "get", retryable: true });
    expect(String(await read)).toContain(
      `The storage could not get "${key}" after 5 attempts: Injected fault: fail at get of "${key}". What was saved before is safe`,
    );
  });

  it("passes a StorageError of the storage on as it is", async () => {
    const error = new StorageError("Disk full.", { operation: "put", retryable: false });
    const { guarded } = guard({ operation: "put", kind: "fail", error });
    await expect(guarded.put(key, value)).rejects.toBe(error);
  });

  it("gives false for a create whose answer was lost: the caller compares the writer", async () => {
    const { clock, guarded } = guard({ operation: "create", kind: "lose-answer", retryable: true });
    const created = guarded.create(key, value);
    await clock.advance("1s");
    expect(await created).toBe(false);
  });
});

describe("a call that hangs", () => {
  it.each(["get", "put", "create", "list", "delete"] as const)("is given up after 30 s: %s", async (operation) => {
    const { clock, storage, guarded } = guard({ operation, kind: "hang" });
    const prefix = "job/";
    const calls = {
      get: () => guarded.get(key),
      put: () => guarded.put(key, value),
      create: () => guarded.create(key, value),
      list: () => guarded.list(prefix),
      delete: () => guarded.delete(key),
    };
    const given = calls[operation]().catch((error: unknown) => error);
    await clock.advance("29s");
    expect([storage.hanging, clock.waiting]).toEqual([1, 1]);
    await clock.advance("1s");
    expect(await given).toMatchObject({ code: "STORAGE", operation, retryable: true });
    expect(String(await given)).toContain("no answer within 30 seconds");
    expect(storage.operations[operation]).toBe(1);
  });

  it("has no more than 30 s together with the attempts before it", async () => {
    const clock = manualClock();
    const failing = faultyStorage(new StorageMemory(), {
      faults: [{ operation: "get", kind: "fail", retryable: true }],
    });
    const slow = faultyStorage(failing, {
      faults: [
        { kind: "delay", duration: "20s" },
        { kind: "hang", at: 2 },
      ],
      clock,
    });
    const given = guardStorage(slow, clock, () => 0)
      .get(key)
      .catch(String);
    await clock.advance("29s");
    expect([failing.operations.get, slow.hanging]).toEqual([1, 1]);
    await clock.advance("1s");
    expect(await given).toContain("no answer within 30 seconds");
  });

  it("leaves no timer behind where it answers", async () => {
    const { clock, guarded } = guard();
    await guarded.put(key, value);
    expect([await guarded.list("job/"), clock.waiting]).toEqual([[key], 0]);
  });

  it("may take its time where it is a listing whose keys keep coming", async () => {
    const { clock, guarded, storage } = guard({ operation: "list", kind: "delay", duration: "20s" });
    for (const task of ["a", "b", "c"]) await storage.put(`job/${task}`, value);
    const listed = guarded.list("job/");
    await clock.advance("80s");
    expect(await listed).toEqual(["job/a", "job/b", "job/c"]);
  });
});

describe("an answer that is against the contract", () => {
  async function* keys(...given: unknown[]): AsyncGenerator<string> {
    yield* given as string[];
  }

  it.each<[string, Partial<Storage>, (guarded: GuardedStorage) => Promise<unknown>, string]>([
    [
      "create giving nothing",
      { create: async () => undefined as never },
      (by) => by.create(key, value),
      "its create gave undefined",
    ],
    ["create giving 1", { create: async () => 1 as never }, (by) => by.create(key, value), "its create gave 1"],
    ["get giving null", { get: async () => null as never }, (by) => by.get(key), "its get gave null"],
    ["get giving a text", { get: async () => "value" as never }, (by) => by.get(key), 'its get gave "value"'],
    ["list giving a number", { list: () => keys(5) }, (by) => by.list("job/"), "its list gave 5"],
    [
      "list giving what was not asked for",
      { list: () => keys("job-b/x") },
      (by) => by.list("job/"),
      'its list gave "job-b/x"',
    ],
    [
      "list giving a promise",
      { list: async () => [] as never } as never,
      (by) => by.list("job/"),
      "not async iterable",
    ],
    ["list giving nothing", { list: () => undefined as never }, (by) => by.list("job/"), "undefined"],
  ])("is a StorageError: %s", async (_, verbs, call, message) => {
    const answer = call(odd(verbs));
    await expect(answer).rejects.toThrow(StorageError);
    await expect(answer).rejects.toThrow(message);
    await expect(answer).rejects.toMatchObject({ retryable: false });
  });

  it("is not seen where a listing gives a key twice", async () => {
    expect(await odd({ list: () => keys("job/a", "job/b", "job/a") }).list("job/")).toEqual(["job/a", "job/b"]);
  });

  it("is a StorageError where the storage throws at once", async () => {
    const fail = (): never => expect.fail("closed");
    const broken = odd({ get: fail, list: fail });
    await expect(broken.get(key)).rejects.toThrow(`The storage could not get "${key}": closed.`);
    await expect(broken.list("job/")).rejects.toThrow('The storage could not list "job/": closed.');
  });
});

it("says whether the storage is durable as the storage says it now: some learn it from their server", () => {
  const learning = { durable: false, durability: "not asked yet" };
  const guarded = guardStorage(Object.assign(new StorageMemory(), learning), manualClock(), () => 0);
  expect([guarded.durable, guarded.durability]).toEqual([false, "not asked yet"]);
  const learnt = Object.assign(new StorageMemory(), learning);
  const second = guardStorage(learnt, manualClock(), () => 0);
  Object.assign(learnt, { durable: true, durability: undefined });
  expect([second.durable, second.durability]).toEqual([true, undefined]);
});

it.each([undefined, null, {}, "memory", { get() {}, put() {} }])("refuses %o as a storage", (storage) => {
  const make = () => guardStorage(storage as unknown as Storage, manualClock(), () => 0);
  expect(make).toThrow(InvalidWorkflowError);
  expect(make).toThrow(/^The option storage is .+, which has no (get, put, )?create, list, delete\. Give a storage/);
});

it("is what a workflow stands on: a storage without create is refused before anything runs", () => {
  expect(() => new DotFlow({ storage: { durable: true } as Storage })).toThrow(
    "which has no get, put, create, list, delete",
  );
});
