// The workflow with which real processes are killed: conditions, a loop, a map, `once`, progress, shared state, snapshots,
// waiting for signals and for a time, and a workflow within it. What it gives is the same whatever happens on the way.
import { action, type Context, DotFlow, type DotFlowOptions, isDotFlowError, type StepContext } from "dotflow";

export const workflowId = "everything";
/** The signal that is sent from outside. */
export const approval = "approval";

/** What its steps tell of themselves. */
export interface Tale {
  /** Called when what is saved under a key that ends with `part` begins; `*` stands for anything. */
  readonly begins: (part: string) => Promise<void>;
  /** What a step waits for before it gives its value. */
  readonly work: () => Promise<void>;
  /** Takes money. */
  readonly charge: () => void;
  /** Whether money was taken: what a step asks for that is in doubt. A person is asked where it is missing. */
  readonly wasCharged?: (() => boolean) | undefined;
}

export function everythingWorkflow(options: DotFlowOptions, { begins, work, charge, wasCharged }: Tale): DotFlow {
  const workflow = new DotFlow({ workflowId, ...options });
  const inner = new DotFlow({ workflowId: "inner" });

  const step = <Out>(name: string, give: (previous: unknown, step: StepContext) => Out | Promise<Out>) =>
    action({ name }, async ({ storage }: Context, context: StepContext): Promise<Out> => {
      await begins(`steps/${name}`);
      await work();
      return give(storage, context);
    });
  /** Calls `step.once`, and tells of it when the function is called. */
  const once = <Value>(context: StepContext, name: string, give: () => Value, item = ""): Promise<Awaited<Value>> =>
    context.once(name, async () => {
      await begins(`${context.taskId}${item}/once/${padded(context.iteration)}/${name}`);
      await work();
      return give();
    });

  const prepare = workflow.task.add(
    step("prepare", (_, { state }) => {
      state.set("prepared", ["by", "prepare"]);
      return { rounds: 3, items: ["a", "B", "c"] };
    }),
  );
  const leftOut = workflow.task.add(
    step("left-out", () => "never"),
    { after: prepare, when: () => false },
  );
  workflow.task.add(
    step("behind", () => "never"),
    { after: leftOut },
  );
  const chosen = workflow.task.add(
    step("chosen", () => "chosen"),
    { after: prepare, when: ({ storage }) => storage.rounds === 3 },
  );
  const loop = workflow.task.add(
    step("loop", async (previous, context) => {
      const { iteration, state } = context;
      await begins(`loop/iterations/${padded(iteration)}`);
      const drawn = await once(context, "draw", () => `drawn in ${iteration}`);
      state.set("rounds", [...(state.get<string[]>("rounds") ?? []), drawn]);
      context.checkpoint({ id: `round ${iteration}` });
      const before = iteration === 1 ? [] : (previous as string[]);
      if (iteration < 3) return context.again([...before, drawn]);
      return [...before, drawn];
    }),
    { after: prepare, maxIterations: 3 },
  );
  const map = workflow.task.map(
    step("map", async (given, context) => {
      const item = String(given);
      const part = `${encoded(item)}.*`;
      await begins(`map/items/${part}`);
      await begins(`map/of/${part}/iterations/${padded(context.iteration)}`);
      await context.progress.save(`on ${item}`);
      const twice = await once(context, "twice", () => item + item, `/of/${part}`);
      context.state.set(`item ${item}`, twice);
      const got = item === "B" ? await context.waitFor("to an item") : null;
      if (item === "c" && context.iteration < 2) return context.again(item);
      return { item, twice, got };
    }),
    {
      after: prepare,
      over: ({ storage }: Context<{ items: string[] }>) => storage.items,
      key: (item) => String(item),
      concurrency: 2,
    },
  );
  const pay = workflow.task.add(
    step("pay", async (_, context) => {
      await context.progress.save("booked");
      const beside = once(context, "beside", () => "beside");
      const outer = await once(context, "outer", async () => [await once(context, "inner", () => "in")]);
      try {
        await context.once("charge", charge, { atMostOnce: true });
      } catch (error) {
        if (!wasCharged || !isDotFlowError(error, "STEP_IN_DOUBT")) throw error;
        if (!wasCharged()) charge();
      }
      return [outer, await beside, "paid"];
    }),
    { after: prepare },
  );
  const gate = workflow.task.add(
    step("gate", async (_, context) => {
      await once(context, "before", () => "before");
      const signal = await context.waitFor(approval);
      return { signal, after: await once(context, "after", () => "after") };
    }),
    { after: prepare },
  );
  const sleeps = workflow.task.add(
    step("sleeps", async (_, context) => {
      await context.sleep(1);
      return "slept";
    }),
    { after: prepare },
  );
  const sends = workflow.task.add(
    step("sends", async (_, context) => {
      for (const name of ["to an item", "to the inner one"])
        await once(context, name.replaceAll(" ", "-"), () => workflow.checkpoints.signal(name, { name }));
      return "sent";
    }),
    { after: prepare },
  );
  inner.task.add(
    step("inner-first", async (_, context) => {
      const first = await once(context, "first", () => "first");
      return [first, context.initial.storage, await context.waitFor("to the inner one")];
    }),
  );
  inner.task.add(
    step("inner-loop", async (previous, context) => {
      await begins(`inner-loop/iterations/${padded(context.iteration)}`);
      if (context.iteration < 2) return context.again(previous);
      return ["last", previous];
    }),
  );
  const child = workflow.task.add(inner, { id: "child", after: prepare });
  workflow.task.add(
    step("join", async (previous, { state }) => ({
      previous,
      state: ["prepared", "rounds", "item a", "item B", "item c"].map((key) => state.get(key)),
      snapshots: (await workflow.checkpoints.snapshots()).map(({ id }) => id).sort(),
    })),
    { after: { leftOut, chosen, loop, map, pay, gate, sleeps, sends, child } },
  );
  return workflow;
}

function padded(number: number): string {
  return String(number).padStart(8, "0");
}

/** A part of a key, for one capital letter. */
function encoded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `=${letter.toLowerCase()}`);
}
