// What is said of a run when it has ended: what was executed, restored and failed and why, what it waits for, and how to go on.
import type { RunResult, TaskResult } from "../src/index.ts";
import { exitCodes } from "./exit.ts";
import { count, duration, mark } from "./format.ts";
import { itemsText } from "./progress.ts";
import { shellLine } from "./shell.ts";
import type { Terminal } from "./terminal.ts";

export interface SummaryOptions {
  readonly result: RunResult;
  readonly elapsed: number;
  readonly verbose: boolean;
  /** The words that lead to the same workflow again. */
  readonly again: readonly string[];
  readonly storageAgain: readonly string[];
}

export function exitCodeOf(status: RunResult["status"]): number {
  return exitCodes[status];
}

export function printSummary(terminal: Terminal, options: SummaryOptions): void {
  const { result, elapsed, verbose } = options;
  const { status, workflowId, runId, tasks, succeeded, restored, failed, skipped } = result;
  const counts = [
    `${succeeded} executed`,
    `${restored} restored`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...["waiting", "cancelled", "pending"].flatMap((state) => {
      const number = tasks.filter((task) => task.status === state).length;
      return number > 0 ? [`${number} ${state}`] : [];
    }),
  ];
  const { sign, style } = mark(status);
  terminal.print();
  terminal.print(`${terminal.style(style, `${sign} ${status}`)} in ${duration(elapsed)}: ${counts.join(", ")}`);
  terminal.print(terminal.style("dim", `  run ${runId} of ${terminal.line(workflowId)}`));
  for (const task of tasks) if (isWorthALine(task)) printTask(terminal, task, verbose);
  const next = goOnWith(options);
  if (next !== undefined) terminal.print(`\nGo on with: ${terminal.style("bold", terminal.line(next))}`);
}

function isWorthALine({ status }: TaskResult): boolean {
  return status === "failed" || status === "waiting" || status === "cancelled";
}

function printTask(terminal: Terminal, task: TaskResult, verbose: boolean): void {
  const { id, status, attempts, errors, reason, items } = task;
  const { sign, style } = mark(status);
  const error = errors.at(-1);
  const why =
    status === "failed" && error
      ? `failed after ${count(attempts, "attempt")}: ${error.name}: ${error.message}`
      : reason;
  const more = items && status === "failed" ? ` (${itemsText(items)})` : "";
  terminal.print(`${terminal.style(style, sign)} ${terminal.line(id)} ${terminal.line(why)}${more}`);
  if (verbose && error?.stack !== undefined) {
    for (const line of terminal.safe(error.stack).split("\n")) terminal.print(terminal.style("dim", `    ${line}`));
  }
}

/** The one command that brings the run further; nothing where it has completed. */
function goOnWith({ result, again, storageAgain }: SummaryOptions): string | undefined {
  const resume = shellLine(["dotflow", "resume", ...again]);
  if (result.status === "completed") return undefined;
  if (result.status !== "suspended") return resume;
  const signal = result.waiting.find((wait) => !isTime(wait));
  if (signal !== undefined)
    return `${shellLine(["dotflow", "signal", result.workflowId, signal, ...storageAgain])} && ${resume}`;
  return result.waiting.length > 0 ? `${resume} --wait` : resume;
}

function isTime(wait: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T/.test(wait);
}
