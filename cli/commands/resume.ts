// `dotflow resume`: goes on with the last run of the workflow that a file exports.
import { Command } from "commander";
import type { DriveFlags } from "../drive.ts";
import { example } from "../example.ts";
import { fileOptions } from "../file-options.ts";
import { orNewOption, startOptions } from "../start-options.ts";
import type { Terminal } from "../terminal.ts";

export function resumeCommand(terminal: Terminal): Command {
  const command = new Command("resume")
    .description("go on with the last run, or begin one where there is none")
    .argument("<file>", "TypeScript or JavaScript that exports a DotFlow, or a function that returns one")
    .option("--from <taskId>", "run this task and all that follows from it again, keep the rest")
    .addOption(orNewOption())
    .option("--wait", "wait in place for signals and times instead of ending suspended")
    .option("--json", "print one line of JSON per event, and nothing else on stdout")
    .action(async (file: string, flags: DriveFlags) =>
      (await import("../drive.ts")).drive(terminal, file, { ...flags, resume: true }),
    );
  fileOptions(startOptions(command));
  return example(
    command,
    "dotflow resume etl.ts",
    "dotflow resume etl.ts --from transform",
    "dotflow resume etl.ts --or-new",
  );
}
