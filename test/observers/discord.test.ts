// What Discord is sent, and how its answers are read.
import { discord } from "dotflow/observers/discord";
import { manualClock } from "dotflow/testing";
import { describe, expect, it } from "vitest";
import { failedEvent, Listener, localServer, runWith } from "./notify-scene.ts";

const server = localServer();

describe("a message to Discord", () => {
  it("is waited for, mentions nobody and shows no previews", async () => {
    await runWith([discord({ webhookUrl: `${server.url}/api/webhooks/1/x?thread_id=5` })], new Error("no rows"));
    const [{ path, body }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe("/api/webhooks/1/x?thread_id=5&wait=true");
    expect(body).toEqual({
      content: expect.stringMatching(/^\*\*nightly failed\*\*\n"load" failed: Error: no rows\n/),
      allowed_mentions: { parse: [] },
      flags: 4,
    });
  });

  it("shows texts of the user as they are", async () => {
    await runWith([discord({ webhookUrl: server.url })], new Error("**a** _b_ `c` ~~d~~ ||e|| <@1> [f](g) # h \\"));
    expect(server.received[0]?.body["content"]).toContain(
      "\\*\\*a\\*\\* \\_b\\_ \\`c\\` \\~\\~d\\~\\~ \\|\\|e\\|\\| \\<@1\\> \\[f\\](g) \\# h \\\\\n",
    );
  });

  it.each(["x", "*", "😀", "x\n*"])("has at most 2,000 characters, and no half of an escape, of %j", async (part) => {
    await runWith([discord({ webhookUrl: server.url, format: () => part.repeat(10_000) })], new Error("no rows"));
    const content = String(server.received[0]?.body["content"]);
    expect(content.length).toBeLessThanOrEqual(2_000);
    expect(content.length).toBeGreaterThan(900);
    expect(content).toMatch(/^\*\*(x|\\\*|😀)+…?\*\*(\n|x|\\\*)*…?$/u);
  });

  it("is tried again when the time that Discord names is over", async () => {
    const clock = manualClock();
    server.answers = [
      { status: 429, body: { message: "You are being rate limited.", retry_after: 0.75, global: false } },
    ];
    const sent = discord({ webhookUrl: server.url, clock }).onEvent?.(failedEvent());
    await clock.untilWaiting(1, 750);
    await clock.advance(750);
    await sent;
    expect(server.received).toHaveLength(2);
  });

  it("that is refused says with which code", async () => {
    server.otherwise = { status: 404, body: { message: "Unknown Webhook", code: 10_015 } };
    const listener = new Listener();
    await runWith([listener, discord({ webhookUrl: server.url })], new Error("no rows"));
    expect(listener.warnings).toEqual([expect.stringContaining("the answer was 404: code 10015")]);
  });
});

it("refuses an address that is none, without showing it", () => {
  expect(() => discord({ webhookUrl: "SECRET" })).toThrow("The option webhookUrl of discord is a text that is none");
  expect(() => discord({ webhookUrl: "SECRET" })).toThrow(TypeError);
  expect(() => discord({ webhookUrl: "SECRET" })).not.toThrow("SECRET");
});
