// `log` and `pino`: one line an event, whatever its texts hold.
import { PassThrough, Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { pino as makePino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { action, type Context, DotFlow, type Observer, type StepContext, type WorkflowEvent } from "dotflow";
import { log } from "dotflow/observers/log";
import { pino } from "dotflow/observers/pino";
import { manualClock } from "dotflow/testing";

/** Texts that would break a line, color it, move the cursor, turn the writing, or end a JSON text. */
const nasty = 'a\nb\r\u001b[31mred\u001b]0;title\u0007\u0085\u009b2J\u2028\u2029\u202eback"\\\ud800\u0000';
const visible =
  'a\\nb\\r\\u001b[31mred\\u001b]0;title\\u0007\\u0085\\u009b2J\\u2028\\u2029\\u202eback"\\\\ud800\\u0000';
// oxlint-disable-next-line no-control-regex -- that is what must not be there
const unwanted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/;

describe("log", () => {
  it("writes a line of JSON for every event, with its fields, at the level and above", async () => {
    const { lines, stream } = sink();
    await run([log({ stream })]);
    const objects = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ event, level }) => [event, level])).toEqual([
      ["run.started", "info"],
      ["step.completed", "info"],
      ["step.retrying", "warn"],
      ["step.failed", "error"],
      ["step.skipped", "info"],
      ["run.failed", "error"],
    ]);
    expect(objects[3]).toEqual({
      time: "2026-01-01T00:00:00.000Z",
      level: "error",
      event: "step.failed",
      workflowId: "job",
      runId: expect.any(String),
      startId: expect.any(String),
      taskId: "broken",
      step: "broken",
      attempts: 2,
      durationMs: 0,
      error: {
        name: "TypeError",
        message: "it broke",
        code: "E_BROKEN",
        stack: expect.stringContaining("TypeError: it broke\n"),
        cause: { name: "Error", message: "disk", stack: expect.any(String) },
      },
      message: "broken failed after 0 ms, 2 attempts: TypeError: it broke",
    });
  });

  it.each([
    ["debug", 9],
    ["info", 6],
    ["warn", 3],
    ["error", 2],
  ] as const)("at the level %s", async (level, count) => {
    const { lines, stream } = sink();
    await run([log({ level, stream })]);
    expect(lines()).toHaveLength(count);
  });

  it("writes for people in a terminal, with colors; none where NO_COLOR is set, or where it is no terminal", async () => {
    const pretty = async (options: Parameters<typeof log>[0], isTTY: boolean): Promise<string> => {
      const { text, stream } = sink(isTTY);
      await run([log({ ...options, stream })]);
      return text();
    };
    vi.stubEnv("NO_COLOR", undefined);
    vi.stubEnv("TERM", "xterm");
    const colored = await pretty({}, true);
    expect(colored).toContain("\u001b[31mERROR\u001b[39m");
    vi.stubEnv("NO_COLOR", "1");
    const plain = await pretty({}, true);
    vi.unstubAllEnvs();
    expect(plain).toBe(await pretty({ format: "pretty" }, false));
    expect(plain).not.toContain("\u001b");
    expect(plain).toBe(stripVTControlCharacters(colored));
    expect(plain.replace(/^\d\d:\d\d:\d\d /gm, "").split("\n")).toEqual([
      "INFO  job run started: 3 tasks, sequential",
      "INFO  job fine completed in 0 ms",
      "WARN  job broken failed at attempt 1, goes on in 0 ms: TypeError: it broke",
      "ERROR job broken failed after 0 ms, 2 attempts: TypeError: it broke",
      expect.stringMatching(/^INFO {2}job never skipped: /),
      "ERROR job run failed after 0 ms: 1 done, 0 restored, 1 failed, 1 skipped",
      "",
    ]);
    expect(await pretty({ format: "json" }, true)).toMatch(/^\{"time"/);
  });

  it.each(["pretty", "json"] as const)(
    "lets no text of a user break a line or steer a terminal: %s",
    async (format) => {
      const { lines, stream } = sink();
      const workflow = new DotFlow({
        workflowId: `w${nasty.replace("\ud800", "")}`,
        observers: [log({ level: "debug", format, stream })],
        clock: manualClock(),
      });
      const error = Object.assign(new Error(nasty), { name: nasty, code: nasty, cause: new Error(nasty) });
      workflow.task.add(
        action({ name: `s${nasty.replace("\ud800", "")}` }, () => {
          throw error;
        }),
      );
      await workflow.start();
      const written = lines();
      expect(written).toHaveLength(4);
      for (const line of written) expect(line).not.toMatch(unwanted);
      if (format === "pretty") expect(written[2]).toContain(visible);
      else expect(JSON.parse(written[2] as string)).toMatchObject({ error: { message: nasty } });
    },
  );

  it("says something of every error, also of one that can't be read", async () => {
    const { text, stream } = sink();
    const spoilt = new Error("spoilt");
    const spoiler: Observer = {
      onEvent: (event: WorkflowEvent) => {
        if (event.type !== "step.failed") return;
        Object.defineProperty(event.error, "message", {
          get: () => {
            throw new Error("spoilt");
          },
        });
      },
    };
    const workflow = new DotFlow({ workflowId: "job", observers: [spoiler, log({ stream })] });
    workflow.task.add(
      action({ name: "broken" }, () => {
        throw spoilt;
      }),
    );
    await workflow.start();
    expect(text()).toContain("broken failed after");
    expect(text()).toContain("an error that can't be read");
  });

  it("is waited for at the end of the run where its stream is slow, and told once a drain", async () => {
    const written: string[] = [];
    let release = (): void => {};
    const stream = new Writable({
      highWaterMark: 1,
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        written.push(text);
        release = done;
      },
    });
    const ended = run([log({ level: "debug", format: "json", stream })]);
    await expect.poll(() => written.length).toBe(1);
    expect(stream.listenerCount("drain")).toBe(1);
    let isOver = false;
    void ended.then(() => (isOver = true));
    while (written.length < 9) {
      release();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    release();
    await ended;
    expect(written.map((line) => JSON.parse(line) as unknown)).toHaveLength(9);
  });

  it("does not let a stream that fails end the process or the run", async () => {
    const broken = new Writable({ write: (_text, _encoding, done) => setImmediate(done, new Error("EPIPE")) });
    const { status } = await run([log({ stream: broken })]);
    expect(status).toBe("failed");
    await expect.poll(() => broken.closed).toBe(true);
    const throwing = {
      write: () => {
        throw new Error("EPIPE");
      },
    };
    expect((await run([log({ stream: throwing })])).status).toBe("failed");
  });

  it.each([
    [{ levle: "info" }, 'log() has no option "levle". It has: level, format, stream.'],
    [{ level: "loud" }, 'The option level of log() must be one of "debug", "info", "warn", "error".'],
    [{ stream: {} }, "The option stream of log() must be an object with the function write."],
    [null, "log() takes an object of options."],
  ])("refuses %o", (options, message) => {
    expect(() => log(options as never)).toThrow(message);
  });
});

