// Two groups side by side: the tasks of a group follow one another, the groups don't wait for each other.
//
// Prints:
//   north: reading
//   south: reading
//   north: 2 orders
//   south: 1 order
//   north.read completed, south.read completed, north.count completed, south.count completed
//   { north: 2, south: 1 }
import { setTimeout as sleep } from "node:timers/promises";
import { action, type Context, DotFlow, type StepContext } from "dotflow";

const ordersOf: Record<string, string[]> = { north: ["apples", "pears"], south: ["lemons"] };

const read = action(async function read(_: unknown, step: StepContext<string>) {
  const region = step.initial.storage;
  console.log(`${region}: reading`);
  await sleep(region === "north" ? 20 : 60);
  return { region, orders: ordersOf[region] ?? [] };
});

const count = action(async function count(previous: Context<{ region: string; orders: string[] }>) {
  const { region, orders } = previous.storage;
  console.log(`${region}: ${orders.length} ${orders.length === 1 ? "order" : "orders"}`);
  return orders.length;
});

const workflow = new DotFlow({ workflowId: "groups-in-parallel" });
for (const region of Object.keys(ordersOf)) workflow.task.add(read, { groupName: region, initialContext: region });
for (const region of Object.keys(ordersOf)) workflow.task.add(count, { groupName: region });

// Several groups make `sequential_group` the mode; it stands here to be seen.
const result = await workflow.start({ mode: "sequential_group" });
console.log(result.tasks.map(({ id, status }) => `${id} ${status}`).join(", "));

const north = await result.context<number>("north.count");
const south = await result.context<number>("south.count");
console.log({ north: north.storage, south: south.storage });
