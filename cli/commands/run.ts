// `dotflow run`: a new run of the workflow that a file exports, or with `--resume` the last one.
import { Command } from "commander";
import type { DriveFlags } from "../drive.ts";
import { example } from "../example.ts";
import { fileOptions } from "../file-options.ts";
import { orNewOption, startOptions } from "../start-options.ts";
import type { Terminal } from "../terminal.ts";

export function runCommand(terminal: Terminal): Command {
  const command = new Command("run")
    .description("run the workflow of a file")
    .argument("<file>", "TypeScript or JavaScript that exports a DotFlow, or a function that returns one")
    .option("--resume", "go on with the last run, or begin one where there is none")
    .option("--from <taskId>", "resume, and run this task and all that follows from it again")
    .addOption(orNewOption())
    .option("--wait", "wait in place for signals and times instead of ending suspended")
    .option("--json", "print one line of JSON per event, and nothing else on stdout")
    .action(async (file: string, flags: DriveFlags) => (await import("../drive.ts")).drive(terminal, file, flags));
  fileOptions(startOptions(command));
  return example(
    command,
    "dotflow run etl.ts",
    "dotflow run etl.ts --resume --storage s3://bucket/etl --input @input.json",
  );
}
