// What runs in the container: three steps, of which the first is slow and paid by the call.
import { action, type Context, DotFlow } from "dotflow";

const download = action({ retry: 3, retryDelay: "2s", backoff: true }, async function download() {
  return [12, 30, 58];
});

const total = action(async function total(previous: Context<number[]>) {
  return previous.storage.reduce((sum, number) => sum + number, 0);
});

const publish = action(async function publish(previous: Context<number>) {
  console.log(`The total is ${previous.storage}.`);
});

const workflow = new DotFlow({ workflowId: "container" });
workflow.task.add(download).add(total).add(publish);

export default workflow;
