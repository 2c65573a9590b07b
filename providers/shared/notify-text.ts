// What an event is called in a message to people, and how a text is made to fit.
import type { WorkflowEvent } from "../../src/events.ts";
import { durationText, lineOf } from "./event-facts.ts";
import type { StartNotes } from "./notify-notes.ts";
import { errorFacts, plainText, shortened } from "./plain-text.ts";

/** One text of an event, however long and with any characters. */
export interface NoticeText {
  /** One line. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** Texts of users may be of any length; of each so much is shown, so that there is room for what stands behind it. */
const longest = 500;
/** The most tasks that are named. */
const mostTasks = 10;

export function textOf(event: WorkflowEvent, notes: StartNotes): NoticeText {
  const runLine = event.runId === "" ? [] : [`run ${event.runId}`];
  return {
    title: plainText(shortened(titleOf(event), longest)),
    lines: [...linesOf(event, notes), ...runLine].map(cleaned),
  };
}

/** As one plain text. */
export function plain({ title, lines }: NoticeText): string {
  return [title, ...lines].join("\n");
}

/** The reverse of `plain`, for what a user made of it. */
export function noticeOf(text: string): NoticeText {
  const [title = "", ...lines] = text.split("\n").map(cleaned);
  return { title, lines };
}

/** Gives as much of `text`, escaped, as has room in `limit` characters; never half of a character or of an escape. */
export function escapedWithin(text: string, limit: number, escape: (character: string) => string): string {
  const ellipsis = "…";
  let whole = "";
  let kept = "";
  for (const character of text) {
    const escaped = escape(character);
    whole += escaped;
    if (whole.length > limit) return kept + ellipsis;
    if (whole.length <= limit - ellipsis.length) kept = whole;
  }
  return whole;
}

function linesOf(event: WorkflowEvent, { failed, waiting }: StartNotes): string[] {
  switch (event.type) {
    case "run.completed":
    case "run.failed":
    case "run.suspended":
    case "run.cancelled": {
      const { succeeded, restored, failed: failures, skipped, durationMs, error } = event;
      return [
        ...named(failed, (task) => `"${task.taskId}" failed${triesText(task.attempts)}: ${errorText(task.error)}`),
        ...(error ? [errorText(error)] : []),
        ...named(waiting, ({ taskId, reason }) => `"${taskId}" ${shortened(reason, longest)}`),
        `${succeeded} done, ${restored} restored, ${failures} failed, ${skipped} skipped, after ${durationText(durationMs)}`,
      ];
    }
    default:
      return [shortened(lineOf(event), 2 * longest)];
  }
}

/** `nightly failed`, or the workflow alone, where the line below it says what happened. */
function titleOf({ workflowId, type }: WorkflowEvent): string {
  const ended = /^run\.(completed|failed|suspended|cancelled)$/.exec(type)?.[1];
  return ended ? `${workflowId} ${ended}` : workflowId;
}

function named<Task>(tasks: readonly Task[], line: (task: Task) => string): string[] {
  const more = tasks.length - mostTasks;
  return [...tasks.slice(0, mostTasks).map(line), ...(more > 0 ? [`and ${more} more`] : [])];
}

function errorText(error: Error): string {
  const { name, message } = errorFacts(error);
  return shortened(`${name}: ${message}`, longest);
}

function triesText(attempts: number): string {
  return attempts > 1 ? ` (${attempts} attempts)` : "";
}

/** Control characters have no place in a message, a line break and a tab have; halves of a character would make it no Unicode. */
function cleaned(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, " ").replace(/\p{Surrogate}/gu, "\ufffd");
}
