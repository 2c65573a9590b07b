// `dotflow schedule`: runs a workflow again and again, as a cron expression says, until it is stopped.
import { Command, Option } from "commander";
import type { ScheduleFlags } from "../keep-schedule.ts";
import { example } from "../example.ts";
import { fileOptions } from "../file-options.ts";
import { startOptions, wholeNumber } from "../start-options.ts";
import type { Terminal } from "../terminal.ts";

export function scheduleCommand(terminal: Terminal): Command {
  const overlap = new Option("--overlap <policy>", "what to do when the run before still goes on")
    .choices(["skip", "queue", "parallel"])
    .default("skip");
  const command = new Command("schedule")
    .description("run the workflow of a file at the times of a cron expression, until stopped")
    .argument("<file>", "TypeScript or JavaScript that exports a DotFlow, or a function that returns one")
    .requiredOption("--cron <expression>", "five fields, or six with seconds first")
    .option("--timezone <name>", "such as Europe/Berlin (default: that of this machine)")
    .addOption(overlap)
    .option("--limit <n>", "runs at a time with --overlap parallel", wholeNumber)
    .option("--resume", "each tick goes on with the last run, instead of beginning one")
    .option("--json", "print one line of JSON per event, and nothing else on stdout")
    .action(async (file: string, flags: ScheduleFlags) =>
      (await import("../keep-schedule.ts")).keepSchedule(terminal, file, flags),
    );
  fileOptions(startOptions(command));
  return example(command, `dotflow schedule etl.ts --cron "0 * * * *" --timezone Europe/Berlin --resume`);
}
