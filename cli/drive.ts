// Runs a workflow to its end as a person follows it: progress, Ctrl-C, summary, exit code.
import type { DotFlow, RunResult, WorkflowEvent } from "../src/index.ts";
import type { FileFlags } from "./file-options.ts";
import { addHint } from "./hints.ts";
import { onInterrupt } from "./interrupts.ts";
import { Progress } from "./progress.ts";
import { shellLine } from "./shell.ts";
import { type StartFlags, toStart } from "./start-options.ts";
import { exitCodeOf, printSummary } from "./summary.ts";
import type { Terminal } from "./terminal.ts";
import { makeView, type View } from "./view.ts";
import { loadWorkflow } from "./workflow-file.ts";

export interface DriveFlags extends FileFlags, StartFlags {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export async function drive(terminal: Terminal, file: string, flags: DriveFlags): Promise<void> {
  let hear = (_event: WorkflowEvent): void => {};
  const observer = { name: "dotflow command line", onEvent: (event: WorkflowEvent): void => hear(event) };
  // What the file and its steps print must not get between the lines of JSON.
  if (flags.json) terminal.keepOut();
  const { workflow, again, storageAgain } = await loadWorkflow(file, flags, [observer]);
  const resume = flags.orNew ? !(await hasCompleted(workflow)) : flags.resume;
  const options = toStart({ ...flags, resume }, workflow);
  const ids = workflow.graph({ mode: options.mode }).tasks.map(({ id }) => id);
  const progress = new Progress(workflow.workflowId, ids);
  const view = makeView(terminal, progress, flags);
  hear = (event) => {
    progress.apply(event);
    view.event(event);
  };
  const begin = performance.now();
  let result: RunResult;
  try {
    result = await cancellable(view, (signal) => workflow.start({ ...options, signal }));
  } catch (error) {
    throw hinted(error, workflow, again, storageAgain);
  } finally {
    view.close();
  }
  const elapsed = performance.now() - begin;
  if (!flags.json) printSummary(terminal, { result, elapsed, verbose: flags.verbose === true, again, storageAgain });
  process.exitCode = exitCodeOf(result.status);
}

async function hasCompleted(workflow: DotFlow): Promise<boolean> {
  return (await workflow.checkpoints.info()).status === "completed";
}

async function cancellable<Result>(view: View, run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const stopListening = onInterrupt(() => {
    view.say("Cancelling: what is done is saved. Ctrl-C again ends at once.");
    controller.abort();
  });
  try {
    return await run(controller.signal);
  } finally {
    stopListening();
  }
}

function hinted(error: unknown, workflow: DotFlow, again: readonly string[], storageAgain: readonly string[]): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === "WORKFLOW_CHANGED")
    return addHint(
      error,
      `Look at what would run: ${shellLine(["dotflow", "explain", ...again])}
Go on with: ${shellLine(["dotflow", "resume", ...again, "--on-change", "rerun"])}`,
    );
  if (code === "WORKFLOW_LOCKED")
    return addHint(error, `Follow it: ${shellLine(["dotflow", "watch", workflow.workflowId, ...storageAgain])}`);
  if (code === "STORAGE" || code === "LEASE_LOST")
    return addHint(error, `Go on with: ${shellLine(["dotflow", "resume", ...again])}`);
  return error;
}
