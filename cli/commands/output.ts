// `dotflow output`: what a task handed on.
import { Command } from "commander";
import { example } from "../example.ts";
import { UsageError } from "../exit.ts";
import { pretty } from "../format.ts";
import { listed, openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import { suggest } from "../suggest.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  readonly run?: string;
  readonly json?: boolean;
}

export function outputCommand(terminal: Terminal): Command {
  const command = new Command("output")
    .description("print what a task handed on")
    .argument("<workflowId>")
    .argument("<taskId>")
    .option("--run <runId>", "of this run instead of the last one")
    .option("--json", "print it as one line of JSON")
    .action((workflowId: string, taskId: string, flags: Flags) => output(terminal, workflowId, taskId, flags));
  return example(storageOptions(command), "dotflow output my-etl load", "dotflow output my-etl load --json | jq .rows");
}

async function output(terminal: Terminal, workflowId: string, taskId: string, flags: Flags): Promise<void> {
  const checkpoints = await openSaved(workflowId, flags);
  const options = flags.run === undefined ? {} : { runId: flags.run };
  const steps = await checkpoints.steps(options);
  const saved = steps.filter((step) => step.runId !== undefined).map(({ id }) => id);
  if (!saved.includes(taskId)) {
    const known = steps.some(({ id }) => id === taskId);
    const what = known
      ? `Task "${taskId}" of workflow "${workflowId}" has no saved value.`
      : `Workflow "${workflowId}" has no task "${taskId}".${suggest(taskId, saved)}`;
    throw new UsageError(saved.length === 0 ? what : `${what} Saved are ${listed(saved)}.`);
  }
  const { storage: value } = await checkpoints.read(taskId, options);
  if (flags.json) terminal.json(value ?? null);
  else terminal.print(terminal.isLive ? terminal.safe(pretty(value, terminal)) : pretty(value, terminal));
}
