// `dotflow prune`: removes old runs of a workflow.
import { Command, InvalidArgumentError } from "commander";
import { confirm, type ConfirmFlags, confirmOption } from "../confirm.ts";
import { example } from "../example.ts";
import { exitCodes, UsageError } from "../exit.ts";
import { count } from "../format.ts";
import { describeStorage, openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags, ConfirmFlags {
  readonly keep?: number;
  readonly olderThan?: string;
}

export function pruneCommand(terminal: Terminal): Command {
  const command = new Command("prune")
    .description("remove old runs of a workflow; one whose records a newer run uses stays")
    .argument("<workflowId>")
    .option("--keep <n>", "keep this many of the newest", number)
    .option("--older-than <duration>", "remove only those that began longer ago than this, such as 30d")
    .action((workflowId: string, flags: Flags) => prune(terminal, workflowId, flags));
  return example(storageOptions(confirmOption(command)), "dotflow prune my-etl --keep 10 --older-than 30d --yes");
}

function number(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of at least 0.");
}

async function prune(terminal: Terminal, workflowId: string, flags: Flags): Promise<void> {
  const { keep, olderThan } = flags;
  if (keep === undefined && olderThan === undefined) throw new UsageError("prune needs --keep, --older-than, or both.");
  const checkpoints = await openSaved(workflowId, flags);
  const which = [
    ...(keep === undefined ? [] : [`beyond the newest ${keep}`]),
    ...(olderThan === undefined ? [] : [`older than ${olderThan}`]),
  ].join(" and ");
  const question = `Remove the runs of workflow "${terminal.line(workflowId)}" ${which} from ${describeStorage(flags)}?`;
  if (!(await confirm(question, flags))) {
    terminal.print("Nothing was removed.");
    process.exitCode = exitCodes.failed;
    return;
  }
  const removed = await checkpoints.prune({ keep, olderThan });
  terminal.print(`Removed ${count(removed, "run")}.`);
}
