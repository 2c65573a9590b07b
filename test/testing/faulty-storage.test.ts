// Faults strike the calls that they are meant for, and no other.
import { describe, expect, it } from "vitest";
import { type Fault, faultyStorage, manualClock, storageContract } from "dotflow/testing";
import { StorageMemory } from "dotflow/storage/memory";
import { SoundStorage } from "../broken-storages.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function over(...faults: Fault[]) {
  const inner = new StorageMemory();
  return { inner, storage: faultyStorage(inner, { faults }) };
}

async function listed(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of keys) found.push(key);
  return found;
}

describe("each kind of fault", () => {
  it("fail: rejects, and nothing is done", async () => {
    const { inner, storage } = over({ kind: "fail", retryable: true });
    await expect(storage.put("a", bytes("1"))).rejects.toMatchObject({
      message: 'Injected fault: fail at put of "a".',
      retryable: true,
    });
    expect(await inner.get("a")).toBeUndefined();
  });

  it("fail: rejects with the error that it is given", async () => {
    const error = new Error("503 SlowDown");
    const { storage } = over({ kind: "fail", error, times: Infinity });
    await expect(storage.get("a")).rejects.toBe(error);
    await expect(storage.create("a", bytes("1"))).rejects.toBe(error);
    await expect(storage.delete("a")).rejects.toBe(error);
    await expect(listed(storage.list(""))).rejects.toBe(error);
  });

  it("hang: does nothing until it is released, then goes through with the bytes of the call", async () => {
    const { inner, storage } = over({ kind: "hang", operation: "put" });
    const value = bytes("early");
    const late = storage.put("a", value);
    await storage.untilHanging();
    value.fill(0);
    await storage.put("a", bytes("meanwhile"));
    expect(storage.hanging).toBe(1);
    storage.release();
    await late;
    expect(storage.hanging).toBe(0);
    expect(await inner.get("a")).toEqual(bytes("early"));
  });

  it("hang: holds a listing too, and shows what is there when it is released", async () => {
    const { inner, storage } = over({ kind: "hang", operation: "list" });
    const keys = listed(storage.list(""));
    await storage.untilHanging();
    await inner.put("a", bytes("1"));
    storage.release();
    expect(await keys).toEqual(["a"]);
  });

  it("lose-answer: does what is asked, then rejects", async () => {
    const { inner, storage } = over({ kind: "lose-answer", operation: "create", retryable: true });
    await expect(storage.create("a", bytes("1"))).rejects.toMatchObject({ retryable: true });
    expect(await inner.get("a")).toEqual(bytes("1"));
    expect(await storage.create("a", bytes("1"))).toBe(false);
  });

  it("lose-answer: breaks a listing off half way", async () => {
    const { inner, storage } = over({ kind: "lose-answer", operation: "list" });
    for (const key of ["a", "b", "c", "d"]) await inner.put(key, bytes(key));
    const seen: string[] = [];
    const listing = async (): Promise<void> => {
      for await (const key of storage.list("")) seen.push(key);
    };
    await expect(listing()).rejects.toThrow("Injected fault: lose-answer at list");
    expect(seen).toEqual(["a", "b"]);
  });

  it("tear: stores the first part of a write, then rejects", async () => {
    const { inner, storage } = over({ kind: "tear" }, { kind: "tear", operation: "create", bytes: 3 });
    expect(await storage.get("a")).toBeUndefined();
    await expect(storage.put("a", bytes("12345678"))).rejects.toThrow("tear");
    expect(await inner.get("a")).toEqual(bytes("1234"));
    await expect(storage.create("b", bytes("12345678"))).rejects.toThrow("tear");
    expect(await inner.get("b")).toEqual(bytes("123"));
  });

  it("tear: is refused for a verb that stores no value", () => {
    expect(() => over({ kind: "tear", operation: ["put", "get"] })).toThrow('A fault "tear" can\'t strike "get"');
  });

  it("duplicate: does what is asked twice, and gives the second answer", async () => {
    const { inner, storage } = over({ kind: "duplicate", operation: "create" });
    expect(await storage.create("a", bytes("1"))).toBe(false);
    expect(await inner.get("a")).toEqual(bytes("1"));
  });

  it("delay: waits by the clock that it is given, in a listing before each key and the end", async () => {
    const clock = manualClock();
    const inner = new StorageMemory();
    for (const key of ["a", "b"]) await inner.put(key, bytes(key));
    const storage = faultyStorage(inner, { clock, faults: [{ kind: "delay", duration: "2s", times: 2 }] });
    const got = storage.get("a").then(() => clock.monotonic());
    await clock.advance("1m");
    expect(await got).toBe(2_000);
    const keys = listed(storage.list("")).then((found) => ({ found, at: clock.monotonic() }));
    await clock.advance("1m");
    expect(await keys).toEqual({ found: ["a", "b"], at: 66_000 });
  });
});

