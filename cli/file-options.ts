// The options that all commands share that load a file.
import type { Command } from "commander";
import { storageOption } from "./storage.ts";

export interface FileFlags {
  readonly storage?: string;
  readonly workflow?: string;
  readonly id?: string;
}

export function fileOptions(command: Command): Command {
  return storageOption(command)
    .option("--workflow <name>", "the export to take, where the file has several")
    .option("--id <workflowId>", "use this id instead of the workflow's own");
}
