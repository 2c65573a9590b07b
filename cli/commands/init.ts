// `dotflow init`: writes a small project that runs and passes its own test.
import { Command, Option } from "commander";
import type { InitFlags } from "../new-project.ts";
import { example } from "../example.ts";
import type { Terminal } from "../terminal.ts";

export function initCommand(terminal: Terminal): Command {
  const command = new Command("init")
    .description("write a small project that runs; existing files are never overwritten")
    .argument("[folder]", "where to write it (default: asked, else this folder)")
    .option("--id <workflowId>", "the id of the workflow (default: the name of the folder)")
    .addOption(new Option("--language <language>", "the language of the files").choices(["ts", "js"]))
    .addOption(
      new Option("--style <style>", "how steps are written: functions, or methods with @action").choices([
        "functions",
        "decorators",
      ]),
    )
    .option("-y, --yes", "take the defaults instead of asking")
    .action(async (folder: string | undefined, flags: InitFlags) =>
      (await import("../new-project.ts")).newProject(terminal, folder, flags),
    );
  return example(command, "dotflow init my-etl", "dotflow init my-etl --language js --yes");
}
