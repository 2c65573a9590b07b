// Messages to a Slack channel, by an incoming webhook or as an app.
import { formatted, Notifier } from "../shared/notifier.ts";
import { requireAddress, requireToken, resolveNotify, type TextOptions, refuse } from "../shared/notify-options.ts";
import type { AnswerNote, Post } from "../shared/notify-send.ts";
import { escapedWithin, plain } from "../shared/notify-text.ts";

export type { EventType, NotifyOptions, TextOptions } from "../shared/notify-options.ts";

export interface SlackOptions extends TextOptions {
  /** The address of an incoming webhook: a secret. Either this, or `token` and `channel`. */
  webhookUrl?: string;
  /** The token of an app that has the scope `chat:write`, such as `xoxb-…`. */
  token?: string;
  /** With `token`: the id of a channel that the app is in, such as `"C0123456789"`. */
  channel?: string;
  /** Another address than that of Slack's API, such as `"https://slack-gov.com/api"`. @default "https://slack.com/api" */
  apiUrl?: string;
}

/**
 * Slack cuts texts above 40,000 characters and advises at most 4,000: https://docs.slack.dev/reference/methods/chat.postMessage. One
 * message a second goes to a channel: https://docs.slack.dev/apis/web-api/rate-limits.
 */
const longest = 4_000;

/** Errors of the Web API that may pass, which come with the status 200. */
const passing = new Set([
  "ratelimited",
  "rate_limited",
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
]);

/**
 * Sends chosen events to a Slack channel, by default those of runs that failed or are suspended.
 *
 * In order, one at a time, as plain text: nothing in it is formatted, linked to a person or notifies a channel. What can't be
 * sent in time is lost, and one warning at the end of the run says how many. A message may come twice where Slack took it and its
 * answer was lost; after a crash, none comes of what the process had not sent.
 */
export function slack(options: SlackOptions): Notifier {
  const settings = resolveNotify(options, "slack", ["webhookUrl", "token", "channel", "apiUrl"]);
  const { format } = options;
  const { url, headers, channel } = targetOf(options);
  return new Notifier(
    {
      name: "Slack",
      compose(event, notes) {
        const notice = formatted(event, notes, format);
        if (!notice) return undefined;
        const text = escapedWithin(plain(notice), longest, escape);
        const body = JSON.stringify({
          ...(channel !== undefined && { channel }),
          text,
          mrkdwn: false,
          unfurl_links: false,
          unfurl_media: false,
        });
        return (): Post => ({ url, headers, body });
      },
      readAnswer: channel === undefined ? undefined : readAnswer,
    },
    settings,
  );
}

function targetOf(options: SlackOptions): Omit<Post, "body"> & { channel: string | undefined } {
  const { webhookUrl, token, channel, apiUrl = "https://slack.com/api" } = options;
  const headers = { "content-type": "application/json; charset=utf-8" };
  if ((webhookUrl === undefined) === (token === undefined))
    refuse("slack needs webhookUrl, or token and channel, and not both.");
  if (token === undefined) {
    if (channel !== undefined || options.apiUrl !== undefined)
      refuse("The options channel and apiUrl of slack go with token: a webhook has its own.");
    return { url: requireAddress(webhookUrl, "The option webhookUrl of slack"), headers, channel };
  }
  if (typeof channel !== "string" || channel === "")
    refuse('slack with a token needs a channel, by its id such as "C0123456789".');
  const url = requireAddress(`${apiUrl}/chat.postMessage`, "The option apiUrl of slack");
  const authorization = `Bearer ${requireToken(token, "The option token of slack")}`;
  return { url, headers: { ...headers, authorization }, channel };
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escape(character: string): string {
  return { "&": "&amp;", "<": "&lt;", ">": "&gt;" }[character] ?? character;
}

/** The Web API answers 200 with `{ ok: false, error: "channel_not_found" }`. */
function readAnswer(body: unknown): AnswerNote {
  const { ok, error } = (body ?? {}) as { ok?: unknown; error?: unknown };
  const code = typeof error === "string" && /^[a-z_]{1,60}$/.test(error) ? error : undefined;
  if (ok === true) return {};
  return { refused: true, ...(code !== undefined && { why: code, again: passing.has(code) }) };
}
