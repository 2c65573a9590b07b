// The example at the end of a command's help.
import type { Command } from "commander";

export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}
