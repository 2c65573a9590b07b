// `dotflow signal`: gives a waiting run what it waits for.
import { Command } from "commander";
import { example } from "../example.ts";
import { readJson } from "../json-input.ts";
import { openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

export function signalCommand(terminal: Terminal): Command {
  const command = new Command("signal")
    .description("send a signal to the last run")
    .argument("<workflowId>")
    .argument("<name>", "the name that the step waits for")
    .argument("[json]", "the payload: JSON, or @file")
    .action((workflowId: string, name: string, json: string | undefined, flags: StorageFlags) =>
      signal(terminal, workflowId, name, json, flags),
    );
  return example(storageOptions(command), `dotflow signal contract approval '{"approved":true}'`);
}

async function signal(
  terminal: Terminal,
  workflowId: string,
  name: string,
  json: string | undefined,
  flags: StorageFlags,
): Promise<void> {
  const payload = json === undefined ? undefined : readJson(json, "The payload");
  const checkpoints = await openSaved(workflowId, flags);
  await checkpoints.signal(name, payload);
  const { owner } = await checkpoints.info();
  const then = owner ? `process ${owner.pid} drives it and will find it` : "a resume goes on with it";
  terminal.print(`The signal "${terminal.line(name)}" of workflow "${terminal.line(workflowId)}" is saved: ${then}.`);
}
