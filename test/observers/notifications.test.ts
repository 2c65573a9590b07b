// What holds for webhook, slack, discord and telegram alike: retries, time limits, order, losses, and that no secret gets out.
import { DotFlow, action } from "dotflow";
import { slack } from "dotflow/observers/slack";
import { webhook } from "dotflow/observers/webhook";
import { manualClock } from "dotflow/testing";
import { describe, expect, it } from "vitest";
import {
  allOf,
  type Answer,
  failedEvent,
  Listener,
  localServer,
  runWith,
  secretsIn,
  services,
  textIn,
} from "./notify-scene.ts";

const server = localServer();
const elsewhere = localServer();
const quick = { retryDelay: 1 };
const each = Object.keys(services);

function service(name: string, options: Parameters<(typeof services)[string]>[1] = {}) {
  return (services[name] as (typeof services)[string])(server.url, { ...quick, ...options });
}

describe.each(each)("%s", (name) => {
  it("tells of a run that failed, of which task and why, and not of one that completed", async () => {
    await runWith([service(name)]);
    expect(server.received).toEqual([]);
    const result = await runWith([service(name)], new Error("no rows today"));
    expect(server.received).toHaveLength(1);
    for (const part of ["nightly", "failed", "load", "no rows today", result.runId])
      expect(textIn(server.received[0]!)).toContain(part);
  });

  it.each<[string, Answer[]]>([
    ["of 429, 503, 500 and 408", [429, 503, 500, 408].map((status) => ({ status }))],
    ["where the connection breaks", ["drop", "garble", "drop"]],
  ])("tries again after answers %s, and with the same message", async (_what, answers) => {
    server.answers = [...answers];
    const listener = new Listener();
    await runWith([listener, service(name)], new Error("no rows"));
    expect(server.received).toHaveLength(answers.length + 1);
    expect(new Set(server.received.map(({ text }) => text)).size).toBe(1);
    expect(listener.warnings).toEqual([]);
  });

  it.each([400, 401, 403, 404, 410, 413])("does not try again after %i, which is one warning", async (status) => {
    server.otherwise = { status };
    const listener = new Listener();
    await runWith([listener, service(name, { events: ["step.failed", "run.failed"] })], new Error("no rows"));
    expect(server.received).toHaveLength(2);
    expect(listener.warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^The observer "\\w+" failed at "run.failed": 2 of 2 messages to \\w+ were not sent. .*: the answer was ${status}`,
        ),
      ),
    ]);
  });

  it("gives up after as many attempts as retry says", async () => {
    server.otherwise = { status: 503 };
    const listener = new Listener();
    const result = await runWith([listener, service(name, { retry: 3 })], new Error("no rows"));
    expect(server.received).toHaveLength(3);
    expect(listener.warnings).toEqual([expect.stringContaining("the answer was 503")]);
    expect(result.status).toBe("failed");
  });

  it("follows no redirect", async () => {
    server.otherwise = { status: 307, headers: { location: `${elsewhere.url}/there` } };
    const listener = new Listener();
    await runWith([listener, service(name)], new Error("no rows"));
    expect(elsewhere.received).toEqual([]);
    expect(server.received).toHaveLength(1);
    expect(listener.warnings).toEqual([
      expect.stringContaining("the answer was 307, a redirect, which is not followed"),
    ]);
  });

  it.each<[string, Answer]>([
    ["tells all that it was sent", "echo"],
    ["fails", { status: 500 }],
    ["redirects", { status: 302, headers: { location: "http://127.0.0.1:9/SECRETpath" } }],
    ["breaks off", "drop"],
    ["is no HTTP", "garble"],
    ["never answers", "hang"],
  ])("has no secret in any event, error or result where the server %s", async (_what, answer) => {
    server.otherwise = answer;
    const listener = new Listener();
    const observer = service(name, { events: ["run.started", "run.failed"], retry: 2, timeout: 100 });
    const result = await runWith([listener, observer], new Error("no rows"));
    expect(listener.warnings).toEqual([expect.stringContaining("2 of 2 messages")]);
    // The observer itself is shown as well: an error in it would end in a log of the user's.
    const shown = allOf([listener.events, result, observer]);
    expect(secretsIn(shown)).toEqual([]);
  });

  it("has no secret in the warning where nobody listens", async () => {
    const listener = new Listener();
    const make = services[name] as (typeof services)[string];
    // Port 9 of this machine: nothing listens there.
    await runWith([listener, make("http://127.0.0.1:9", { ...quick, retry: 2 })], new Error("no rows"));
    expect(listener.warnings).toEqual([expect.stringContaining("there was no connection")]);
    expect(secretsIn(allOf(listener.events))).toEqual([]);
  });

  it("gives up a request without an answer after its timeout, and tries again", async () => {
    const clock = manualClock();
    server.answers = ["hang"];
    const observer = service(name, { clock, timeout: "4s" });
    const sent = observer.onEvent?.(failedEvent()) as Promise<void>;
    await server.untilReceived(1);
    await clock.advance("3999ms");
    expect(server.received).toHaveLength(1);
    await clock.advance("1ms");
    await clock.untilWaiting();
    await clock.advance("2ms");
    await sent;
    expect(server.received).toHaveLength(2);
  });

  it("gives a message up when its time is over, whatever retry says", async () => {
    const clock = manualClock();
    server.otherwise = "hang";
    const observer = service(name, { clock, timeout: "8s", giveUpAfter: "20s", retry: 100, retryDelay: 0 });
    // Seen to below, and so not unhandled meanwhile.
    const sent = Promise.resolve(observer.onEvent?.(failedEvent())).catch((error: unknown) => error);
    for (const [index, seconds] of ["8s", "8s", "4s"].entries()) {
      await clock.untilWaiting(1, seconds);
      await server.untilReceived(index + 1);
      await clock.advance(seconds);
    }
    const message = expect.stringContaining("no answer within 4 seconds, and it was too late for another attempt");
    expect(await sent).toMatchObject({ message });
    expect(clock.waiting).toBe(0);
  });

  it("waits as long as the service asks, where that is in time", async () => {
    const clock = manualClock();
    server.answers = [{ status: 429, headers: { "retry-after": "7" } }];
    const sent = service(name, { clock }).onEvent?.(failedEvent()) as Promise<void>;
    await clock.untilWaiting(1, "7s");
    await clock.advance("7s");
    await sent;
    expect(server.received).toHaveLength(2);
  });

  it("does not wait for a time that comes too late", async () => {
    const clock = manualClock();
    server.otherwise = { status: 429, headers: { "retry-after": "31" } };
    const sent = service(name, { clock }).onEvent?.(failedEvent()) as Promise<void>;
    await expect(sent).rejects.toThrow("the answer was 429, and it was too late for another attempt");
    expect(server.received).toHaveLength(1);
  });

  it("sends what happened in order, one at a time", async () => {
    server.answers = [{ status: 503 }, { status: 200, body: { ok: true } }, { status: 503 }];
    const workflow = new DotFlow({
      workflowId: "nightly",
      observers: [service(name, { events: ["step.completed", "run.completed"] })],
    });
    for (const id of ["a", "b", "c"])
      workflow.task.add(
        action({ name: id }, () => {}),
        { id },
      );
    await workflow.start({ mode: "parallel" });
    expect(server.atOnce).toBe(1);
    const texts = [...new Set(server.received.map(textIn))];
    expect(texts).toHaveLength(4);
    for (const [index, id] of ["a", "b", "c"].entries()) expect(texts[index]).toContain(id);
    expect(texts[3]).toMatch(/nightly completed|run.completed/);
  });
});

describe("a queue that is full", () => {
  it("loses what waits longest, and one warning says how much", async () => {
    const listener = new Listener();
    const workflow = new DotFlow({
      workflowId: "nightly",
      observers: [listener, service("webhook", { events: ["step.completed", "run.completed"] })],
    });
    for (let index = 0; index < 150; index++)
      workflow.task.add(
        action({ name: "step" }, () => {}),
        { id: `step-${index}` },
      );
    server.answers = ["drop"];
    await workflow.start({ mode: "parallel" });
    const lost = 151 - new Set(server.received.map(({ text }) => text)).size;
    expect(lost).toBeGreaterThan(0);
    expect(listener.warnings).toEqual([
      `The observer "webhook" failed at "run.completed": ${lost} of 151 messages to webhook were not sent. The last of them: too many were waiting.`,
    ]);
    expect(server.received.at(-1)?.body["type"]).toBe("run.completed");
  });

  it("holds what waits for no longer than a message may take", async () => {
    const clock = manualClock();
    server.otherwise = "hang";
    const observer = service("webhook", { clock, retryDelay: 0, events: ["step.completed", "run.failed"] });
    const time = new Date(0);
    for (let index = 0; index < 20; index++)
      void observer.onEvent?.({
        ...{ type: "step.completed", workflowId: "nightly", runId: "r1", startId: "r1", time },
        ...{ taskId: `t${index}`, name: "step", attempts: 1, durationMs: 1 },
      });
    // Seen to below, and so not unhandled meanwhile.
    const sent = Promise.resolve(observer.onEvent?.(failedEvent())).catch((error: unknown) => error);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await server.untilReceived(attempt);
      await clock.advance("10s");
    }
    expect(await sent).toMatchObject({ message: expect.stringContaining("21 of 21 messages") });
    expect(server.received).toHaveLength(3);
    expect(clock.waiting).toBe(0);
  });
});

describe("warnings", () => {
  it("of its own are not sent", async () => {
    server.otherwise = { status: 404 };
    const listener = new Listener();
    const observer = service("webhook", { events: ["warning", "run.failed"] });
    await runWith([listener, observer], new Error("no rows"));
    expect(listener.warnings).toHaveLength(1);
    // What it would have sent of it comes before what it sends of the next run.
    await runWith([observer], new Error("no rows"));
    expect(server.received.map(({ body }) => body["type"])).toEqual(["run.failed", "run.failed"]);
  });

  it("count the losses of each run alone", async () => {
    server.answers = [{ status: 404 }];
    const listener = new Listener();
    const observer = service("webhook");
    await runWith([listener, observer], new Error("no rows"));
    await runWith([listener, observer], new Error("no rows"));
    expect(listener.warnings).toEqual([expect.stringContaining("1 of 1 messages")]);
  });

  it("come of functions of the user that fail, and the run goes on", async () => {
    const listener = new Listener();
    const fail = (): never => {
      throw new Error("out of words");
    };
    const observers = [
      listener,
      slack({ webhookUrl: server.url, format: fail }),
      slack({ webhookUrl: server.url, format: (() => 1) as unknown as () => string }),
      webhook({ url: server.url, events: fail }),
    ];
    const result = await runWith(observers);
    expect(result.status).toBe("completed");
    expect(listener.warnings).toEqual([expect.stringContaining("events or format failed with Error: out of words")]);
    await runWith(observers, new Error("no rows"));
    expect(listener.warnings).toHaveLength(4);
    expect(server.received).toEqual([]);
  });
});

describe("events", () => {
  it("may be chosen by a function", async () => {
    const observer = service("webhook", { events: ({ type }) => type.startsWith("run.") });
    await runWith([observer]);
    expect(server.received.map(({ body }) => body["type"])).toEqual(["run.started", "run.completed"]);
  });

  it("are by default those that want a person: also a start that the storage refuses, not one that finds another process", async () => {
    const observer = service("webhook");
    const event = { ...failedEvent(), type: "run.refused", error: new Error("the storage is down") } as const;
    await observer.onEvent?.(event);
    const locked = Object.assign(new Error("driven by process 1"), { code: "WORKFLOW_LOCKED" });
    Object.defineProperty(locked, Symbol.for("dotflow.error"), { value: true });
    await observer.onEvent?.({ ...event, error: locked });
    expect(server.received.map(textIn)).toEqual([expect.stringContaining("the storage is down")]);
  });

  it("of a run that waits say what for", async () => {
    const workflow = new DotFlow({ workflowId: "nightly", observers: each.map((name) => service(name)) });
    workflow.task.add(
      action({ name: "review" }, async (_previous, step) => {
        await step.waitFor("approval");
      }),
    );
    await workflow.start();
    expect(server.received).toHaveLength(each.length);
    for (const received of server.received) {
      expect(textIn(received)).toContain("suspended");
      expect(textIn(received)).toContain("approval");
    }
  });
});

describe("options", () => {
  it.each<[string, object]>([
    ['The option events of webhook has "run.fail", which is no type of event', { events: ["run.fail"] }],
    ["The option events of webhook is a list", { events: "run.failed" }],
    ["The option timeout of webhook is", { timeout: "soon" }],
    ["The option giveUpAfter of webhook is", { giveUpAfter: -1 }],
    ["The option retry is -1", { retry: -1 }],
    ['webhook has no option "uri"', { uri: "http://127.0.0.1" }],
  ])("are refused: %s", (message, options) => {
    const make = (): unknown => webhook({ url: server.url, ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it("that are undefined are those that are left out", async () => {
    const observer = webhook({
      url: server.url,
      events: undefined,
      retry: undefined,
      timeout: undefined,
      retryDelay: 0,
    });
    server.answers = [{ status: 503 }];
    await runWith([observer], new Error("no rows"));
    expect(server.received).toHaveLength(2);
  });
});