describe("which calls", () => {
  it("counts only calls whose verb and key match", async () => {
    const { storage } = over({ kind: "fail", operation: ["put", "create"], key: /steps\//, at: 2, times: 2 });
    const done: string[] = [];
    const attempt = (name: string, call: Promise<unknown>) =>
      call.then(
        () => done.push(name),
        () => {},
      );
    await attempt("1 put run", storage.put("job/run", bytes("1")));
    await attempt("2 put steps/a", storage.put("job/steps/a", bytes("1")));
    await attempt("3 get steps/a", storage.get("job/steps/a"));
    await attempt("4 create steps/b", storage.create("job/steps/b", bytes("1")));
    await attempt("5 put steps/c", storage.put("job/steps/c", bytes("1")));
    await attempt("6 put steps/d", storage.put("job/steps/d", bytes("1")));
    expect(done).toEqual(["1 put run", "2 put steps/a", "3 get steps/a", "6 put steps/d"]);
  });

  it("lets the first of several faults act, while all of them count the call", async () => {
    const { storage } = over({ kind: "fail", error: "first" }, { kind: "fail", error: "second", times: 2 });
    await expect(storage.get("a")).rejects.toBe("first");
    await expect(storage.get("a")).rejects.toBe("second");
    await expect(storage.get("a")).resolves.toBeUndefined();
  });

  it("counts from the moment of inject", async () => {
    const { storage } = over();
    await storage.get("a");
    storage.inject({ kind: "fail", operation: "get", at: 2 });
    await storage.get("a");
    await expect(storage.get("a")).rejects.toThrow("Injected fault");
  });

  it("takes a pattern with the global flag as one without", async () => {
    const { storage } = over({ kind: "fail", key: /a/g, times: Infinity });
    for (let call = 0; call < 3; call++) await expect(storage.get("a")).rejects.toThrow("Injected fault");
  });
});

it("notes and counts every call, also one that fails", async () => {
  const { storage } = over({ kind: "fail", operation: "create" });
  await storage.put("a", bytes("1"));
  await expect(storage.create("b", bytes("1"))).rejects.toThrow("Injected fault");
  expect(await listed(storage.list(""))).toEqual(["a"]);
  await storage.delete("a");
  expect(storage.log).toEqual([
    { operation: "put", key: "a" },
    { operation: "create", key: "b", fault: "fail" },
    { operation: "list", key: "" },
    { operation: "delete", key: "a" },
  ]);
  expect(storage.operations).toEqual({ get: 0, put: 1, create: 1, list: 1, delete: 1 });
});

describe("without faults it keeps the contract of the storage in it", () => {
  const checks = storageContract({ open: () => faultyStorage(new SoundStorage()), largest: 2 ** 20 });
  for (const check of checks.filter(({ skip }) => !skip)) {
    it(`${check.theme}: ${check.name}`, async () => {
      await expect(check.run()).resolves.toBeUndefined();
    });
  }
});
