// One workflow that uses everything at once: a condition, a loop, a map, `once`, progress, shared state, snapshots, waiting
// for a signal and for a time, and a workflow within it. What a step gives depends only on what it was given, so that two
// ways to the end can be compared. What is done again though it was saved is noted.
import {
  action,
  type Clock,
  type Context,
  DotFlow,
  type DotFlowOptions,
  isDotFlowError,
  type StepContext,
  type Storage,
} from "dotflow";
import type { Ledger } from "./ledger.ts";

export const workflowId = "everything";

export interface EverythingOptions extends Omit<DotFlowOptions, "workflowId"> {
  readonly storage: Storage;
  /** Which start this is, from 1: the first one is left waiting, for a signal and for the next day. */
  readonly start: number;
  readonly ledger: Ledger;
}

export function everything({ storage, start, ledger, ...options }: EverythingOptions): DotFlow {
  const day = 24 * 60 * 60 * 1_000;
  const workflow = new DotFlow({ workflowId, storage, clock: clockAt(start * day), ...options });

  const prepare = workflow.task.add(
    named("prepare", async (_, { state }) => {
      state.set("prepared", ["by", "prepare"]);
      return { rounds: 3, items: ["a", "B", "c"] };
    }),
  );

  const leftOut = workflow.task.add(
    named("left-out", () => "never"),
    { after: prepare, when: () => false },
  );
  workflow.task.add(
    named("behind", () => "never"),
    { after: leftOut },
  );
  const chosen = workflow.task.add(
    named("chosen", () => "chosen"),
    { after: prepare, when: ({ storage: { rounds } }: Context<{ rounds: number }>) => rounds === 3 },
  );

  const loop = workflow.task.add(
    named("loop", async (previous, step) => {
      const { iteration } = step;
      await ledger.execute(`loop/iterations/${padded(iteration)}`);
      const drawn = await once(step, "draw", () => `drawn in ${iteration}`);
      step.state.set("rounds", [...(step.state.get<string[]>("rounds") ?? []), drawn]);
      step.checkpoint({ id: `round ${iteration}`, metadata: { iteration } });
      const before = iteration === 1 ? [] : (previous as string[]);
      if (iteration < 3) return step.again([...before, drawn]);
      return [...before, drawn];
    }),
    { after: prepare, maxIterations: 3 },
  );

  const map = workflow.task.map(
    named("map", async (item, step) => {
      await ledger.execute(`map/items/${encoded(String(item))}.*`);
      await ledger.execute(`map/of/${encoded(String(item))}.*/iterations/${padded(step.iteration)}`);
      await step.progress.save(`on ${String(item)}`);
      const twice = await once(step, "twice", () => `${String(item)}${String(item)}`, `/of/${encoded(String(item))}.*`);
      step.state.set(`item ${String(item)}`, twice);
      if (item === "c" && step.iteration < 2) return step.again(item);
      return { item, twice };
    }),
    {
      after: prepare,
      over: ({ storage: { items } }: Context<{ items: string[] }>) => items,
      key: (item) => String(item),
      concurrency: 2,
    },
  );

  const pay = workflow.task.add(
    named("pay", async (_, step) => {
      // A dead process may have come further than the one before it had been told.
      if (!["nothing", "booked"].includes((step.progress.value as string) ?? "nothing"))
        ledger.wrong.push(`The progress is ${String(step.progress.value)}.`);
      await step.progress.save("booked");
      const side = once(step, "beside", () => "beside");
      const outer = await once(step, "outer", async () => `around ${await once(step, "inner", () => "inner")}`);
      try {
        await step.once("charge", () => ledger.charge("pay"), { atMostOnce: true });
      } catch (error) {
        // A person finds out, and says that it is paid.
        if (!isDotFlowError(error, "STEP_IN_DOUBT")) throw error;
      }
      return [outer, await side, "paid"];
    }),
    { after: prepare },
  );

  const wait = workflow.task.add(
    named("wait", async (_, step) => {
      await once(step, "before", () => "before");
      if (start > 1) await once(step, "send", () => workflow.checkpoints.signal("go", { by: "a person" }));
      const signal = await step.waitFor("go");
      return { signal, after: await once(step, "after", () => "after") };
    }),
    { after: prepare },
  );
  const sleep = workflow.task.add(
    named("sleep", async (_, step) => {
      await step.sleepUntil(new Date(1.5 * day));
      return "slept";
    }),
    { after: prepare },
  );

  const inner = new DotFlow({ workflowId: "inner", storage });
  inner.task.add(
    named("inner-first", async (_, step) => [step.initial.storage, await once(step, "first", () => "first")]),
  );
  inner.task.add(named("inner-last", (previous) => ["last", previous]));
  const child = workflow.task.add(inner, { id: "child", after: prepare });

  workflow.task.add(
    named("join", async (previous, { state }) => ({
      previous,
      state: ["prepared", "rounds", "item a", "item B", "item c"].map((key) => state.get(key)),
      snapshots: [...new Set((await workflow.checkpoints.snapshots()).map(({ id }) => id))].sort(),
    })),
    { after: { leftOut, chosen, loop, map, pay, wait, sleep, child } },
  );
  return workflow;

  /** Calls `step.once`, and notes it when the function is called. */
  function once<Value>(step: StepContext, name: string, give: () => Value | Promise<Value>, item = ""): Promise<Value> {
    return step.once(name, async () => {
      await ledger.execute(`${step.taskId}${item}/once/${padded(step.iteration)}/${name}`);
      return give();
    }) as Promise<Value>;
  }
}

function named<Out>(name: string, give: (previous: unknown, step: StepContext) => Out) {
  return action({ name }, async ({ storage }: Context, context: StepContext) => give(storage, context));
}

/** A clock that stands still, so that the order of what happens is always the same; only its timers run. */
function clockAt(now: number): Clock {
  return {
    now: () => now,
    monotonic: () => 0,
    timer(milliseconds, callback, options) {
      const handle = setTimeout(callback, milliseconds);
      if (options?.background) handle.unref();
      return () => clearTimeout(handle);
    },
  };
}

function padded(number: number): string {
  return String(number).padStart(8, "0");
}

/** A part of a key, for one capital letter. */
function encoded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `=${letter.toLowerCase()}`);
}
