// `dotflow explain`: per task whether a resume would restore or run it, and why, without running anything.
import { Command } from "commander";
import type { Explanation, ExplainedTask } from "../../src/index.ts";
import { example } from "../example.ts";
import { fileOptions, type FileFlags } from "../file-options.ts";
import { mark } from "../format.ts";
import { readJson } from "../json-input.ts";
import { shellLine } from "../shell.ts";
import { changeOption, modeOption, requireTask, type StartFlags } from "../start-options.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends FileFlags, StartFlags {
  readonly json?: boolean;
}

export function explainCommand(terminal: Terminal): Command {
  const command = new Command("explain")
    .description("say what a resume would restore and what it would run, and why, without running anything")
    .argument("<file>", "TypeScript or JavaScript that exports a DotFlow, or a function that returns one")
    .option("--from <taskId>", "as if this task and all that follows from it were to run again")
    .addOption(modeOption())
    .addOption(changeOption())
    .option("--input <json>", "as if the run were given this initial context: JSON, or @file")
    .option("--json", "print one line of JSON per task")
    .action((file: string, flags: Flags) => explain(terminal, file, flags));
  return example(fileOptions(command), "dotflow explain etl.ts");
}

async function explain(terminal: Terminal, file: string, flags: Flags): Promise<void> {
  const { loadWorkflow } = await import("../workflow-file.ts");
  if (flags.json) terminal.keepOut();
  const { workflow, again } = await loadWorkflow(file, flags);
  const { from, mode, onChange, input } = flags;
  requireTask(from, workflow, flags);
  const explanation = await workflow.explain({
    from,
    mode,
    onChange,
    ...(input !== undefined && { initialContext: readJson(input, "--input") }),
  });
  if (flags.json) for (const task of explanation.tasks) terminal.json(task);
  else print(terminal, explanation, again);
}

function print(terminal: Terminal, explanation: Explanation, again: readonly string[]): void {
  const { workflowId, runId, run, changes, refused, owner, tasks, mode } = explanation;
  const what =
    runId === undefined ? "a new run" : run === "same" ? `run ${runId}` : `a new run that takes over from ${runId}`;
  terminal.print(`${terminal.style("bold", terminal.line(workflowId))}: a resume would drive ${what}, ${mode}`);
  if (owner)
    terminal.print(
      terminal.style(
        "yellow",
        `Now it would be refused: process ${owner.pid} on ${terminal.line(owner.host)} drives the workflow.`,
      ),
    );
  if (refused) {
    terminal.print(terminal.style("yellow", "It would be refused, as saved tasks no longer match:"));
    for (const { taskId, what: differs } of changes)
      terminal.print(`  ${terminal.line(taskId)}: ${terminal.line(differs)}`);
    terminal.print("With --on-change rerun:");
  }
  terminal.print();
  const width = Math.max(...tasks.map(({ id }) => terminal.line(id).length));
  for (const task of tasks) terminal.print(line(terminal, task, width));
  const toRun = tasks.filter(({ will }) => will === "run").length;
  const restored = tasks.filter(({ will }) => will === "restore").length;
  terminal.print(`\n${restored} would be restored, ${toRun} would run.`);
  const next = shellLine(["dotflow", "resume", ...again, ...(refused ? ["--on-change", "rerun"] : [])]);
  terminal.print(`Go on with: ${terminal.style("bold", next)}`);
}

function line(terminal: Terminal, task: ExplainedTask, width: number): string {
  const { id, will, reason, lastStatus, lastError } = task;
  const { sign, style } = mark(will);
  const last = lastError
    ? `; last time it failed with ${lastError.name}: ${lastError.message}`
    : lastStatus === undefined || lastStatus === "pending"
      ? ""
      : `; last time it was ${lastStatus}`;
  const verb = will === "restore" ? "restored" : will === "skip" ? "skipped " : "runs    ";
  return `${terminal.style(style, `${sign} ${verb}`)}  ${terminal.line(id).padEnd(width)}  ${terminal.line(reason + last)}`;
}
