// Messages to a Discord channel, by a webhook.
import { formatted, Notifier } from "../shared/notifier.ts";
import { requireAddress, resolveNotify, type TextOptions } from "../shared/notify-options.ts";
import type { AnswerNote, Post } from "../shared/notify-send.ts";
import { escapedWithin } from "../shared/notify-text.ts";

export type { EventType, NotifyOptions, TextOptions } from "../shared/notify-options.ts";

export interface DiscordOptions extends TextOptions {
  /** The address of a webhook of the channel: a secret. Add `?thread_id=…` for a thread of it. */
  webhookUrl: string;
}

/** https://discord.com/developers/docs/resources/webhook#execute-webhook */
const longest = 2_000;
/** Of the title, so that it is never cut in the middle of its asterisks. */
const longestTitle = 1_000;
/** No previews of addresses: https://discord.com/developers/docs/resources/message#message-object-message-flags */
const suppressEmbeds = 4;

/**
 * Sends chosen events to a Discord channel, by default those of runs that failed or are suspended.
 *
 * In order, one at a time. Texts of yours are shown as they are, without formatting, and mention nobody. What can't be sent in
 * time is lost, and one warning at the end of the run says how many. A message may come twice where Discord took it and its
 * answer was lost; after a crash, none comes of what the process had not sent.
 */
export function discord(options: DiscordOptions): Notifier {
  const settings = resolveNotify(options, "discord", ["webhookUrl"]);
  const url = requireAddress(options.webhookUrl, "The option webhookUrl of discord");
  // Without it, Discord answers before it knows whether the message can be shown.
  url.searchParams.set("wait", "true");
  return new Notifier(
    {
      name: "Discord",
      compose(event, notes) {
        const notice = formatted(event, notes, options.format);
        if (!notice) return undefined;
        const title = notice.title && `**${escapedWithin(notice.title, longestTitle, escape)}**`;
        const rest = notice.lines.map((line) => `\n${line}`).join("");
        const body = JSON.stringify({
          content: title + escapedWithin(rest, longest - title.length, escape),
          allowed_mentions: { parse: [] },
          flags: suppressEmbeds,
        });
        return (): Post => ({ url, headers: { "content-type": "application/json" }, body });
      },
      readAnswer,
    },
    settings,
  );
}

/** What Discord's Markdown gives a meaning to. A backslash takes it away. */
function escape(character: string): string {
  return /[\\*_~`|<>#\-+[\]]/.test(character) ? `\\${character}` : character;
}

/** `{ retry_after: 0.5 }` in seconds, or `{ code: 10015, message: "Unknown Webhook" }`. */
function readAnswer(body: unknown): AnswerNote {
  const { retry_after: seconds, code } = (body ?? {}) as { retry_after?: unknown; code?: unknown };
  return {
    after: typeof seconds === "number" && seconds >= 0 ? seconds * 1_000 : undefined,
    why: typeof code === "number" && code > 0 ? `code ${code}` : undefined,
  };
}
