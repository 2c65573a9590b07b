// The JSON that webhook sends, and how it is signed.
import { createHmac } from "node:crypto";
import { webhook } from "dotflow/observers/webhook";
import { manualClock } from "dotflow/testing";
import { describe, expect, it } from "vitest";
import { failedEvent, localServer, runWith, secrets, secretsIn } from "./notify-scene.ts";

const server = localServer();

/** As a receiver verifies by https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. */
function expectedSignature(key: Buffer, index = 0): string {
  const { headers, text } = server.received[index]!;
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${text}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

describe("what webhook sends", () => {
  it("is the event, with the tasks that failed", async () => {
    const error = Object.assign(new TypeError("no rows"), { code: "ENOROWS" });
    const { runId } = await runWith([webhook({ url: `${server.url}/hook?a=b` })], error);
    const [{ path, headers, body }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe("/hook?a=b");
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": expect.stringMatching(/^[\w-]{36}$/),
    });
    expect(headers).not.toHaveProperty("webhook-signature");
    expect(body).toEqual({
      type: "run.failed",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      data: {
        ...{ workflowId: "nightly", runId, startId: expect.any(String), durationMs: expect.any(Number) },
        ...{ succeeded: 0, restored: 0, failed: 1, skipped: 0 },
        failures: [{ taskId: "load", attempts: 1, error: { name: "TypeError", message: "no rows", code: "ENOROWS" } }],
        waiting: [],
      },
    });
  });

  it("has no text of more than 4,000 characters", async () => {
    await runWith([webhook({ url: server.url, events: ["step.failed"] })], new Error("x".repeat(1_000_000)));
    expect(server.received[0]?.text.length).toBeLessThan(5_000);
  });

  it("is what format makes of it, or nothing", async () => {
    const observer = webhook({
      url: server.url,
      events: ["step.failed", "run.failed"],
      format: (event, { type }) =>
        event.type === "step.failed" ? { summary: `${type} of ${event.taskId}` } : undefined,
    });
    await runWith([observer], new Error("no rows"));
    expect(server.received.map(({ body }) => body)).toEqual([{ summary: "step.failed of load" }]);
  });

  it("has the same id in every attempt, and another one in every message", async () => {
    server.answers = [{ status: 500 }];
    const observer = webhook({ url: server.url, events: ["step.failed", "run.failed"], retryDelay: 1 });
    await runWith([observer], new Error("no rows"));
    const [first, again, second] = server.received.map(({ headers }) => headers["webhook-id"]);
    expect(again).toBe(first);
    expect(second).not.toBe(first);
  });

  it("carries the headers of the user, not in place of its own", async () => {
    const headers = { Authorization: `Bearer ${secrets.header}`, "Webhook-Id": "mine" };
    await runWith([webhook({ url: server.url, headers })], new Error("no rows"));
    expect(server.received[0]?.headers["authorization"]).toBe(`Bearer ${secrets.header}`);
    expect(server.received[0]?.headers["webhook-id"]).not.toBe("mine");
  });
});

describe("the signature", () => {
  it("is that of Standard Webhooks, over id, time and body", async () => {
    await runWith([webhook({ url: server.url, secret: secrets.signing })], new Error("no rows"));
    const key = Buffer.from(secrets.signing.slice("whsec_".length), "base64");
    expect(server.received[0]?.headers["webhook-signature"]).toBe(expectedSignature(key));
  });

  it("takes another secret by its bytes", async () => {
    await runWith([webhook({ url: server.url, secret: "grüße" })], new Error("no rows"));
    expect(server.received[0]?.headers["webhook-signature"]).toBe(expectedSignature(Buffer.from("grüße")));
  });

  it("is of the time of each attempt", async () => {
    const clock = manualClock(1_731_705_121_000);
    server.answers = [{ status: 429, headers: { "retry-after": "5" } }];
    const sent = webhook({ url: server.url, secret: secrets.signing, clock }).onEvent?.(failedEvent());
    await clock.untilWaiting(1, "5s");
    await clock.advance("5s");
    await sent;
    expect(server.received.map(({ headers }) => headers["webhook-timestamp"])).toEqual(["1731705121", "1731705126"]);
    const key = Buffer.from(secrets.signing.slice("whsec_".length), "base64");
    for (const index of [0, 1])
      expect(server.received[index]?.headers["webhook-signature"]).toBe(expectedSignature(key, index));
  });
});

describe("options of webhook", () => {
  const path = "SECRETpath";
  it.each<[string, object]>([
    ["The option url of webhook is missing", { url: undefined }],
    ["The option url of webhook is a text that is none", { url: path }],
    ["The option url of webhook is a text that is none", { url: `ftp://host/${path}` }],
    ["The option url of webhook has a user or a password", { url: `https://me:${path}@host/` }],
    ['The option headers of webhook has "authorization"', { headers: { authorization: `${path}\nx` } }],
    ['The option headers of webhook has "a b"', { headers: { "a b": path } }],
    ['The option headers of webhook has "a"', { headers: { a: 1 } }],
    ["The option headers of webhook is an object", { headers: path }],
    ["The option secret of webhook is no text", { secret: "" }],
    ["The option secret of webhook begins with whsec_ and has less than 24 bytes", { secret: "whsec_SECRET" }],
    ["The option format of webhook is", { format: path }],
  ])("are refused without showing them: %s", (message, options) => {
    let refused: unknown;
    try {
      webhook({ url: "https://example.com", ...options });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused).toMatchObject({ message: expect.stringContaining(message) });
    if (!("format" in options)) expect(secretsIn(String((refused as Error).stack))).toEqual([]);
  });
});
