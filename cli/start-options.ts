// The options by which a start is told from the command line, the same for run, resume and schedule.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { DotFlow, StartOptions } from "../src/index.ts";
import { UsageError } from "./exit.ts";
import { readJson } from "./json-input.ts";
import { suggest } from "./suggest.ts";

export interface StartFlags {
  readonly resume?: boolean;
  readonly from?: string;
  readonly mode?: Exclude<StartOptions["mode"], "background">;
  readonly onChange?: StartOptions["onChange"];
  readonly keepGoing?: boolean;
  readonly concurrency?: number;
  readonly input?: string;
  readonly wait?: boolean;
  readonly orNew?: boolean;
  readonly deadline?: string;
}

export function startOptions(command: Command): Command {
  return command
    .addOption(modeOption())
    .addOption(changeOption())
    .option("--keep-going", "run the dependents of a failed task too; they are not saved")
    .option("--concurrency <n>", "tasks at a time", wholeNumber)
    .option("--input <json>", "the initial context: JSON, or @file")
    .option("--deadline <duration>", "begin nothing new after this time, such as 14m, and end suspended");
}

/** What a crontab needs: a run each time, and the one before first where it has not come to its end. */
export function orNewOption(): Option {
  return new Option("--or-new", "resume, but begin a new run where the last one has completed").conflicts("from");
}

export function modeOption(): Option {
  const modes = ["sequential", "sequential_group", "parallel", "graph"];
  return new Option("--mode <mode>", "what orders the tasks").choices(modes);
}

export function changeOption(): Option {
  const policies = ["raise", "restart", "rerun", "reuse"];
  return new Option("--on-change <policy>", "what to do where saved tasks no longer match").choices(policies);
}

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of at least 1.");
}

/** `--from` goes with a resume, so it means one. */
export function toStart(flags: StartFlags, workflow: DotFlow): Omit<StartOptions, "mode"> & Pick<StartFlags, "mode"> {
  const { from, mode, onChange, keepGoing, concurrency, input, wait, deadline } = flags;
  requireTask(from, workflow, flags);
  return {
    resume: flags.resume === true || from !== undefined,
    ...(from !== undefined && { from }),
    ...(mode !== undefined && { mode }),
    ...(onChange !== undefined && { onChange }),
    ...(keepGoing !== undefined && { keepGoing }),
    ...(concurrency !== undefined && { concurrency }),
    ...(input !== undefined && { initialContext: readJson(input, "--input") }),
    ...(wait !== undefined && { wait }),
    ...(deadline !== undefined && { deadline }),
  };
}

export function requireTask(id: string | undefined, workflow: DotFlow, { mode }: StartFlags): void {
  if (id === undefined) return;
  const ids = workflow.graph({ mode }).tasks.map((task) => task.id);
  if (ids.includes(id)) return;
  throw new UsageError(
    `--from names "${id}", which is no task of workflow "${workflow.workflowId}".${suggest(id, ids) || ` Its tasks: ${ids.join(", ")}.`}`,
  );
}
