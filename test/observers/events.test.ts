// The events that tell how a task comes on, how a start ends that drives nothing or no longer, and the notes that survive.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type Observer,
  type StepContext,
  StorageMemory,
  type WorkflowEvent,
} from "dotflow";
import { faultyStorage, manualClock } from "dotflow/testing";
import { startChild } from "../guarantees/children.ts";
import { eachStorage } from "../storages.ts";
import { Notebook } from "../guarantees/notebook.ts";
import { LeaseStore } from "../../src/journal/lease-store.ts";
import { resolveStore } from "../../src/settings.ts";

type Of<Type extends WorkflowEvent["type"]> = Extract<WorkflowEvent, { type: Type }>;

describe("Events tell", () => {
  it("what a waiting task waits for", async () => {
    const clock = manualClock();
    const { observer, of } = recorder();
    const workflow = new DotFlow({ clock, observers: [observer] });
    workflow.task.add(
      action(async function ask(_: Context, step: StepContext) {
        await Promise.all([step.waitFor("approval", { timeout: "1h" }), step.waitFor("budget")]);
      }),
    );
    await workflow.start();
    const until = new Date(clock.now() + 3_600_000);
    expect(of("step.waiting")).toMatchObject([{ taskId: "ask", name: "ask", signals: ["approval", "budget"], until }]);
  });

  it("that a task sleeps, without a signal", async () => {
    const clock = manualClock();
    const { observer, of } = recorder();
    const workflow = new DotFlow({ clock, observers: [observer] });
    workflow.task.add(action({ name: "nap" }, (_: Context, step: StepContext) => step.sleep("2h")));
    await workflow.start();
    expect(of("step.waiting")).toMatchObject([{ signals: [], until: new Date(clock.now() + 7_200_000) }]);
  });

  it("each iteration of a loop, and those of items with their keys", async () => {
    const { observer, of } = recorder();
    const workflow = new DotFlow({ observers: [observer] });
    const again = ({ storage }: Context<number>, step: StepContext): unknown =>
      step.iteration < 3 ? step.again(storage) : storage;
    workflow.task.add(action({ name: "loop" }, again as never));
    workflow.task.map(action({ name: "items" }, again as never), { over: () => [7] as never[], key: () => "seven" });
    await workflow.start();
    const seen = of("step.iterated").map(({ taskId, iteration, item }) => [taskId, iteration, item]);
    expect(seen).toEqual([
      ["loop", 1, undefined],
      ["loop", 2, undefined],
      ["items", 1, "seven"],
      ["items", 2, "seven"],
    ]);
  });

  it("how far a map is: at once, then ten times a second at most, and at its end", async () => {
    const clock = manualClock();
    const { observer, of } = recorder();
    const storage = new StorageMemory();
    const workflow = new DotFlow({ storage, clock, observers: [observer] });
    const due = (item: number): number => item * 30;
    const slow = async ({ storage: item }: Context<number>): Promise<number> => {
      await new Promise<void>((resolve) => clock.timer(due(item), resolve));
      if (item === 3) throw new Error("broken");
      return item;
    };
    workflow.task.map(action({ name: "map" }, slow), { over: () => [1, 2, 3, 4, 5, 6, 7], concurrency: 7 });
    const started = workflow.start();
    await clock.untilWaiting(7);
    await clock.advance("1s");
    await started;
    const seen = of("step.progressed").map(({ items, time }) => [
      time.getTime() - Date.UTC(2026, 0, 1),
      items.completed,
      items.failed,
    ]);
    // Items end at 30, 60, …, 210.
    expect(seen).toEqual([
      [30, 1, 0],
      [130, 3, 1],
      [210, 6, 1],
    ]);
    expect(of("step.progressed").at(-1)?.items).toEqual({ total: 7, completed: 6, restored: 0, failed: 1 });
    await clock.advance("1s");
    expect(of("step.progressed")).toHaveLength(seen.length);
  });

  it("the item that is retried", async () => {
    const { observer, of } = recorder();
    const workflow = new DotFlow({ observers: [observer] });
    const flaky = (_: Context<string>, { attempt }: StepContext): number => {
      if (attempt === 1) throw new Error("flaky");
      return 1;
    };
    workflow.task.map(action({ name: "map", retry: 2, retryDelay: 0 }, flaky), {
      over: () => ["a"],
      key: (item) => item,
    });
    await workflow.start();
    expect(of("step.retrying")).toMatchObject([{ taskId: "map", item: "a", attempt: 1 }]);
  });

  it("which attempt a wrapper is around: its iteration and its item", async () => {
    const seen: unknown[] = [];
    const observer: Observer = {
      aroundStep: ({ taskId, attempt, iteration, item }, next) => {
        seen.push([taskId, attempt, iteration, item]);
        return next();
      },
    };
    const workflow = new DotFlow({ observers: [observer] });
    const twice = (_: Context<string>, step: StepContext): unknown => (step.iteration === 1 ? step.again(1) : 1);
    workflow.task.map(action({ name: "map" }, twice as never), { over: () => ["a"] as never[], key: () => "a" });
    await workflow.start();
    expect(seen).toEqual([
      ["map", 1, 1, "a"],
      ["map", 1, 2, "a"],
    ]);
  });

  it("that a start was refused, and why, with nothing else of it", async () => {
    const { observer, events, of } = recorder();
    const storage = new StorageMemory();
    const workflow = new DotFlow({ workflowId: "job", storage, observers: [observer] });
    workflow.task.add(new Notebook().step("a", () => 1));
    await workflow.start();
    const changed = new DotFlow({ workflowId: "job", storage, observers: [observer] });
    changed.task.add(new Notebook().step("b", () => 1));
    const before = events.length;
    await expect(changed.start({ resume: true })).rejects.toMatchObject({ code: "WORKFLOW_CHANGED" });
    expect(of("run.refused")).toMatchObject([{ runId: "", error: { code: "WORKFLOW_CHANGED" } }]);
    expect(
      events
        .slice(before)
        .map(({ type }) => type)
        .filter((type) => type !== "warning"),
    ).toEqual(["run.refused"]);
  });

  it("that a run failed because its storage did, with the error that start rejects with", async () => {
    const { observer, of } = recorder();
    const storage = faultyStorage(new StorageMemory());
    const workflow = new DotFlow({ workflowId: "job", storage, observers: [observer] });
    workflow.task.add(
      new Notebook().step("a", () => {
        storage.inject({ operation: ["create", "put"], kind: "fail", times: Infinity });
        return 1;
      }),
    );
    const error: unknown = await workflow.start().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "STORAGE" });
    expect(of("run.failed")).toMatchObject([{ error: { code: "STORAGE" } }]);
    expect(of("run.refused")).toEqual([]);
  });

  it("that another process has taken the run over, as the end of this start", async () => {
    const clock = manualClock();
    const { observer, events, of } = recorder();
    const storage = new StorageMemory();
    const workflow = new DotFlow({ workflowId: "job", storage, clock, lease: "10s", observers: [observer] });
    workflow.task.add(
      new Notebook().step("stopped", async () => {
        clock.jump(3_600_000);
        const leases = new LeaseStore(resolveStore("job", { storage, clock }).store);
        const { body } = await leases.read(1);
        await leases.create(2, "rival", { ...body, owner: { host: "another", pid: 1, process: "another" } });
        return 1;
      }),
    );
    await expect(workflow.start()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(of("run.lost")).toMatchObject([{ error: { code: "LEASE_LOST" }, durationMs: 3_600_000 }]);
    expect(events.at(-1)?.type).toBe("run.lost");
  });

  it("one startId in all events and wrappers of a start, another one in those of the next", async () => {
    const { observer, events } = recorder();
    const around: string[] = [];
    observer.aroundStep = ({ startId }, next) => {
      around.push(startId);
      return next();
    };
    const workflow = new DotFlow({ observers: [observer] });
    workflow.task.add(new Notebook().step("a", () => 1));
    await workflow.start();
    const first = events.splice(0);
    await workflow.start({ resume: true });
    const [one, two] = [first, events].map((list) => [...new Set(list.map(({ startId }) => startId))]);
    expect([one, two?.length]).toEqual([around, 1]);
    expect(one).not.toEqual(two);
  });
});

