// Asks before something is destroyed. Where nobody can be asked, `--yes` has to say it.
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { exitCodes, UsageError } from "./exit.ts";

export interface ConfirmFlags {
  readonly yes?: boolean;
}

export function confirmOption(command: Command): Command {
  return command.option("-y, --yes", "do not ask");
}

/** Whether to go on. Throws where nobody is there to answer. */
export async function confirm(question: string, { yes }: ConfirmFlags): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError(`Nobody is there to answer: ${question} Give --yes to do it.`);
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim());
}

/** One line from the terminal; empty where the input ends. Ctrl-C is no answer: it ends the process. */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.once("SIGINT", () => {
    process.stdout.write("\n");
    process.exit(exitCodes.cancelled);
  });
  try {
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}
