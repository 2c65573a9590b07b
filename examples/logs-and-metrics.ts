// Observers: a log for people, and metrics as Prometheus scrapes them. The first run fails, the second resumes it.
//
// Prints:
//   … INFO  nightly run started: 2 tasks, sequential
//   … INFO  nightly extract completed in … ms
//   … WARN  nightly load failed at attempt 1, goes on in 10 ms: Error: 503 from the service
//   … ERROR nightly load failed after … ms, 2 attempts: Error: 503 from the service
//   … ERROR nightly run failed after … ms: 1 done, 0 restored, 1 failed, 0 skipped
//   … WARN  nightly This storage is not durable: …
//   … INFO  nightly run resumed: 1 of 2 tasks restored
//   … INFO  nightly load completed in … ms
//   … INFO  nightly run completed after … ms: 1 done, 1 restored, 0 failed, 0 skipped
//   dotflow_runs_total{workflow="nightly",status="failed"} 1
//   dotflow_runs_total{workflow="nightly",status="completed"} 1
//   dotflow_step_retries_total{workflow="nightly",step="load"} 1
import { action, type Context, DotFlow } from "dotflow";
import { log } from "dotflow/observers/log";
import { prometheus } from "dotflow/observers/prometheus";

let available = false;

const extract = action(async function extract() {
  return [1, 2, 3];
});

const load = action({ retry: 2, retryDelay: "10ms" }, async function load(previous: Context<number[]>) {
  if (!available) throw new Error("503 from the service");
  return previous.storage.length;
});

const metrics = prometheus();
const observers = [log({ format: "pretty", stream: process.stdout }), metrics];
const workflow = new DotFlow({ workflowId: "nightly", observers });
workflow.task.add(extract).add(load);

await workflow.start();
available = true;
await workflow.start({ resume: true });

const lines = (await metrics.metrics()).split("\n");
for (const line of lines) if (/^dotflow_(runs|step_retries)_total/.test(line)) console.log(line);
