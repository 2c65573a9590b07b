// The observer behind every notification: chooses events, has messages sent in order, and tells once per run what was lost.
import { randomUUID } from "node:crypto";
import type { Observer, WorkflowEvent } from "../../src/events.ts";
import { isLast } from "./event-facts.ts";
import { NotifyNotes, type StartNotes } from "./notify-notes.ts";
import type { NotifySettings } from "./notify-options.ts";
import { NotifyQueue } from "./notify-queue.ts";
import { type AnswerNote, type Post, send } from "./notify-send.ts";
import { noticeOf, type NoticeText, plain, textOf } from "./notify-text.ts";

export interface Service {
  /** As people know it, such as `Slack`. */
  readonly name: string;
  /** Gives what makes the request of each attempt; nothing for an event that is not sent. `id` stays the same over the attempts. */
  compose(event: WorkflowEvent, notes: StartNotes, id: string): (() => Post) | undefined;
  readonly readAnswer?: ((body: unknown) => AnswerNote) | undefined;
}

/** Of one workflow since the last end of a run of it: warnings come before a run has an id, and after it has ended. */
interface Tally {
  total: number;
  lost: number;
  /** Why the last of them was lost. */
  reason: string;
  /** Settles when all of them have been sent or lost. */
  settled: Promise<unknown>;
}

export class Notifier implements Observer {
  readonly name: string;
  readonly #service: Service;
  readonly #settings: NotifySettings;
  readonly #notes = new NotifyNotes();
  readonly #queue = new NotifyQueue();
  readonly #tallies = new Map<string, Tally>();
  /** What it said itself, which it does not send. */
  readonly #said = new WeakSet<object>();

  constructor(service: Service, settings: NotifySettings) {
    this.name = service.name;
    this.#service = service;
    this.#settings = settings;
  }

  /** Settles at the end of a run, when its messages are through; rejects where some are not, which becomes the one warning. */
  onEvent(event: WorkflowEvent): Promise<void> | undefined {
    const notes = this.#notes.see(event);
    if (!this.#isOwnWarning(event)) this.#enqueue(event, notes);
    const tally = isLast(event) ? this.#tallies.get(event.workflowId) : undefined;
    if (!tally) return undefined;
    this.#tallies.delete(event.workflowId);
    return this.#tell(tally);
  }

  #enqueue(event: WorkflowEvent, notes: StartNotes): void {
    const { clock, wants, giveUpAfter, ...limits } = this.#settings;
    const deadline = clock.monotonic() + giveUpAfter;
    let post: (() => Post) | undefined;
    try {
      post = wants(event) ? this.#service.compose(event, notes, randomUUID()) : undefined;
    } catch (error) {
      this.#count(event, Promise.resolve(`events or format failed with ${String(error)}`));
    }
    if (!post) return;
    const options = { ...limits, clock, deadline, post, readAnswer: this.#service.readAnswer };
    const sent = new Promise<string | undefined>((resolve) => {
      void this.#queue.add(async (hasRoom) => resolve(hasRoom ? await send(options) : "too many were waiting"));
    });
    this.#count(event, sent);
  }

  /** `sent` gives why a message was not sent, if so. */
  #count({ workflowId }: WorkflowEvent, sent: Promise<string | undefined>): void {
    const tally = this.#tallies.get(workflowId) ?? { total: 0, lost: 0, reason: "", settled: Promise.resolve() };
    this.#tallies.set(workflowId, tally);
    tally.total++;
    const counted = sent.then((reason) => {
      if (reason === undefined) return;
      tally.lost++;
      tally.reason = reason;
    });
    tally.settled = Promise.all([tally.settled, counted]);
  }

  async #tell(tally: Tally): Promise<void> {
    await tally.settled;
    const { lost, total, reason } = tally;
    if (lost === 0) return;
    const error = new Error(`${lost} of ${total} messages to ${this.name} were not sent. The last of them: ${reason}.`);
    this.#said.add(error);
    throw error;
  }

  #isOwnWarning(event: WorkflowEvent): boolean {
    if (event.type !== "warning" || typeof event.cause !== "object" || event.cause === null) return false;
    return this.#said.has(event.cause);
  }
}

/** The text of an event after the user's `format`; nothing where that says so. */
export function formatted(
  event: WorkflowEvent,
  notes: StartNotes,
  format: ((event: WorkflowEvent, text: string) => string | undefined) | undefined,
): NoticeText | undefined {
  const text = textOf(event, notes);
  if (!format) return text;
  const made: unknown = format(event, plain(text));
  if (made === undefined) return undefined;
  if (typeof made !== "string") throw new TypeError("it gave something that is no text");
  return noticeOf(made);
}
