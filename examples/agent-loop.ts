// An agent that decides its next tool call as it goes, in one function. The process dies in the middle of a tool call; the
// next one asks neither the model nor a tool again for what they have answered.
//
// Prints:
//   process 1: the model is asked, 1 message so far
//   process 1: calling weather(Rome)
//   process 1: the model is asked, 3 messages so far
//   process 1: calling weather(Oslo)
//   process 1 was ended by SIGKILL
//   process 2: calling weather(Oslo)
//   process 2: the model is asked, 5 messages so far
//   process 2: calling book(Rome)
//   process 2: the model is asked, 7 messages so far
//   process 2: Rome is warmer than Oslo, and booked: ticket 1
//   process 2 ended with code 0
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { action, type Context, DotFlow, type StepContext } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

interface Message {
  readonly role: "user" | "model" | "tool";
  readonly text: string;
  /** What the model wants to be called. */
  readonly call?: { readonly tool: string; readonly input: string };
}

if (process.argv.length === 4) await work(process.argv[2]!, process.argv[3]!);
else await startTwice();

/** The loop of any agent. Only what costs something, or has an effect, goes through `step.once`: the rest may run again. */
async function work(name: string, folder: string): Promise<void> {
  const agent = action(async function agent(_previous: Context<null>, step: StepContext<string>) {
    const messages: Message[] = [{ role: "user", text: step.initial.storage }];
    for (let turn = 1; ; turn++) {
      const answer = await step.once(`model ${turn}`, () => askModel(name, messages));
      messages.push(answer);
      if (!answer.call) return answer.text;
      const { tool, input } = answer.call;
      // To book twice would be worse than to ask a person whether the first booking went through.
      const options = { atMostOnce: tool === "book" };
      const text = await step.once(`${tool} ${turn}`, () => callTool(name, tool, input), options);
      messages.push({ role: "tool", text });
    }
  });

  const workflow = new DotFlow({ workflowId: "agent-loop", storage: new StorageFile({ folder }) });
  workflow.task.add(agent, { initialContext: "Book a trip to the warmer city: Rome or Oslo?" });
  const result = await workflow.start({ resume: true });
  console.log(`${name}: ${await result.output<string>()}`);
}

/** Stands for a language model: it decides by what it has been told so far. */
async function askModel(name: string, messages: readonly Message[]): Promise<Message> {
  console.log(`${name}: the model is asked, ${messages.length} message${messages.length > 1 ? "s" : ""} so far`);
  const told = messages.filter(({ role }) => role === "tool").map(({ text }) => text);
  const call = [
    { tool: "weather", input: "Rome" },
    { tool: "weather", input: "Oslo" },
    { tool: "book", input: told[0] === "24 degrees" ? "Rome" : "Oslo" },
  ][told.length];
  return call
    ? { role: "model", text: "", call }
    : { role: "model", text: `Rome is warmer than Oslo, and booked: ${told[2]}` };
}

async function callTool(name: string, tool: string, input: string): Promise<string> {
  console.log(`${name}: calling ${tool}(${input})`);
  if (name === "process 1" && input === "Oslo") process.kill(process.pid, "SIGKILL");
  if (tool === "book") return "ticket 1";
  return input === "Rome" ? "24 degrees" : "9 degrees";
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
