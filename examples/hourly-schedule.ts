// A schedule. It is every hour in life and every second here, so that there is something to see. The second run fails in its last
// step; the next tick goes on with it instead of beginning anew. `stop` lets what runs end, as SIGTERM does in a container.
//
// Prints:
//   1 completed: extract completed, load completed
//   2 failed: extract completed, load failed
//   2 completed: extract restored, load completed
//   stopped
import { setTimeout } from "node:timers/promises";
import { action, type Context, DotFlow } from "dotflow";

const hourly = "0 * * * *";
const everySecond = "* * * * * *";

let extractions = 0;
let loads = 0;

const workflow = new DotFlow({ workflowId: "hourly" });
workflow.task
  .add(
    action(async function extract() {
      return ++extractions;
    }),
  )
  .add(
    action(async function load(previous: Context<number>) {
      await setTimeout(10);
      if (++loads === 2) throw new Error("The warehouse was closed.");
      return previous.storage;
    }),
  );

const schedule = workflow.schedule({
  cron: process.argv.includes("--hourly") ? hourly : everySecond,
  timezone: "Europe/Berlin",
  resume: true,
  onResult: ({ status, tasks }) => {
    console.log(`${extractions} ${status}: ${tasks.map(({ id, status: ended }) => `${id} ${ended}`).join(", ")}`);
    if (loads === 3) void schedule.stop();
  },
});
process.once("SIGTERM", () => void schedule.stop());

await schedule.finished;
console.log("stopped");
