// `dotflow clear`: removes all runs of a workflow.
import { Command } from "commander";
import { confirm, type ConfirmFlags, confirmOption } from "../confirm.ts";
import { example } from "../example.ts";
import { exitCodes } from "../exit.ts";
import { count } from "../format.ts";
import { describeStorage, openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags, ConfirmFlags {}

export function clearCommand(terminal: Terminal): Command {
  const command = new Command("clear")
    .description("remove all runs of a workflow")
    .argument("<workflowId>")
    .action((workflowId: string, flags: Flags) => clear(terminal, workflowId, flags));
  return example(storageOptions(confirmOption(command)), "dotflow clear my-etl --yes");
}

async function clear(terminal: Terminal, workflowId: string, flags: Flags): Promise<void> {
  const checkpoints = await openSaved(workflowId, flags);
  const runs = (await checkpoints.runs()).length;
  const question = `Remove ${count(runs, "run")} of workflow "${terminal.line(workflowId)}" from ${describeStorage(flags)}?`;
  if (!(await confirm(question, flags))) {
    terminal.print("Nothing was removed.");
    process.exitCode = exitCodes.failed;
    return;
  }
  terminal.print(`Removed ${count(await checkpoints.clear(), "run")}.`);
}
