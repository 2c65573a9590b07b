// What Telegram is sent, and how its answers are read.
import { telegram } from "dotflow/observers/telegram";
import { manualClock } from "dotflow/testing";
import { describe, expect, it } from "vitest";
import { failedEvent, Listener, localServer, runWith, secrets } from "./notify-scene.ts";

const server = localServer();
const bot = { token: secrets.telegramToken, chatId: -100_123 };

describe("a message to Telegram", () => {
  it("goes to the chat, in HTML, without previews", async () => {
    await runWith([telegram({ ...bot, threadId: 7, apiUrl: server.url })], new Error("no rows"));
    const [{ path, body }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe(`/bot${secrets.telegramToken}/sendMessage`);
    expect(body).toEqual({
      chat_id: -100_123,
      message_thread_id: 7,
      text: expect.stringMatching(/^<b>nightly failed<\/b>\n"load" failed: Error: no rows\n/),
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
    });
  });

  it("shows texts of the user as they are", async () => {
    await runWith([telegram({ ...bot, apiUrl: server.url })], new Error("<b>a</b> & <a href='b'>"), "<i>");
    const text = String(server.received[0]?.body["text"]);
    expect(text).toContain("&lt;b&gt;a&lt;/b&gt; &amp; &lt;a href='b'&gt;");
    expect(text).toContain("<b>&lt;i&gt; failed</b>");
  });

  it.each(["x", "&", "😀", "x\n<"])("has at most 4,096 characters, and no half of an escape, of %j", async (part) => {
    const format = (): string => part.repeat(10_000);
    await runWith([telegram({ ...bot, apiUrl: server.url, format })], new Error("no rows"));
    const text = String(server.received[0]?.body["text"]);
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(text.length).toBeGreaterThan(900);
    expect(text).toMatch(/^<b>(x|&amp;|😀)+…?<\/b>(\n|x|&lt;)*…?$/u);
  });

  it("is tried again when the time that Telegram names is over", async () => {
    const clock = manualClock();
    const body = {
      ok: false,
      error_code: 429,
      description: "Too Many Requests: retry after 3",
      parameters: { retry_after: 3 },
    };
    server.answers = [{ status: 429, body }];
    const sent = telegram({ ...bot, apiUrl: server.url, clock }).onEvent?.(failedEvent());
    await clock.untilWaiting(1, "3s");
    await clock.advance("3s");
    await sent;
    expect(server.received).toHaveLength(2);
  });

  it("that is refused says why, also where the status is 200", async () => {
    const listener = new Listener();
    for (const status of [400, 200]) {
      server.otherwise = { status, body: { ok: false, description: "Bad Request: chat not found" } };
      await runWith([listener, telegram({ ...bot, apiUrl: server.url })], new Error("no rows"));
    }
    const why = "Bad Request: chat not found";
    expect(listener.warnings).toEqual([
      expect.stringContaining(`the answer was 400: ${why}`),
      expect.stringContaining(`the answer was 200: ${why}`),
    ]);
  });
});

describe("options of telegram", () => {
  it.each<[string, object]>([
    ["The option token of telegram is missing", { token: undefined }],
    ["The option token of telegram is none", { token: "SECRET" }],
    ["The option token of telegram is none", { token: "1:SECRET/../x" }],
    ["The option chatId of telegram is", { chatId: "my chat" }],
    ["The option chatId of telegram is", { chatId: 1.5 }],
    ["The option threadId of telegram is", { threadId: "7" }],
    ["The option apiUrl of telegram is a text that is none", { apiUrl: "here" }],
  ])("are refused without showing secrets: %s", (message, options) => {
    let refused: unknown;
    try {
      telegram({ ...bot, ...options });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused).toMatchObject({ message: expect.stringContaining(message) });
    expect(String(refused)).not.toContain("SECRET");
  });
});