describe("pino", () => {
  it("hands every event to a real pino, at its level, with the error where pino looks for it", async () => {
    const stream = new PassThrough();
    const logger = makePino({ name: "app", level: "debug" }, stream);
    await run([pino(logger)]);
    const lines = (stream.read() as Buffer).toString().trimEnd().split("\n");
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects).toHaveLength(9);
    expect(objects.find(({ event }) => event === "step.failed")).toMatchObject({
      level: 50,
      name: "app",
      workflowId: "job",
      taskId: "broken",
      step: "broken",
      msg: "broken failed after 0 ms, 2 attempts: TypeError: it broke",
      err: { type: "TypeError", message: expect.stringContaining("it broke"), code: "E_BROKEN" },
    });
    expect(new Set(objects.map(({ level }) => level))).toEqual(new Set([20, 30, 40, 50]));
  });

  it("gives what can be read of an error that pino can't write: the failure is not lost", async () => {
    const stream = new PassThrough();
    const warnings: unknown[] = [];
    const hears: Observer = { name: "hears", onEvent: (event) => event.type === "warning" && warnings.push(event) };
    const workflow = new DotFlow({ workflowId: "job", observers: [pino(makePino(stream)), hears] });
    const first = new AggregateError([], "in a circle");
    first.errors.push(new AggregateError([first], "around"));
    workflow.task.add(
      action({ name: "broken" }, () => {
        throw first;
      }),
    );
    expect((await workflow.start()).status).toBe("failed");
    const lines = (stream.read() as Buffer).toString().trimEnd().split("\n");
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects).toContainEqual(
      expect.objectContaining({
        event: "step.failed",
        err: expect.objectContaining({ name: "AggregateError", message: "in a circle" }),
      }),
    );
    expect(warnings).toEqual([]);
  });

  it("changes nothing in a run where the logger throws", async () => {
    const logger = makePino(new PassThrough());
    logger.info = () => {
      throw new Error("disk full");
    };
    expect((await run([pino(logger)])).status).toBe("failed");
  });

  it("refuses what is no logger", () => {
    expect(() => pino({ info() {} } as never)).toThrow("debug is missing");
    expect(() => pino(undefined as never)).toThrow("debug is missing");
  });
});

/** A run with a step that completes, one that fails after a retry, and one that is skipped. */
async function run(observers: Observer[]) {
  const workflow = new DotFlow({ workflowId: "job", observers, clock: stillClock() });
  workflow.task.add(action({ name: "fine" }, () => 1));
  workflow.task.add(
    action({ name: "broken", retry: 2, retryDelay: 0 }, (_: Context, step: StepContext) => {
      throw Object.assign(new TypeError("it broke", { cause: new Error("disk") }), {
        code: "E_BROKEN",
        attempt: step.attempt,
      });
    }),
  );
  workflow.task.add(action({ name: "never" }, () => 1));
  return workflow.start();
}

/** Shows one time only; its timers are real. */
function stillClock() {
  const clock = manualClock();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    timer: (milliseconds: number, callback: () => void) => {
      const handle = setTimeout(callback, milliseconds);
      return () => clearTimeout(handle);
    },
  };
}

function sink(isTTY = false) {
  const parts: string[] = [];
  const stream = { isTTY, write: (text: string) => parts.push(text) > 0 };
  const text = (): string => parts.join("");
  const lines = (): string[] => {
    expect(text().endsWith("\n")).toBe(true);
    return text().slice(0, -1).split("\n");
  };
  return { text, lines, stream };
}
