// What happens to steps that fail: one that recovers, one that is too slow at first, one where another attempt is of no use.
//
// Prints:
//   fetchPrices: completed after 3 attempts (503 Service Unavailable, 503 Service Unavailable)
//   askSlowly: completed after 2 attempts (…)
//   parseOrder: failed after 1 attempt (order 7 has no customer)
//   ship: skipped after 0 attempts
//   the run failed: …
import { setTimeout as sleep } from "node:timers/promises";
import { action, DotFlow, NonRetryableError, type StepContext } from "dotflow";

// Waits 10 ms before the second attempt, 20 ms before the third.
const fetchPrices = action(
  { retry: 4, retryDelay: "10ms", backoff: true, retryIf: (error) => /\b5\d\d\b/.test(String(error)) },
  async function fetchPrices(_: unknown, step: StepContext) {
    if (step.attempt < 3) throw new Error("503 Service Unavailable");
    return { apple: 3 };
  },
);

// The timeout is for each attempt. A function can't be stopped from outside: hand the signal to all that takes one.
const askSlowly = action(
  { retry: 2, retryDelay: 0, timeout: "300ms" },
  async function askSlowly(_: unknown, step: StepContext) {
    const slow = step.attempt === 1;
    return sleep(slow ? 60_000 : 1, "an answer", { signal: step.signal });
  },
);

const parseOrder = action({ retry: 5 }, function parseOrder() {
  throw new NonRetryableError("order 7 has no customer");
});

const ship = action(function ship() {
  console.log("never called: it stands behind a task that failed");
});

const workflow = new DotFlow({ workflowId: "retries-and-timeouts" });
workflow.task.add(fetchPrices).add(askSlowly).add(parseOrder).add(ship);
const result = await workflow.start();

for (const { id, status, attempts, errors } of result.tasks) {
  const messages = errors.length > 0 ? ` (${errors.map(({ message }) => message).join(", ")})` : "";
  console.log(`${id}: ${status} after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}${messages}`);
}
// `start` does not reject for a step that fails; asking for the output of such a run does.
await result.output().catch((error: Error) => console.log(`the run ${result.status}: ${error.message}`));
