// A workflow with a loop, a map, waiting and a workflow within it, whose values tell which process gave them and what it was
// given: two processes that drive it would leave values that do not fit together.
import { action, type Context, DotFlow, type DotFlowOptions } from "dotflow";

export interface Signed {
  readonly by: number;
  readonly given: unknown;
}

export interface SignedHooks {
  /** Called when a function of the user begins: a step, an iteration, an item, a `once`. */
  readonly begins?: (what: string) => void;
  /** Called where a process may fall asleep. */
  readonly passes?: (where: string) => void;
}

export function signedWorkflow(
  options: DotFlowOptions,
  { begins = () => {}, passes = () => {} }: SignedHooks = {},
): DotFlow {
  const by = process.pid;
  const workflow = new DotFlow(options);
  const inner = new DotFlow({ workflowId: "inner" });
  inner.task.add(
    action({ name: "inner" }, ({ storage: given }: Context): Signed => {
      begins("inner");
      return { by, given };
    }),
  );
  const first = action({ name: "first" }, (): Signed => {
    begins("first");
    return { by, given: null };
  });
  const loop = action({ name: "loop" }, async ({ storage: given }: Context, step): Promise<Signed> => {
    begins(`iteration ${step.iteration}`);
    passes(`before once ${step.iteration}`);
    const drawn = await step.once("draw", () => {
      begins(`once ${step.iteration}`);
      return by;
    });
    const signed = { by, given, drawn };
    if (step.iteration < 2) return step.again(signed);
    return signed;
  });
  const map = action({ name: "map" }, async ({ storage: given }: Context, step): Promise<Signed> => {
    begins(`item ${(given as { name: string }).name}`);
    await step.progress.save(by);
    return { by, given: await step.once("keep", () => given) };
  });
  const gate = action({ name: "gate" }, async ({ storage: given }: Context, step): Promise<unknown> => {
    await step.once("send", () => workflow.checkpoints.signal("go", { from: by }));
    return { given, payload: await step.waitFor("go") };
  });
  const last = action({ name: "last" }, ({ storage: given }: Context): Signed => {
    begins("last");
    return { by, given };
  });
  workflow.task.add([first, loop]);
  async function* over({ storage: from }: Context): AsyncGenerator {
    yield { name: "a", from };
    passes("between items");
    yield { name: "b", from };
  }
  workflow.task.map(map, { over, concurrency: 2 });
  workflow.task.add(gate);
  workflow.task.add(inner, { id: "child" });
  workflow.task.add(last);
  return workflow;
}
