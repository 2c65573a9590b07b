// Two branches, of which each order takes one, and a join. The review fails at first; the resume takes the same branch again.
//
// Prints:
//   order 1,200: load completed, review failed, accept skipped, ship skipped
//   order 1,200: load restored, review completed, accept skipped, ship completed
//   reviewed
//   order 80: load completed, review skipped, accept completed, ship completed
//   accepted
//   review of order 80 was skipped: its condition was false
import { action, type Context, DotFlow, type RunResult, type StepContext, StorageMemory } from "dotflow";

interface Order {
  total: number;
}

let reviewers = 0;

const load = action(async function load(_: unknown, step: StepContext<Order>) {
  return step.initial.storage;
});

const review = action(async function review(_: Context<Order>) {
  if (reviewers === 0) throw new Error("nobody is there to review it");
  return "reviewed";
});

const accept = action(async function accept(_: Context<Order>) {
  return "accepted";
});

// A branch that was skipped gives null.
const ship = action(async function ship({ storage }: Context<{ reviewed: string | null; accepted: string | null }>) {
  return storage.reviewed ?? storage.accepted;
});

const storage = new StorageMemory();

async function run(order: Order): Promise<RunResult> {
  const workflow = new DotFlow({ workflowId: `order-${order.total}`, storage });
  const root = workflow.task.add(load);
  const reviewed = workflow.task.add(review, { after: root, when: (previous) => previous.storage.total >= 1_000 });
  const accepted = workflow.task.add(accept, { after: root, when: (previous) => previous.storage.total < 1_000 });
  workflow.task.add(ship, { after: { reviewed, accepted } });
  const result = await workflow.start({ resume: true, initialContext: order });
  const tasks = result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
  console.log(`order ${order.total.toLocaleString("en")}: ${tasks}`);
  if (result.status === "completed") console.log(await result.output<string>());
  return result;
}

await run({ total: 1_200 });
reviewers = 1;
await run({ total: 1_200 });
const small = await run({ total: 80 });
console.log(`review of order 80 was skipped: ${small.tasks.find(({ id }) => id === "review")?.reason}`);
