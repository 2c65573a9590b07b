// A diamond: two branches and a join that waits for both. One branch fails; the resume runs that branch and the join, each once.
//
// Prints:
//   reading orders
//   summing
//   failed: orders completed, total completed, currencies failed, report skipped
//   joining
//   completed: orders restored, total restored, currencies completed, report completed
//   60 in EUR, USD
import { action, type Context, DotFlow, StorageMemory } from "dotflow";

interface Order {
  amount: number;
  currency: string;
}

let networkIsUp = false;

const orders = action(async function orders(): Promise<Order[]> {
  console.log("reading orders");
  return [
    { amount: 20, currency: "EUR" },
    { amount: 40, currency: "USD" },
  ];
});

const total = action(async function total(previous: Context<Order[]>) {
  console.log("summing");
  return previous.storage.reduce((sum, { amount }) => sum + amount, 0);
});

const currencies = action(async function currencies(previous: Context<Order[]>) {
  if (!networkIsUp) throw new Error("the network is down");
  return new Set(previous.storage.map(({ currency }) => currency));
});

const report = action(async function report(previous: Context<{ sum: number; names: Set<string> }>) {
  console.log("joining");
  return `${previous.storage.sum} in ${[...previous.storage.names].join(", ")}`;
});

// Memory lasts as long as this process: enough to show a resume, not to survive a crash.
const workflow = new DotFlow({ workflowId: "diamond-graph", storage: new StorageMemory() });
const root = workflow.task.add(orders);
const sum = workflow.task.add(total, { after: root });
const names = workflow.task.add(currencies, { after: root });
workflow.task.add(report, { after: { sum, names } });

for (const isUp of [false, true]) {
  networkIsUp = isUp;
  const result = await workflow.start({ resume: true });
  console.log(`${result.status}: ${result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}`);
  if (result.status === "completed") console.log(await result.output());
}
