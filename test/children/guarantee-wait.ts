// A run in which a step waits for a person, beside one that waits for nobody. Started with `run` it goes on as far as it can,
// with `in place` it stays; started with `signal` it is the person. In the end it sends what came of it.
import { action, type Context, DotFlow, isDotFlowError, type StepContext } from "dotflow";
import { openPlace } from "../places.ts";

/** The last message. */
export type WaitReport =
  | {
      readonly status: string;
      readonly waiting: readonly string[];
      /** What became of each task. */
      readonly tasks: Readonly<Record<string, string>>;
      /** What the task behind the waiting one gave; `null` where it did not run. */
      readonly published: unknown;
      /** The tasks whose function was called. */
      readonly called: readonly string[];
    }
  | { readonly status: "sent" }
  | { readonly code: string; readonly message: string };

const [kind = "", place = "", role = "", payload = ""] = process.argv.slice(2);
const called: string[] = [];
const workflow = new DotFlow({ workflowId: "job", storage: openPlace(kind, place), lease: "2s" });

const draft = workflow.task.add(step("draft", () => "draft"));
const ask = workflow.task.add(
  step("ask", async (_, context) => {
    if (role === "in place") process.send?.("asks");
    return context.waitFor("approval");
  }),
  { after: draft },
);
const publish = workflow.task.add(
  step("publish", (previous) => previous),
  { after: [draft, ask] },
);
const notify = workflow.task.add(
  step("notify", () => "notified"),
  { after: draft },
);
workflow.task.add(
  step("join", (previous) => previous),
  { after: [publish, notify] },
);

function step(name: string, give: (previous: unknown, step: StepContext) => unknown) {
  return action({ name }, async ({ storage }: Context, context: StepContext) => {
    called.push(name);
    return give(storage, context);
  });
}

async function act(): Promise<WaitReport> {
  if (role === "signal") {
    await workflow.checkpoints.signal("approval", payload);
    return { status: "sent" };
  }
  const result = await workflow.start({ resume: true, wait: role === "in place" });
  return {
    status: result.status,
    waiting: result.waiting,
    tasks: Object.fromEntries(result.tasks.map(({ id, status }) => [id, status])),
    published: (await result.context("publish")).storage,
    called,
  };
}

let report: WaitReport;
try {
  report = await act();
} catch (error) {
  if (!isDotFlowError(error)) throw error;
  report = { code: error.code, message: error.message };
}
process.send?.(report, () => process.disconnect());
