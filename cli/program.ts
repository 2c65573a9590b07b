// The program: its commands, each in a file of its own, and what they share.
import { Command } from "commander";
import { cancelCommand } from "./commands/cancel.ts";
import { clearCommand } from "./commands/clear.ts";
import { completionCommand } from "./commands/completion.ts";
import { explainCommand } from "./commands/explain.ts";
import { exportCommand } from "./commands/export.ts";
import { graphCommand } from "./commands/graph.ts";
import { importCommand } from "./commands/import.ts";
import { initCommand } from "./commands/init.ts";
import { listCommand } from "./commands/ls.ts";
import { outputCommand } from "./commands/output.ts";
import { pruneCommand } from "./commands/prune.ts";
import { resumeCommand } from "./commands/resume.ts";
import { runCommand } from "./commands/run.ts";
import { scheduleCommand } from "./commands/schedule.ts";
import { showCommand } from "./commands/show.ts";
import { signalCommand } from "./commands/signal.ts";
import { verifyCommand } from "./commands/verify.ts";
import { watchCommand } from "./commands/watch.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

const groups: readonly (readonly [string, readonly ((terminal: Terminal) => Command)[]])[] = [
  ["Start:", [initCommand, runCommand, resumeCommand, scheduleCommand]],
  ["Look:", [listCommand, showCommand, watchCommand, explainCommand, outputCommand, graphCommand]],
  ["Act:", [signalCommand, cancelCommand, exportCommand, importCommand, verifyCommand, pruneCommand, clearCommand]],
  ["More:", [completionCommand]],
];

export function makeProgram(terminal: Terminal): Command {
  const program = new Command("dotflow")
    .description("Durable workflows with no server and no database, just storage.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpCommand(
      new Command("help").argument("[command]").description("print the help of a command").helpGroup("More:"),
    )
    .addHelpText("after", helpEnd)
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${argumentsOf(command)}`.trimEnd() })
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: (.)/, (_, first: string) => `error ${first.toUpperCase()}`)),
    });
  for (const [heading, commands] of groups) {
    for (const make of commands) {
      const command = make(terminal).copyInheritedSettings(program).helpGroup(heading);
      command.option("--verbose", "print where an error comes from");
      program.addCommand(command);
    }
  }
  throwsInsteadOfExit(program);
  return program;
}

/** Without `[options]`, which all of them have. */
function argumentsOf(command: Command): string {
  return command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`)).join(" ");
}

const helpEnd = `
Example:
  $ dotflow run etl.ts
  $ dotflow resume etl.ts

Storage: that of the workflow; --storage wins over it; without both DOTFLOW_STORAGE, else file:.dotflow.
Exit codes: 0 completed, 1 failed, 2 wrong use, 3 suspended, 4 locked by another process, 130 cancelled.`;

/** So that what is written arrives before the process ends. */
function throwsInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) throwsInsteadOfExit(each);
}
