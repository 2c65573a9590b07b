// Messages to a Telegram chat, by a bot.
import { formatted, Notifier } from "../shared/notifier.ts";
import {
  requireAddress,
  requireToken,
  resolveNotify,
  type TextOptions,
  refuse,
  show,
} from "../shared/notify-options.ts";
import type { AnswerNote, Post } from "../shared/notify-send.ts";
import { escapedWithin } from "../shared/notify-text.ts";

export type { EventType, NotifyOptions, TextOptions } from "../shared/notify-options.ts";

export interface TelegramOptions extends TextOptions {
  /** The token of the bot, as @BotFather gives it, such as `123456:ABC-DEF…`. */
  token: string;
  /** The chat that the bot is in: its number, or the name of a public channel such as `"@deployments"`. */
  chatId: number | string;
  /** The topic of a group, by its number. */
  threadId?: number;
  /** A Bot API server of your own. @default "https://api.telegram.org" */
  apiUrl?: string;
}

/** https://core.telegram.org/bots/api#sendmessage; counted there after the escapes are read, here before, which is never less. */
const longest = 4_096;
/** Of the title, so that it is never cut in the middle of its tag. */
const longestTitle = 1_000;

/**
 * Sends chosen events to a Telegram chat, by default those of runs that failed or are suspended.
 *
 * In order, one at a time. Texts of yours are shown as they are, without formatting. What can't be sent in time is lost, and one
 * warning at the end of the run says how many. A message may come twice where Telegram took it and its answer was lost; after a
 * crash, none comes of what the process had not sent.
 */
export function telegram(options: TelegramOptions): Notifier {
  const settings = resolveNotify(options, "telegram", ["token", "chatId", "threadId", "apiUrl"]);
  const { chatId, threadId, format, apiUrl = "https://api.telegram.org" } = options;
  const token = requireToken(options.token, "The option token of telegram");
  if (!Number.isSafeInteger(chatId) && !(typeof chatId === "string" && /^(@\w+|-?\d+)$/.test(chatId)))
    refuse(
      `The option chatId of telegram is ${show(chatId)}. Give the number of a chat, or the name of a channel such as "@deployments".`,
    );
  if (threadId !== undefined && !Number.isSafeInteger(threadId))
    refuse(`The option threadId of telegram is ${show(threadId)}. Give the number of a topic.`);
  if (!/^\d+:[\w-]+$/.test(token)) refuse("The option token of telegram is none: it has the form 123456:ABC-DEF.");
  const url = requireAddress(`${apiUrl}/bot${token}/sendMessage`, "The option apiUrl of telegram");
  return new Notifier(
    {
      name: "Telegram",
      compose(event, notes) {
        const notice = formatted(event, notes, format);
        if (!notice) return undefined;
        const title = notice.title && `<b>${escapedWithin(notice.title, longestTitle, escape)}</b>`;
        const rest = notice.lines.map((line) => `\n${line}`).join("");
        const body = JSON.stringify({
          chat_id: chatId,
          ...(threadId !== undefined && { message_thread_id: threadId }),
          text: title + escapedWithin(rest, longest - title.length, escape),
          parse_mode: "HTML",
          link_preview_options: { is_disabled: true },
        });
        return (): Post => ({ url, headers: { "content-type": "application/json" }, body });
      },
      readAnswer,
    },
    settings,
  );
}

/** https://core.telegram.org/bots/api#html-style */
function escape(character: string): string {
  return { "&": "&amp;", "<": "&lt;", ">": "&gt;" }[character] ?? character;
}

/** `{ ok: false, description: "Bad Request: chat not found", parameters: { retry_after: 3 } }`, in seconds. */
function readAnswer(body: unknown): AnswerNote {
  const { ok, description, parameters } = (body ?? {}) as {
    ok?: unknown;
    description?: unknown;
    parameters?: { retry_after?: unknown };
  };
  const seconds = parameters?.retry_after;
  // Letters and spaces: no token, should one ever stand in it.
  const why = typeof description === "string" ? /^[A-Za-z ,:']{1,100}$/.exec(description)?.[0] : undefined;
  return {
    ...(ok === false && { refused: true }),
    after: typeof seconds === "number" && seconds >= 0 ? seconds * 1_000 : undefined,
    why,
  };
}
