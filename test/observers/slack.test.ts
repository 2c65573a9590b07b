// What Slack is sent, by a webhook and as an app, and how its answers are read.
import { slack } from "dotflow/observers/slack";
import { describe, expect, it } from "vitest";
import { Listener, localServer, runWith, secrets, secretsIn, textIn } from "./notify-scene.ts";

const server = localServer();
const app = { token: secrets.slackToken, channel: "C01", retryDelay: 1 };

describe("a message to Slack", () => {
  it("goes to the webhook as plain text", async () => {
    const { runId } = await runWith([slack({ webhookUrl: `${server.url}/services/T/B/X` })], new Error("no rows"));
    const [{ path, headers, body }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe("/services/T/B/X");
    expect(headers).not.toHaveProperty("authorization");
    expect(body).toEqual({
      text: expect.stringMatching(
        new RegExp(
          `^nightly failed\n"load" failed: Error: no rows\n0 done, 0 restored, 1 failed, 0 skipped, after .*\nrun ${runId}$`,
        ),
      ),
      ...{ mrkdwn: false, unfurl_links: false, unfurl_media: false },
    });
  });

  it("goes to the channel with the token, in a header alone", async () => {
    await runWith([slack({ ...app, apiUrl: server.url })], new Error("no rows"));
    const [{ path, headers, text, body }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe("/chat.postMessage");
    expect(headers["authorization"]).toBe(`Bearer ${secrets.slackToken}`);
    expect(body["channel"]).toBe("C01");
    expect(secretsIn(text)).toEqual([]);
  });

  it("has no control sequence: mentions and links stay text", async () => {
    await runWith([slack({ webhookUrl: server.url })], new Error("<!channel> <@U1> & <https://a.b|c>"));
    expect(textIn(server.received[0]!)).toContain("&lt;!channel&gt; &lt;@U1&gt; &amp; &lt;https://a.b|c&gt;");
  });

  it.each(["x", "&", "😀", "\ud800", "\u0000"])(
    "has at most 4,000 characters, and never half of one, of %j",
    async (character) => {
      const format = (): string => character.repeat(100_000);
      await runWith([slack({ webhookUrl: server.url, format })], new Error("no rows"));
      const text = textIn(server.received[0]!);
      expect(text.length).toBeGreaterThan(3_990);
      expect(text.length).toBeLessThanOrEqual(4_000);
      expect(text).toMatch(/^(x|&amp;|😀|\ufffd| )+…$/u);
    },
  );

  it("keeps its end where an error has a long text", async () => {
    const { runId } = await runWith([slack({ webhookUrl: server.url })], new Error("x".repeat(100_000)));
    expect(textIn(server.received[0]!)).toContain(`run ${runId}`);
  });

  it("is what format makes of it, escaped after it, or none", async () => {
    const format = (_event: unknown, text: string): string | undefined =>
      text.includes("load") ? `<${text.split("\n")[0]}>` : undefined;
    const observer = slack({ webhookUrl: server.url, events: ["run.started", "run.failed"], format });
    await runWith([observer], new Error("no rows"));
    expect(server.received.map(textIn)).toEqual(["&lt;nightly failed&gt;"]);
  });
});

describe("an answer of Slack's API", () => {
  it.each(["ratelimited", "internal_error", "service_unavailable"])("of %s is tried again", async (error) => {
    server.answers = [{ status: 200, body: { ok: false, error } }];
    const listener = new Listener();
    await runWith([listener, slack({ ...app, apiUrl: server.url })], new Error("no rows"));
    expect(server.received).toHaveLength(2);
    expect(listener.warnings).toEqual([]);
  });

  it.each(["channel_not_found", "invalid_auth"])("of %s is not, and is told", async (error) => {
    server.otherwise = { status: 200, body: { ok: false, error } };
    const listener = new Listener();
    await runWith([listener, slack({ ...app, apiUrl: server.url })], new Error("no rows"));
    expect(server.received).toHaveLength(1);
    expect(listener.warnings).toEqual([expect.stringContaining(`the answer was 200: ${error}`)]);
  });

  it.each<unknown>([undefined, "ok", { ok: "yes" }])(
    "that is none, such as %j, does not count as sent",
    async (body) => {
      server.otherwise = { status: 200, body };
      const listener = new Listener();
      await runWith([listener, slack({ ...app, apiUrl: server.url })], new Error("no rows"));
      expect(listener.warnings).toEqual([expect.stringContaining("1 of 1 messages to Slack")]);
    },
  );
});

describe("options of slack", () => {
  it.each<[string, object]>([
    ["slack needs webhookUrl, or token and channel", {}],
    ["slack needs webhookUrl, or token and channel", { webhookUrl: "https://a.b", token: "xoxb", channel: "C" }],
    ["slack with a token needs a channel", { token: "xoxb" }],
    ["The options channel and apiUrl of slack go with token", { webhookUrl: "https://a.b", channel: "C" }],
    ["The option token of slack is a text that is none", { token: "SECRET \n", channel: "C" }],
    ["The option webhookUrl of slack is a text that is none", { webhookUrl: "SECRET" }],
    ["The option apiUrl of slack is a text that is none", { token: "xoxb", channel: "C", apiUrl: "SECRET" }],
  ])("are refused without showing them: %s", (message, options) => {
    let refused: unknown;
    try {
      slack(options);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused).toMatchObject({ message: expect.stringContaining(message) });
    expect(String(refused)).not.toContain("SECRET");
  });
});
