// Guarantee 11: a storage that fails at each of its calls in turn, in every way, while a run is begun and while it is resumed.
import { describe, expect, it } from "vitest";
import { DotFlow, isDotFlowError, type RunResult, type Storage, type WorkflowEvent } from "dotflow";
import { type FaultKind, faultyStorage, manualClock } from "dotflow/testing";
import { eachStorage, fill, type TestPlace } from "../storages.ts";
import { Notebook } from "./notebook.ts";
import { whileAdvancing } from "./time.ts";

const ids = ["a", "b", "c", "d"];
const output = "d(b(a(null)),c(a(null)))";

/** What the guard around every storage has to bear: the run never notices. */
const passing: Record<string, FaultKind & { times?: number }> = {
  "fails in passing": { kind: "fail", retryable: true },
  "fails in passing four times in a row": { kind: "fail", retryable: true, times: 4 },
  "loses the answer in passing": { kind: "lose-answer", retryable: true },
  "is repeated by a client that lost the answer": { kind: "duplicate" },
  "is slow": { kind: "delay", duration: "20s" },
  "is slow, as are all that follow": { kind: "delay", duration: "9s", times: Infinity },
};

/** What ends the start. */
const final: Record<string, FaultKind & { times?: number }> = {
  "fails once": { kind: "fail" },
  "fails for ever": { kind: "fail", times: Infinity },
  "fails in passing for ever": { kind: "fail", retryable: true, times: Infinity },
  "loses the answer once": { kind: "lose-answer" },
  "loses the answer for ever": { kind: "lose-answer", times: Infinity },
  "loses the answer in passing for ever": { kind: "lose-answer", retryable: true, times: Infinity },
  hangs: { kind: "hang" },
  "hangs for ever": { kind: "hang", times: Infinity },
};

interface Setting {
  /** What was started before; nothing where it is missing. */
  readonly before?: DiamondOptions;
  readonly from?: string;
  /** The version of the last step when it is started again. */
  readonly version?: number;
}

const settings: Record<string, Setting> = {
  "a new run": {},
  "a run that is resumed": { before: { failing: "d" } },
  "a run that is resumed with another plan": { before: { failing: "d" }, version: 2 },
  "a run that takes records over from another one": { before: {}, from: "c" },
};

describe("11. A storage that fails, once or for ever, never re-runs a step that succeeded, and never ends green", () => {
  eachStorage((name, open) => {
    // The storages that write to a disk are slower: the first and the last will do.
    const tried = Object.entries(settings).filter((_, index) => name === "memory" || index % 3 === 0);
    describe.each(tried)("in %s", (_, setting) => {
      it.each(open.some(Object.entries(passing)))("a call %s: the run completes", async (_case, fault) => {
        const calls = await atEveryCall(open, setting, fault, ({ given, error, what }) => {
          expect(error, what).toBeUndefined();
          expect(given, what).toBe(output);
        });
        expect(calls).toBeGreaterThan(8 / open.every);
      });

      it.each(open.some(Object.entries(final)))(
        "a call %s: the start is refused with a StorageError",
        async (_case, fault) => {
          await atEveryCall(open, setting, fault, ({ error, events, what }) => {
            expect(error, what).toMatchObject({
              code: "STORAGE",
              key: expect.any(String) as string,
              operation: expect.any(String) as string,
            });
            expect(events, what).not.toContain("run.completed");
          });
        },
      );
    });

    it.each(open.some(["fail", "lose-answer", "hang"] as const))(
      "the renewals of the lease %s for an hour, and the step that took so long is recorded",
      async (kind) => {
        const clock = manualClock();
        const storage = faultyStorage(clock.watch(open()), {
          clock,
          faults: [{ operation: "put", key: /leases/, kind, times: 50 }],
        });
        const notes = new Notebook();
        const workflow = new DotFlow({ workflowId: "job", storage, clock });
        workflow.task.add(
          notes.step("long", () => new Promise((resolve) => clock.timer(3_600_000, () => resolve("done")))),
        );
        const result = await whileAdvancing(clock, workflow.start()).catch((error: unknown) => error);
        expect(notes.called()).toEqual(["long"]);
        storage.release();
        if (isDotFlowError(result)) expect(["STORAGE", "LEASE_LOST"]).toContain(result.code);
        const last = await whileAdvancing(clock, workflow.start({ resume: true }));
        expect(await last.output()).toBe("done");
      },
    );

    it("a storage that answers against its contract is named, and nothing is run twice", async () => {
      for (const verb of ["get", "create", "list"] as const) {
        const good = open();
        const bad: Storage = {
          durable: good.durable,
          get: (key) => good.get(key),
          put: (key, value) => good.put(key, value),
          create: (key, value) => good.create(key, value),
          list: (prefix) => good.list(prefix),
          delete: (key) => good.delete(key),
          [verb]: () => "nonsense",
        };
        const notes = new Notebook();
        await expect(diamond(bad, notes).start({ resume: true })).rejects.toMatchObject({
          code: "STORAGE",
          operation: verb,
        });
        expect(notes.called()).toEqual([]);
        await fill(good, new Map());
      }
    });
  });
});

