// `dotflow verify`: reads everything that is saved, and lists what is damaged or missing.
import { Command } from "commander";
import { example } from "../example.ts";
import { exitCodes } from "../exit.ts";
import { count } from "../format.ts";
import { openCheckpoints, openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  readonly json?: boolean;
}

export function verifyCommand(terminal: Terminal): Command {
  const command = new Command("verify")
    .description("read everything that is saved, and list what is damaged or missing")
    .argument("[workflowId]", "all workflows of the storage where none is given")
    .option("--json", "print one line of JSON per problem")
    .action((workflowId: string | undefined, flags: Flags) => verify(terminal, workflowId, flags));
  return example(storageOptions(command), "dotflow verify my-etl");
}

async function verify(terminal: Terminal, asked: string | undefined, flags: Flags): Promise<void> {
  if (asked !== undefined) await openSaved(asked, flags);
  const any = await openCheckpoints("dotflow", flags);
  const ids = asked === undefined ? (await any.workflows()).map(({ workflowId }) => workflowId) : [asked];
  let found = 0;
  for (const workflowId of ids) {
    const problems = await (await openCheckpoints(workflowId, flags)).verify();
    found += problems.length;
    for (const { key, code, message } of problems) {
      if (flags.json) terminal.json({ workflowId, key, code, message });
      else terminal.print(`${terminal.style("red", code)}  ${terminal.line(message)}`);
    }
  }
  if (!flags.json) {
    const where = count(ids.length, "workflow");
    terminal.print(found === 0 ? `All is well in ${where}.` : `${count(found, "problem")} in ${where}.`);
  }
  if (found > 0) process.exitCode = exitCodes.failed;
}
