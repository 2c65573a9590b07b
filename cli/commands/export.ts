// `dotflow export`: writes a run into one file, for another machine.
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { example } from "../example.ts";
import { UsageError } from "../exit.ts";
import { bytes } from "../format.ts";
import { openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  readonly run?: string;
  readonly output: string;
  readonly force?: boolean;
}

export function exportCommand(terminal: Terminal): Command {
  const command = new Command("export")
    .description("write a run, with the runs that it takes records from, into one file")
    .argument("<workflowId>")
    .requiredOption("-o, --output <file>", "the file to write")
    .option("--run <runId>", "this run instead of the last one")
    .option("--force", "replace a file that is there")
    .action((workflowId: string, flags: Flags) => exportRun(terminal, workflowId, flags));
  return example(storageOptions(command), "dotflow export my-etl --output my-etl.run");
}

async function exportRun(terminal: Terminal, workflowId: string, flags: Flags): Promise<void> {
  const checkpoints = await openSaved(workflowId, flags);
  const file = await checkpoints.export(flags.run === undefined ? {} : { runId: flags.run });
  try {
    writeFileSync(flags.output, file, { flag: flags.force ? "w" : "wx", mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    throw new UsageError(`The file ${flags.output} is there already. Give another name, or --force to replace it.`, {
      cause,
    });
  }
  terminal.print(`Wrote ${flags.output}, ${bytes(file.length)}.`);
}