interface Outcome {
  /** The output of the run. */
  readonly given: unknown;
  readonly error: unknown;
  readonly events: readonly string[];
  /** Which call was struck. */
  readonly what: string;
}

/** Strikes each call of a start in turn, and has `check` look at what came of it. Resuming must always succeed. Gives how many were struck. */
async function atEveryCall(
  open: TestPlace,
  { before, from, version }: Setting,
  fault: FaultKind & { times?: number },
  check: (outcome: Outcome) => void,
): Promise<number> {
  for (let at = 1; ; at += open.every) {
    const place = open();
    await fill(place, new Map());
    if (before) await diamond(place, new Notebook(), before).start();
    const clock = manualClock();
    const storage = faultyStorage(clock.watch(place), { clock, faults: [{ at, ...fault }] });
    const notes = new Notebook();
    const events: WorkflowEvent["type"][] = [];
    const workflow = diamond(storage, notes, { clock, events, version });
    let result: RunResult | undefined;
    let error: unknown;
    try {
      result = await whileAdvancing(clock, workflow.start({ resume: true, from }));
    } catch (thrown) {
      error = thrown;
    }
    const struck = storage.log.find((call) => call.fault);
    if (!struck) return (at - 1) / open.every;
    const what = `${fault.kind} at call ${at}: ${struck.operation} of ${struck.key}`;
    check({ given: result && (await whileAdvancing(clock, result.output())), error, events, what });

    const succeeded = notes.succeeded();
    expect(succeeded, what).toEqual([...new Set(succeeded)]);
    // What hung goes through now, late, as it may in a network.
    storage.release();
    await clock.advance(0);
    const { completed } = await diamond(place, notes).checkpoints.info();
    notes.called();
    const last = await whileAdvancing(
      clock,
      diamond(clock.watch(place), notes, { clock, version }).start({ resume: true }),
    );
    expect(await last.output(), what).toBe(output);
    expect(notes.called().sort(), what).toEqual(ids.filter((id) => !completed.includes(id)));
    // At most the step whose record was struck runs a second time; none where the record is there.
    const later = notes.succeeded();
    const again = succeeded.filter((id) => later.includes(id));
    expect(again.length, what).toBeLessThanOrEqual(fault.times === Infinity ? 2 : 1);
    expect(await diamond(place, notes).checkpoints.verify(), what).toEqual([]);
  }
}

interface DiamondOptions {
  readonly failing?: string;
  readonly clock?: ReturnType<typeof manualClock>;
  readonly events?: string[];
  /** Of the last step. */
  readonly version?: number | undefined;
}

/** a → b, c → d. */
function diamond(
  storage: Storage,
  notes: Notebook,
  { failing, clock, events = [], version }: DiamondOptions = {},
): DotFlow {
  const workflow = new DotFlow({
    workflowId: "job",
    storage,
    clock,
    observers: [{ onEvent: ({ type }) => void events.push(type) }],
  });
  const step = (id: string) =>
    notes.step(
      id,
      (previous) => {
        if (id === failing) throw new Error(`${id} fails`);
        return `${id}(${String(previous)})`;
      },
      { version: id === "d" ? version : undefined },
    );
  const a = workflow.task.add(step("a"));
  const b = workflow.task.add(step("b"), { after: a });
  const c = workflow.task.add(step("c"), { after: a });
  workflow.task.add(step("d"), { after: [b, c] });
  return workflow;
}
