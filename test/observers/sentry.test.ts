// `sentry` with the real SDK, whose transport keeps what would be sent.
import * as Sentry from "@sentry/node";
import { beforeAll, beforeEach, afterAll, describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, type StepContext, StorageMemory } from "dotflow";
import { sentry } from "dotflow/observers/sentry";
import { faultyStorage } from "dotflow/testing";

let sent: Sentry.ErrorEvent[];

beforeAll(() => {
  Sentry.init({
    dsn: "https://key@sentry.invalid/1",
    defaultIntegrations: false,
    beforeSend: (event) => (sent.push(event), event),
    // It answers as the service would.
    transport: () => ({ send: () => Promise.resolve({ statusCode: 200 }), flush: () => Promise.resolve(true) }),
  });
});

afterAll(() => Sentry.close());

beforeEach(() => {
  sent = [];
});

describe("sentry", () => {
  it("reports a failed step once, with its tags and what happened before", async () => {
    const workflow = flow();
    workflow.task.add(action({ name: "fine" }, () => 1));
    workflow.task.add(
      action({ name: "broken", retry: 2, retryDelay: 0 }, (_: Context, { attempt }: StepContext) => {
        throw new TypeError(`it broke ${attempt}`);
      }),
    );
    workflow.task.add(action({ name: "next" }, () => 1));
    const { runId } = await workflow.start();
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      level: "error",
      tags: { workflow: "job", run: runId, task: "broken", attempt: "2" },
      exception: { values: [{ type: "TypeError", value: "it broke 2" }] },
    });
    expect(
      sent[0]?.breadcrumbs?.map(({ message, level }) => `${level} ${message?.replace(/\d+ ms|\d+ bytes?/g, "…")}`),
    ).toEqual([
      "info run started: 3 tasks, sequential",
      "debug fine started: no record",
      "debug fine saved: …",
      "info fine completed in …",
      "debug broken started: no record",
      "warning broken failed at attempt 1, goes on in …: TypeError: it broke 1",
    ]);
  });

  it("gives its tags to what a step reports itself, and to nothing outside", async () => {
    const workflow = flow();
    for (const name of ["a", "b"]) {
      workflow.task.add(
        action({ name }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          Sentry.captureMessage(`from ${name}`);
        }),
      );
    }
    const messages: (readonly [unknown, unknown])[] = [];
    Sentry.addEventProcessor((event) => {
      if (event.message !== undefined) messages.push([event.message, event.tags?.["task"]]);
      return event;
    });
    await workflow.start({ mode: "parallel" });
    Sentry.captureMessage("outside");
    expect(messages).toEqual([
      ["from a", "a"],
      ["from b", "b"],
      ["outside", undefined],
    ]);
  });

  it("keeps the breadcrumbs of runs side by side apart, and none of a run that has ended", async () => {
    const failing = (workflowId: string): DotFlow => {
      const workflow = flow({ workflowId });
      workflow.task.add(
        action({ name: `step of ${workflowId}` }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error(workflowId);
        }),
      );
      return workflow;
    };
    await Promise.all([failing("one").start(), failing("two").start()]);
    await failing("three").start();
    expect(sent).toHaveLength(3);
    for (const { tags, breadcrumbs } of sent) {
      const messages = breadcrumbs?.map(({ message }) => message);
      expect(messages).toEqual([
        "run started: 1 task, sequential",
        `step of ${String(tags?.["workflow"])} started: no record`,
      ]);
    }
  });

  it("reports a storage that fails a run, and a start that is refused", async () => {
    const storage = faultyStorage(new StorageMemory());
    const workflow = flow({ storage });
    workflow.task.add(
      action({ name: "step" }, () => storage.inject({ operation: ["create", "put"], kind: "fail", times: Infinity })),
    );
    await expect(workflow.start()).rejects.toMatchObject({ code: "STORAGE" });
    await expect(flow({ storage }).start({ resume: "required" })).rejects.toMatchObject({ code: expect.any(String) });
    expect(sent.map(({ exception, tags }) => [exception?.values?.at(-1)?.type, tags?.["run"] !== undefined])).toEqual([
      ["StorageError", true],
      [expect.any(String), false],
    ]);
  });

  it("does not report again what a step, or who called start, reported itself", async () => {
    const workflow = flow({
      storage: faultyStorage(new StorageMemory(), { faults: [{ kind: "fail", times: Infinity }] }),
    });
    workflow.task.add(action({ name: "step" }, () => 1));
    await workflow.start().catch((error: unknown) => Sentry.captureException(error));
    const own = flow();
    own.task.add(
      action({ name: "step" }, () => {
        const error = new Error("it broke");
        Sentry.captureException(error);
        throw error;
      }),
    );
    await own.start();
    expect(sent.map(({ exception }) => exception?.values?.at(-1)?.value)).toEqual([
      expect.stringContaining("Injected fault"),
      "it broke",
    ]);
  });

  it("reports retries as warnings where they are asked for, of items with their keys", async () => {
    const workflow = flow({ observers: [sentry(Sentry, { retries: true })] });
    const flaky = (_: Context<string>, { attempt }: StepContext): void => {
      if (attempt === 1) throw new Error("flaky");
    };
    workflow.task.map(action({ name: "map", retry: 2, retryDelay: 0 }, flaky), {
      over: () => [`${"k".repeat(300)}\n`],
      key: (item) => item,
    });
    await workflow.start();
    expect(sent).toMatchObject([
      { level: "warning", tags: { task: "map", attempt: "1", item: `${"k".repeat(199)}…` } },
    ]);
  });

  it("waits at the end of a run for what it reported to be sent, and only then", async () => {
    let flushed = 0;
    const sdk = { ...Sentry, flush: (timeout: number) => (flushed++, Sentry.flush(timeout)) };
    const workflow = flow({ observers: [sentry(sdk)] });
    let fails = false;
    workflow.task.add(
      action({ name: "step" }, () => {
        if (fails) throw new Error("it broke");
      }),
    );
    await workflow.start();
    expect(flushed).toBe(0);
    fails = true;
    await workflow.start();
    expect(flushed).toBe(1);
  });

  it("changes nothing in a run where the SDK throws", async () => {
    const broken = (): never => {
      throw new Error("broken SDK");
    };
    const workflow = flow({ observers: [sentry({ withScope: broken, captureException: broken })] });
    let calls = 0;
    workflow.task.add(
      action({ name: "step" }, () => {
        calls++;
        throw new Error("it broke");
      }),
    );
    expect([(await workflow.start()).status, calls]).toEqual(["failed", 1]);
  });

  it("refuses what is no SDK, and unknown options", () => {
    expect(() => sentry({} as never)).toThrow("sentry() takes the Sentry SDK");
    expect(() => sentry(Sentry, { retry: true } as never)).toThrow('sentry() has no option "retry". It has: retries.');
  });
});

function flow(options: DotFlowOptions = {}): DotFlow {
  return new DotFlow({ workflowId: "job", observers: [sentry(Sentry)], ...options });
}
