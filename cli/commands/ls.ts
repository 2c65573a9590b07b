// `dotflow ls`: the workflows of a storage, or the runs of one of them.
import { Command } from "commander";
import type { Checkpoints } from "../../src/index.ts";
import { example } from "../example.ts";
import { mark, table, time } from "../format.ts";
import { describeStorage, openCheckpoints, openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  readonly json?: boolean;
}

export function listCommand(terminal: Terminal): Command {
  const command = new Command("ls")
    .description("list the workflows of a storage, or the runs of one workflow")
    .argument("[workflowId]", "the workflow whose runs are listed")
    .option("--json", "print one line of JSON per workflow or run")
    .action((workflowId: string | undefined, flags: Flags) =>
      workflowId === undefined ? listWorkflows(terminal, flags) : listRuns(terminal, workflowId, flags),
    );
  return example(storageOptions(command), "dotflow ls", "dotflow ls my-etl --storage sqlite:etl.db");
}

async function listWorkflows(terminal: Terminal, flags: Flags): Promise<void> {
  // Any id will do: the listing is of all.
  const any = await openCheckpoints("dotflow", flags);
  const workflows = await any.workflows();
  const rows = [["", "WORKFLOW", "LAST RUN", "SAVED", "LAST TIME", "RUNS", "DRIVEN BY"]];
  for (const { workflowId, runs } of workflows) {
    const checkpoints: Checkpoints = await openCheckpoints(workflowId, flags);
    const { status = "", total, lastRunTime, owner, runId } = await checkpoints.info();
    if (flags.json) terminal.json({ workflowId, runs, lastRunId: runId, status, saved: total, lastRunTime, owner });
    const driver = owner ? `process ${owner.pid} on ${terminal.line(owner.host)}` : "";
    rows.push([
      mark(status).sign,
      terminal.line(workflowId),
      status,
      String(total),
      time(lastRunTime),
      String(runs),
      driver,
    ]);
  }
  if (flags.json) return;
  if (workflows.length === 0) terminal.print(`There are no workflows in ${describeStorage(flags)}.`);
  else printTable(terminal, rows);
}

async function listRuns(terminal: Terminal, workflowId: string, flags: Flags): Promise<void> {
  const runs = await (await openSaved(workflowId, flags)).runs();
  if (flags.json) return runs.forEach((run) => terminal.json(run));
  const rows = [["", "RUN", "STATUS", "SAVED", "BEGAN", "ENDED", "TAKES OVER FROM"]];
  for (const { runId, status, saved, total, createdAt, finishedAt, previousRunId } of runs)
    rows.push([
      mark(status).sign,
      runId,
      status,
      `${saved}/${total}`,
      time(createdAt),
      time(finishedAt),
      previousRunId ?? "",
    ]);
  printTable(terminal, rows);
}

function printTable(terminal: Terminal, rows: readonly (readonly string[])[]): void {
  for (const [at, line] of table(rows).entries())
    terminal.print(
      at === 0 ? terminal.style("dim", line) : line.replace(/^\S/u, (sign) => coloured(terminal, sign, rows[at]?.[2])),
    );
}

function coloured(terminal: Terminal, sign: string, status = ""): string {
  return terminal.style(mark(status).style, sign);
}
