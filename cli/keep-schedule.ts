// Keeps a schedule until it is stopped: a line for each thing that happens, and one for each run that ended.
import type { ScheduleOptions, WorkflowEvent } from "../src/index.ts";
import type { DriveFlags } from "./drive.ts";
import { exitCodes } from "./exit.ts";
import { duration, time } from "./format.ts";
import { onInterrupt } from "./interrupts.ts";
import { JsonView } from "./json-view.ts";
import { PlainView } from "./plain-view.ts";
import { Progress } from "./progress.ts";
import { toStart } from "./start-options.ts";
import type { Terminal } from "./terminal.ts";
import type { View } from "./view.ts";
import { loadWorkflow } from "./workflow-file.ts";

export interface ScheduleFlags extends DriveFlags {
  readonly cron: string;
  readonly timezone?: string;
  readonly overlap: "skip" | "queue" | "parallel";
  readonly limit?: number;
}

export async function keepSchedule(terminal: Terminal, file: string, flags: ScheduleFlags): Promise<void> {
  let hear = (_event: WorkflowEvent): void => {};
  const observer = { name: "dotflow command line", onEvent: (event: WorkflowEvent): void => hear(event) };
  if (flags.json) terminal.keepOut();
  const { workflow } = await loadWorkflow(file, flags, [observer]);
  // Only for the names of tasks: a schedule has many runs.
  const progress = new Progress(workflow.workflowId, []);
  const view: View = flags.json ? new JsonView(terminal) : new PlainView(terminal, progress);
  hear = (event) => view.event(event);
  const controller = new AbortController();
  const stopListening = onInterrupt(() => {
    view.say("Stopping: a run that goes on is cancelled, what is done is saved. Ctrl-C again ends at once.");
    controller.abort();
  });
  const { from: _from, ...start } = toStart({ ...flags, from: undefined }, workflow);
  const sayNext = (): void => {
    if (!flags.json && schedule.next) terminal.print(`next run at ${time(schedule.next)}`);
  };
  const options: ScheduleOptions = {
    // As `--deadline` gives it, it is a duration.
    ...(start as Omit<typeof start, "deadline" | "resume">),
    resume: flags.resume === true,
    cron: flags.cron,
    timezone: flags.timezone,
    overlap: flags.overlap,
    limit: flags.limit,
    signal: controller.signal,
    onResult: ({ status, succeeded, restored, failed, tasks }) => {
      const ends = tasks.flatMap(({ finishedAt }) => finishedAt?.getTime() ?? []);
      const begins = tasks.flatMap(({ startedAt }) => startedAt?.getTime() ?? []);
      const took = ends.length > 0 ? ` in ${duration(Math.max(...ends) - Math.min(...begins))}` : "";
      const counts = `${succeeded} executed, ${restored} restored${failed > 0 ? `, ${failed} failed` : ""}`;
      if (!flags.json) terminal.print(`run ${status}${took}: ${counts}`);
      sayNext();
    },
  };
  const schedule = workflow.schedule(options);
  sayNext();
  try {
    await schedule.finished;
  } finally {
    stopListening();
    view.close();
  }
  if (controller.signal.aborted) process.exitCode = exitCodes.cancelled;
}
