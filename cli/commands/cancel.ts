// `dotflow cancel`: has the process that drives a workflow end its run, wherever it is.
import { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import { example } from "../example.ts";
import { exitCodes } from "../exit.ts";
import { openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

const pause = 500;

export function cancelCommand(terminal: Terminal): Command {
  const command = new Command("cancel")
    .description("cancel the run that another process drives: it saves what is done")
    .argument("<workflowId>")
    .option("--no-wait", "do not wait until it has ended")
    .action((workflowId: string, flags: Flags) => cancel(terminal, workflowId, flags));
  return example(storageOptions(command), "dotflow cancel my-etl");
}

async function cancel(terminal: Terminal, workflowId: string, flags: Flags): Promise<void> {
  const checkpoints = await openSaved(workflowId, flags);
  const { owner } = await checkpoints.info();
  if (!(await checkpoints.cancel()) || !owner) {
    terminal.complain(`Nobody drives workflow "${terminal.line(workflowId)}", so there is nothing to cancel.`);
    process.exitCode = exitCodes.failed;
    return;
  }
  terminal.print(
    `Asked process ${owner.pid} on ${terminal.line(owner.host)} to end run ${owner.runId ?? ""}. It hears of it at its next renewal.`,
  );
  if (!flags.wait) return;
  for (;;) {
    const now = await checkpoints.info();
    if (now.owner?.generation !== owner.generation) {
      terminal.print(`It has ended: ${now.status ?? "its run was removed"}.`);
      return;
    }
    await sleep(pause);
  }
}
