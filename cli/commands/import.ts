// `dotflow import`: puts a run that `export` wrote into a storage.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { example } from "../example.ts";
import { UsageError } from "../exit.ts";
import { describeStorage, openCheckpoints, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

export function importCommand(terminal: Terminal): Command {
  const command = new Command("import")
    .description("put a run that export wrote into a storage")
    .argument("<file>", "the file that export wrote")
    .action((file: string, flags: StorageFlags) => importRun(terminal, file, flags));
  return example(storageOptions(command), "dotflow import my-etl.run --storage s3://bucket/etl");
}

async function importRun(terminal: Terminal, file: string, flags: StorageFlags): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UsageError(`The file ${file} can't be read.`, { cause });
  }
  const { unpackRun } = await import("../../src/export-file.ts");
  const { workflowId } = unpackRun(bytes);
  const runId = await (await openCheckpoints(workflowId, flags)).import(bytes);
  terminal.print(
    `Run ${runId} of workflow "${terminal.line(workflowId)}" is in ${describeStorage(flags)}. A resume goes on with it.`,
  );
}
