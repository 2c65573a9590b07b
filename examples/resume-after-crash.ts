// A process that dies in the middle of a step, for real, and a second one that goes on from there.
//
// Prints:
//   process 1: downloading
//   process 1: counting
//   process 1 was ended by SIGKILL
//   process 2: counting
//   process 2: download restored, count completed: 3 words
//   process 2 ended with code 0
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { action, type Context, DotFlow } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

if (process.argv.length === 4) await work(process.argv[2]!, process.argv[3]!);
else await startTwice();

/** What a program of yours would do: start with `resume: true`, whatever happened before. */
async function work(name: string, folder: string): Promise<void> {
  const download = action(async function download() {
    console.log(`${name}: downloading`);
    return "durable without servers";
  });
  const count = action(async function count(previous: Context<string>) {
    console.log(`${name}: counting`);
    if (name === "process 1") process.kill(process.pid, "SIGKILL");
    return `${previous.storage.split(" ").length} words`;
  });

  const workflow = new DotFlow({ workflowId: "resume-after-crash", storage: new StorageFile({ folder }) });
  workflow.task.add(download).add(count);
  const result = await workflow.start({ resume: true });
  const tasks = result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ");
  console.log(`${name}: ${tasks}:`, await result.output());
}

async function startTwice(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dotflow-"));
  for (const name of ["process 1", "process 2"]) {
    const child = fork(fileURLToPath(import.meta.url), [name, folder]);
    await once(child, "exit");
    console.log(
      child.signalCode ? `${name} was ended by ${child.signalCode}` : `${name} ended with code ${child.exitCode}`,
    );
  }
  await rm(folder, { recursive: true });
}
