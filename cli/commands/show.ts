// `dotflow show`: one run with its tasks, their times and errors, what it waits for, and who drives it.
import { Command } from "commander";
import type { RunInfo, StepInfo } from "../../src/index.ts";
import { example } from "../example.ts";
import { UsageError } from "../exit.ts";
import { bytes, count, duration, mark, time } from "../format.ts";
import { userStack } from "../stack.ts";
import { openSaved, type StorageFlags, storageOptions } from "../storage.ts";
import { suggest } from "../suggest.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends StorageFlags {
  readonly json?: boolean;
}

export function showCommand(terminal: Terminal): Command {
  const command = new Command("show")
    .description("show a run: its tasks, times, errors with stack, what it waits for, and who drives it")
    .argument("<workflowId>")
    .argument("[runId]", "the last run where none is given")
    .option("--json", "print the run as one line of JSON, then one line per task")
    .action((workflowId: string, runId: string | undefined, flags: Flags) => show(terminal, workflowId, runId, flags));
  return example(storageOptions(command), "dotflow show my-etl");
}

async function show(terminal: Terminal, workflowId: string, runId: string | undefined, flags: Flags): Promise<void> {
  const checkpoints = await openSaved(workflowId, flags);
  const info = await checkpoints.info();
  const runs = await checkpoints.runs();
  const chosen = runId ?? info.runId;
  const run = runs.find((each) => each.runId === chosen);
  if (!run) {
    const ids = runs.map((each) => each.runId);
    throw new UsageError(
      `Workflow "${workflowId}" has no run "${chosen ?? ""}".${suggest(chosen ?? "", ids)} \`dotflow ls ${workflowId}\` lists its runs.`,
    );
  }
  const steps = inOrder(await checkpoints.steps({ runId: run.runId }));
  const owner = info.runId === run.runId ? info.owner : undefined;
  if (flags.json) {
    terminal.json({ type: "run", workflowId, ...run, owner });
    for (const step of steps) terminal.json({ type: "task", ...step });
    return;
  }
  printRun(terminal, workflowId, run);
  if (owner)
    terminal.print(
      `  driven by process ${owner.pid} on ${terminal.line(owner.host)}, last heard of ${time(owner.renewedAt)}`,
    );
  terminal.print();
  const width = Math.max(...steps.map(({ id }) => terminal.line(id).length));
  for (const step of steps) printStep(terminal, step, width, run.status);
}

function printRun(terminal: Terminal, workflowId: string, run: RunInfo): void {
  const { runId, status, mode, createdAt, finishedAt, previousRunId, saved, total } = run;
  const { sign, style } = mark(status);
  terminal.print(
    `${terminal.style(style, `${sign} ${status}`)}  ${terminal.style("bold", terminal.line(workflowId))}  run ${runId}`,
  );
  const ended = finishedAt ? `, ended ${time(finishedAt)}` : "";
  terminal.print(`  ${saved} of ${count(total, "task")} saved, ${mode}, began ${time(createdAt)}${ended}`);
  if (previousRunId !== undefined) terminal.print(`  takes records over from run ${previousRunId}`);
}

function printStep(terminal: Terminal, step: StepInfo, width: number, run: RunInfo["status"]): void {
  const { id, attempts, iterations, durationMs, finishedAt, items, size, error, reason } = step;
  // A run that crashed can't tell what was in flight.
  const status = step.status === "pending" && run === "interrupted" ? "not saved" : step.status;
  const { sign, style } = mark(status);
  const facts = [
    status,
    durationMs === undefined ? "" : duration(durationMs),
    finishedAt ? time(finishedAt) : "",
    attempts !== undefined && attempts > 1 ? `attempt ${attempts}` : "",
    iterations !== undefined && iterations > 1 ? count(iterations, "iteration") : "",
    items === undefined ? "" : count(items, "item"),
    size === undefined ? "" : bytes(size),
    error || reason === undefined || status === "pending" ? "" : terminal.line(reason),
  ].filter((fact) => fact !== "");
  terminal.print(`${terminal.style(style, sign)} ${terminal.line(id).padEnd(width)}  ${facts.join("  ")}`);
  if (!error) return;
  const text = error.stack === undefined ? `${error.name}: ${error.message}` : userStack(error.stack);
  for (const line of terminal.safe(text).split("\n")) terminal.print(terminal.style("red", `    ${line}`));
}

/** Those that are saved first, in the order in which they ended. */
function inOrder(steps: readonly StepInfo[]): StepInfo[] {
  const ended = steps.filter((step) => step.finishedAt !== undefined);
  return [...ended.reverse(), ...steps.filter((step) => step.finishedAt === undefined)];
}
