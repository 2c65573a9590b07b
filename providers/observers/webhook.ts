// Events as JSON to an address of one's own, signed by the Standard Webhooks specification: https://www.standardwebhooks.com.
import { createHmac } from "node:crypto";
import type { WorkflowEvent } from "../../src/events.ts";
import { Notifier } from "../shared/notifier.ts";
import type { StartNotes } from "../shared/notify-notes.ts";
import {
  type NotifyOptions,
  requireAddress,
  resolveNotify,
  refuse,
  requireFunction,
} from "../shared/notify-options.ts";
import type { Post } from "../shared/notify-send.ts";
import { errorFacts, shortened } from "../shared/plain-text.ts";

export type { EventType, NotifyOptions } from "../shared/notify-options.ts";

/** What is sent as JSON. */
export interface WebhookBody {
  readonly type: WorkflowEvent["type"];
  /** When it happened. */
  readonly timestamp: string;
  /**
   * What else the event has; errors as `{ name, message, code }`. The end of a run also has `failures`, the tasks that failed, and
   * `waiting`, those that wait.
   */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface WebhookOptions extends NotifyOptions {
  /** Where to. It may hold a secret, and stands in no error. */
  url: string;
  /** Sent with every request, such as `{ authorization: "Bearer …" }`. @default none */
  headers?: Readonly<Record<string, string>>;
  /**
   * Signs every request with HMAC-SHA256, so that the receiver can tell that it comes from you and is new. `whsec_` with at
   * least 24 bytes as base64 behind it, as the libraries for receivers take it; another text counts by its bytes.
   *
   * @default none: requests are not signed
   */
  secret?: string;
  /** Makes what is sent as JSON. It is called with what is sent otherwise. `undefined` sends nothing. */
  format?: (event: WorkflowEvent, body: WebhookBody) => unknown;
}

/** Of each text of an event. Bodies of webhooks should stay below 20 KB. */
const longest = 4_000;

/**
 * Sends chosen events to an address of yours as JSON, by default those of runs that failed or are suspended.
 *
 * In order, one at a time. A request counts as taken when the answer is 2xx; redirects are not followed. An event may come twice,
 * where it was taken and the answer was lost: both times the header `webhook-id` is the same. What can't be sent in time is lost,
 * and one warning at the end of the run says how many; after a crash, what the process had not sent is lost too.
 */
export function webhook(options: WebhookOptions): Notifier {
  const { url, headers = {}, secret, format, ...shared } = options;
  const settings = resolveNotify(shared, "webhook", ["url", "headers", "secret"]);
  requireFunction(format, "The option format of webhook");
  const address = requireAddress(url, "The option url of webhook");
  const fixed = checkHeaders(headers);
  const key = secret === undefined ? undefined : keyOf(secret);
  return new Notifier(
    {
      name: "webhook",
      compose(event, notes, id) {
        const standard = bodyOf(event, notes);
        const made = format ? format(event, standard) : standard;
        const body = made === undefined ? undefined : JSON.stringify(made);
        if (body === undefined) return undefined;
        return (): Post => {
          const timestamp = String(Math.floor(settings.clock.now() / 1_000));
          const own = { "webhook-id": id, "webhook-timestamp": timestamp };
          const signature = key && { "webhook-signature": signatureOf(key, id, timestamp, body) };
          return {
            url: address,
            headers: { "content-type": "application/json", ...fixed, ...own, ...signature },
            body,
          };
        };
      },
    },
    settings,
  );
}

function signatureOf(key: Uint8Array, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

function keyOf(secret: unknown): Uint8Array {
  if (typeof secret !== "string" || secret === "")
    refuse('The option secret of webhook is no text, or an empty one. Give one such as "whsec_…".');
  if (!secret.startsWith("whsec_")) return Buffer.from(secret);
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  if (key.length >= 24) return key;
  refuse(
    "The option secret of webhook begins with whsec_ and has less than 24 bytes behind it. Make one from 24 to 64 random bytes as base64.",
  );
}

/** Their values are never shown. */
function checkHeaders(headers: unknown): Record<string, string> {
  if (typeof headers !== "object" || headers === null) refuse("The option headers of webhook is an object of texts.");
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (typeof value === "string" && isHeader(name, value)) return [name.toLowerCase(), value];
      refuse(`The option headers of webhook has ${JSON.stringify(name)}, whose name or value no header can have.`);
    }),
  );
}

function isHeader(name: string, value: string): boolean {
  try {
    return new Headers([[name, value]]).has(name);
  } catch {
    return false;
  }
}

function bodyOf(event: WorkflowEvent, notes: StartNotes): WebhookBody {
  const { type, time, ...facts } = event;
  const { failed: failures, waiting } = notes;
  const isRunEnd = "durationMs" in event && type.startsWith("run.");
  const data = { ...facts, ...(isRunEnd && { failures, waiting }) };
  // What is left out: the notes that observers keep for themselves.
  delete (data as { notes?: unknown }).notes;
  return { type, timestamp: time.toISOString(), data: jsonOf(data) as WebhookBody["data"] };
}

/** Errors have nothing that JSON would show, and a `cause` may be anything. */
function jsonOf(value: unknown): unknown {
  if (typeof value === "string") return shortened(value, longest);
  if (value instanceof Error) return errorOf(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name, each]) => name !== "cause" || each instanceof Error);
  return Object.fromEntries(entries.map(([name, each]) => [name, jsonOf(each)]));
}

function errorOf(error: Error): object {
  const { name, message, code } = errorFacts(error);
  return { name, message: shortened(message, longest), code };
}
