// What observers say of an event: how grave it is, a line for people, and its fields for machines.
import type { WorkflowEvent } from "../../src/events.ts";
import { errorFacts, plainText } from "./plain-text.ts";

export type Level = "debug" | "info" | "warn" | "error";

const levels: { readonly [Type in WorkflowEvent["type"]]: Level } = {
  "run.started": "info",
  "run.resumed": "info",
  "run.completed": "info",
  "run.failed": "error",
  "run.suspended": "info",
  "run.cancelled": "warn",
  "run.refused": "error",
  "run.lost": "error",
  "step.started": "debug",
  "step.retrying": "warn",
  "step.progressed": "debug",
  "step.iterated": "debug",
  "step.waiting": "info",
  "step.completed": "info",
  "step.failed": "error",
  "step.restored": "debug",
  "step.skipped": "info",
  "checkpoint.created": "debug",
  "checkpoint.restored": "debug",
  "checkpoint.deleted": "debug",
  warning: "warn",
};

export function levelOf(event: WorkflowEvent): Level {
  // One of a newer version may have a type that is not in the table.
  return levels[event.type] ?? "info";
}

/** Whether a start has come to its end; at most warnings follow. */
export function isLast({ type }: WorkflowEvent): boolean {
  return /^run\.(completed|failed|suspended|cancelled|refused|lost)$/.test(type);
}

/** A line for people, without control characters. Says what happened, not when or in which workflow. */
export function lineOf(event: WorkflowEvent): string {
  return plainText(sentence(event));
}

/** What an event says, for machines: values that JSON has. Errors are given as `error`, as they are. */
export function fieldsOf(event: WorkflowEvent): Record<string, unknown> {
  const { type, time: _time, ...facts } = event;
  const fields: Record<string, unknown> = { event: type };
  for (const [name, value] of Object.entries(facts)) {
    // A logger may have a name of its own.
    if (name === "name") fields["step"] = value;
    else if (name === "cause") fields["error"] = value;
    else if (value !== undefined && value !== "") fields[name] = value;
  }
  return fields;
}

function sentence(event: WorkflowEvent): string {
  switch (event.type) {
    case "run.started":
      return `run started: ${count(event.total, "task")}, ${event.mode}`;
    case "run.resumed":
      return `run resumed: ${event.restored} of ${count(event.total, "task")} restored`;
    case "run.completed":
    case "run.failed":
    case "run.suspended":
    case "run.cancelled":
      return `run ${event.type.slice("run.".length)} after ${durationText(event.durationMs)}: ${endText(event)}`;
    case "run.refused":
      return `start refused: ${errorLine(event.error)}`;
    case "run.lost":
      return `run lost after ${durationText(event.durationMs)}: ${errorLine(event.error)}`;
    case "step.started":
      return `${event.taskId} started: ${event.reason}`;
    case "step.retrying":
      return `${nameOf(event)} failed at attempt ${event.attempt}, goes on in ${durationText(event.delayMs)}: ${errorLine(event.error)}`;
    case "step.progressed":
      return `${event.taskId}: ${itemsText(event.items)}`;
    case "step.iterated":
      return `${nameOf(event)} ended iteration ${event.iteration}`;
    case "step.waiting":
      return `${event.taskId} ${event.reason}`;
    case "step.completed":
      return `${event.taskId} completed in ${durationText(event.durationMs)}${attemptsText(event.attempts)}`;
    case "step.failed":
      return `${event.taskId} failed after ${durationText(event.durationMs)}${attemptsText(event.attempts)}: ${errorLine(event.error)}`;
    case "step.restored":
      return `${event.taskId} ${event.reason}`;
    case "step.skipped":
      return `${event.taskId} skipped: ${event.reason}`;
    case "checkpoint.created":
    case "checkpoint.restored":
      return `${event.taskId} ${event.type === "checkpoint.created" ? "saved" : "read back"}: ${count(event.bytes, "byte")}`;
    case "checkpoint.deleted":
      return `${count(event.count, "run")} removed from the storage`;
    case "warning":
      return event.message;
    default:
      return (event satisfies never as WorkflowEvent).type;
  }
}

/** For people: `120 ms`, `1.5 s`, `2 min 5 s`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${Math.round(milliseconds / 100) / 10} s`;
  const seconds = Math.round(milliseconds / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

function endText(event: Extract<WorkflowEvent, { succeeded: number }>): string {
  const { succeeded, restored, failed, skipped, error } = event;
  const counts = `${succeeded} done, ${restored} restored, ${failed} failed, ${skipped} skipped`;
  return error ? `${counts}; ${errorLine(error)}` : counts;
}

function itemsText({
  total,
  completed,
  restored,
  failed,
}: { [Count in "total" | "completed" | "restored" | "failed"]: number }): string {
  return `${completed + restored + failed} of ${count(total, "item")}, ${restored} restored, ${failed} failed`;
}

function nameOf({ taskId, item }: { readonly taskId: string; readonly item?: string }): string {
  return item === undefined ? taskId : `${taskId}, item ${item},`;
}

function attemptsText(attempts: number): string {
  return attempts > 1 ? `, ${attempts} attempts` : "";
}

function errorLine(error: unknown): string {
  const { name, message } = errorFacts(error);
  return `${name}: ${message}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
