// OpenWorkflow on SQLite through node:sqlite, in WAL mode with synchronous = FULL, which is the default there.
import { join } from "node:path";
import { OpenWorkflow } from "openworkflow";
import { BackendSqlite } from "openworkflow/sqlite";
import { compare, steps } from "./measure.mjs";

await compare("OpenWorkflow 0.10, SQLite FULL", async (folder) => {
  const backend = BackendSqlite.connect(join(folder, "openworkflow.sqlite"));
  const client = new OpenWorkflow({ backend });
  let reached = Number.NaN;
  let fails = true;
  const spec = { name: "bench", retryPolicy: { initialInterval: "1ms", maximumInterval: "1ms", maximumAttempts: 2 } };
  const workflow = client.defineWorkflow(spec, async ({ step }) => {
    let value = 0;
    // One less: it allows 1,000 steps in all.
    for (let index = 1; index < steps; index++) value = await step.run({ name: `step-${index}` }, () => value + 1);
    reached = performance.now();
    if (fails) throw new Error("not yet");
    return value;
  });
  const worker = client.newWorker();
  const attempt = async () => {
    const before = reached;
    const start = performance.now();
    const deadline = start + 60_000;
    while (Object.is(reached, before) && performance.now() < deadline) {
      await worker.tick();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return reached - start;
  };
  await workflow.run({});
  const run = await attempt();
  fails = false;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const resume = await attempt();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await backend.stop();
  return { run, resume };
});
