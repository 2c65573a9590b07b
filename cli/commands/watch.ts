// `dotflow watch`: follows a run that another process drives.
import { Command } from "commander";
import { example } from "../example.ts";
import type { WatchFlags } from "../follow.ts";
import { storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

export function watchCommand(terminal: Terminal): Command {
  const command = new Command("watch")
    .description("follow a run that another process drives, until it ends")
    .argument("[workflowId]", "the one that ran last where none is given")
    .option("--json", "print one line of JSON per change")
    .action(async (workflowId: string | undefined, flags: WatchFlags) =>
      (await import("../follow.ts")).follow(terminal, workflowId, flags),
    );
  return example(storageOptions(command), "dotflow watch my-etl");
}
