// `dotflow completion`: a script that lets a shell complete commands and options.
import { Argument, Command } from "commander";
import { completionScript, type Shell, shells } from "../completion-script.ts";
import { example } from "../example.ts";
import type { Terminal } from "../terminal.ts";

export function completionCommand(terminal: Terminal): Command {
  const command = new Command("completion")
    .description("print the completion script of a shell")
    .addArgument(new Argument("<shell>").choices([...shells]))
    .action((shell: Shell) => {
      if (command.parent) terminal.print(completionScript(shell, command.parent));
    });
  return example(
    command,
    `eval "$(dotflow completion bash)"`,
    "dotflow completion zsh > ~/.zsh/completions/_dotflow",
    "dotflow completion fish > ~/.config/fish/completions/dotflow.fish",
  );
}
