// A run that waits for a person: it ends suspended, so that the process may exit; a signal and a resume go on with it.
//
// Prints:
//   drafting
//   asking for an approval
//   suspended, waits for: approval
//   still suspended, and nobody was asked twice
//   approval sent
//   Ada says yes: published "durable without servers"
//   completed: draft restored, review completed, publish completed
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { action, type Context, DotFlow, type RunResult, type StepContext } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

interface Approval {
  readonly by: string;
  readonly approved: boolean;
}

const draft = action(async function draft() {
  console.log("drafting");
  return "durable without servers";
});

const review = action(async function review(previous: Context<string>, step: StepContext) {
  // The step is called again when the signal has come: what must not be done twice goes into `once`.
  await step.once("mail", () => console.log("asking for an approval"));
  const { by, approved } = await step.waitFor<Approval>("approval", { timeout: "7d" });
  if (!approved) throw new Error(`${by} says no`);
  return { text: previous.storage, by };
});

const publish = action(async function publish(previous: Context<{ text: string; by: string }>) {
  console.log(`${previous.storage.by} says yes: published "${previous.storage.text}"`);
});

const folder = await mkdtemp(join(tmpdir(), "dotflow-"));

/** Each of these could be a process of its own, on another day. */
function workflow(): DotFlow {
  const made = new DotFlow({ workflowId: "approval", storage: new StorageFile({ folder }) });
  made.task.add(draft).add(review).add(publish);
  return made;
}

const describe = ({ status, tasks }: RunResult): string =>
  `${status}: ${tasks.map((task) => `${task.id} ${task.status}`).join(", ")}`;

const first = await workflow().start({ resume: true });
console.log(`${first.status}, waits for: ${first.waiting.join(", ")}`);

const second = await workflow().start({ resume: true });
console.log(`still ${second.status}, and nobody was asked twice`);

const approval: Approval = { by: "Ada", approved: true };
await workflow().checkpoints.signal("approval", approval);
console.log("approval sent");

console.log(describe(await workflow().start({ resume: true })));

await rm(folder, { recursive: true });