describe("Notes", () => {
  eachStorage((_name, open) => {
    it("reach the next start of the run, by the observer's name; not the one after it", async () => {
      const seen: unknown[] = [];
      const start = async (note: string | undefined, resume: boolean): Promise<void> => {
        const observer: Observer = {
          name: "tracer",
          note: () => note,
          onEvent: (event) => void (event.type === "run.resumed" && seen.push(event.notes)),
        };
        const workflow = new DotFlow({ workflowId: "job", storage: open(), observers: [observer] });
        workflow.task.add(new Notebook().step("a", () => 1));
        await workflow.start({ resume });
      };
      await start("first", false);
      await start("second", true);
      await start(undefined, true);
      await start("fourth", true);
      await start("fifth", false);
      expect(seen).toEqual([{ tracer: "first" }, { tracer: "second" }, {}]);
    });
  });

  it("reach the next process after a crash", async () => {
    const folder = mkdtempSync(join(tmpdir(), "notes-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const first = startChild("observers-killed", folder, "first");
    expect(await first.ended).toBe("SIGKILL");
    const second = startChild("observers-killed", folder, "second", "lives");
    expect(await second.message()).toEqual({ tracer: "first" });
    expect(await second.ended).toBe("0");
  });

  it("survive what else takes the lease: a snapshot, an import", async () => {
    const storage = new StorageMemory();
    const seen: unknown[] = [];
    const start = async (note: string): Promise<DotFlow> => {
      const observer: Observer = {
        name: "tracer",
        note: () => note,
        onEvent: (event) => void (event.type === "run.resumed" && seen.push(event.notes)),
      };
      const workflow = new DotFlow({ workflowId: "job", storage, observers: [observer] });
      workflow.task.add(new Notebook().step("a", () => 1));
      await workflow.start({ resume: true });
      return workflow;
    };
    const workflow = await start("first");
    await workflow.checkpoints.snapshot({ id: "now" });
    await workflow.checkpoints.restore("now");
    await start("second");
    expect(seen).toEqual([{ tracer: "first" }]);
  });

  it("that are too long, no text, or of nobody are dropped with a warning", async () => {
    const { observer, of } = recorder();
    const storage = new StorageMemory();
    const notes: Observer[] = [
      { name: "long", note: () => "x".repeat(257) },
      { name: "object", note: () => ({}) as never },
      { note: () => "whose" },
      {
        name: "throws",
        note: () => {
          throw new Error("no note");
        },
      },
      { name: "full", note: () => "é".repeat(256) },
      { name: "__proto__", note: () => "fine" },
      { name: "none", note: () => undefined },
    ];
    const workflow = new DotFlow({ workflowId: "job", storage, observers: [...notes, observer] });
    workflow.task.add(new Notebook().step("a", () => 1));
    await workflow.start();
    expect(of("warning").map(({ message }) => message)).toEqual([
      'The note of the observer "long" is not kept: it is not a text of at most 256 characters.',
      'The note of the observer "object" is not kept: it is not a text of at most 256 characters.',
      "The note of observer 3 is not kept: it has no name.",
      'The observer "throws" failed with its note: no note',
    ]);
    await workflow.start({ resume: true });
    const [resumed] = of("run.resumed");
    expect(Object.entries(resumed?.notes ?? {})).toEqual([
      ["full", "é".repeat(256)],
      ["__proto__", "fine"],
    ]);
  });
});

function recorder() {
  const events: WorkflowEvent[] = [];
  const observer: Observer = { onEvent: (event) => void events.push(event) };
  const of = <Type extends WorkflowEvent["type"]>(type: Type): Of<Type>[] =>
    events.filter((event): event is Of<Type> => event.type === type);
  return { observer, events, of };
}
