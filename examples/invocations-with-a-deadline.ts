// A run that takes longer than a process may last: each invocation has two seconds, and ends in good order before they are over.
//
// Prints:
//   invocation 1: suspended, did 1, 2
//   invocation 2: suspended, did 3, 4
//   invocation 3: completed, did 5
//   15 after 5 iterations
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { action, type Context, DotFlow, type StepContext } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

const chunks = 5;

if (process.argv.length === 4) await invoke(process.argv[2]!, process.argv[3]!);
else await invokeUntilDone();

/** What runs in a Lambda or a CI job. It exits with code 1 when it wants to be invoked again. */
async function invoke(number: string, folder: string): Promise<void> {
  const seen: number[] = [];
  const sum = action(async function sum(previous: Context<number | null>, step: StepContext) {
    seen.push(step.iteration);
    await sleep(600);
    const total = (previous.storage ?? 0) + step.iteration;
    return step.iteration < chunks ? step.again(total) : total;
  });

  const workflow = new DotFlow({ workflowId: "invocations", storage: new StorageFile({ folder }) });
  workflow.task.add(sum);
  // The chunk that runs when the deadline comes ends before the two seconds are over.
  const result = await workflow.start({ resume: true, deadline: "900ms" });
  console.log(`invocation ${number}: ${result.status}, did ${seen.join(", ")}`);
  if (result.status === "suspended") process.exitCode = 1;
  else console.log(await result.output(), "after", result.tasks[0]?.iterations, "iterations");
}

/** What calls it again and again: a schedule, or the invocation itself by a message. */
async function invokeUntilDone(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dotflow-"));
  for (let number = 1; number <= 9; number++) {
    const child = fork(fileURLToPath(import.meta.url), [String(number), folder]);
    await once(child, "exit");
    if (child.exitCode !== 1) break;
  }
  await rm(folder, { recursive: true });
}
