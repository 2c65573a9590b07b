// `openTelemetry` with the real SDK: its context manager, and exporters that keep what they are given.
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { action, type Context, DotFlow, type DotFlowOptions, type StepContext, StorageMemory } from "dotflow";
import { openTelemetry } from "dotflow/observers/opentelemetry";
import { StorageFile } from "dotflow/storage/file";
import { manualClock } from "dotflow/testing";
import { startChild } from "../guarantees/children.ts";

const { context, metrics, trace } = api;
let exporter: InMemorySpanExporter;
let measured: InMemoryMetricExporter;
let meters: MeterProvider;

beforeEach(() => {
  exporter = new InMemorySpanExporter();
  measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
  meters = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  metrics.setGlobalMeterProvider(meters);
});

afterEach(async () => {
  await meters.shutdown();
  for (const global of [context, trace, metrics]) global.disable();
});

describe("Spans", () => {
  it("of run, task and attempt lie within each other, those of a step's own code within its attempt", async () => {
    const workflow = flow();
    workflow.task.add(
      action({ name: "fetch", retry: 2, retryDelay: 0 }, async (_: Context, { attempt }: StepContext) => {
        await own(`own ${attempt}`);
        if (attempt === 1) throw new TypeError("not yet");
        return 1;
      }),
    );
    await own("caller", () => workflow.start());
    expect(tree()).toEqual([
      ["caller", ["workflow job", ["task fetch", ["attempt fetch", ["own 1"]], ["attempt fetch", ["own 2"]]]]],
    ]);
    const [first, second] = spans("attempt fetch");
    expect(first).toMatchObject({
      status: { code: 2, message: "not yet" },
      events: [{ name: "exception", attributes: { "exception.type": "TypeError" } }],
      attributes: { "dotflow.attempt": 1, "dotflow.task.id": "fetch", "dotflow.workflow.id": "job" },
    });
    expect(second).toMatchObject({ status: { code: 0 }, events: [] });
    expect(spans("task fetch")[0]).toMatchObject({
      status: { code: 0 },
      attributes: { "dotflow.status": "completed" },
    });
    expect(spans("workflow job")[0]?.attributes).toMatchObject({
      "dotflow.status": "completed",
      "dotflow.tasks.succeeded": 1,
    });
  });

  it("of tasks side by side keep apart what their steps do", async () => {
    const workflow = flow();
    for (const name of ["a", "b", "c"]) {
      workflow.task.add(
        action({ name }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          await own(`own ${name}`);
        }),
      );
    }
    await workflow.start({ mode: "parallel" });
    expect(tree()).toEqual([
      ["workflow job", ...["a", "b", "c"].map((name) => [`task ${name}`, [`attempt ${name}`, [`own ${name}`]]])],
    ]);
  });

  it("of items of a map are attempts with the item's key", async () => {
    const workflow = flow();
    workflow.task.map(
      action({ name: "item" }, ({ storage }: Context<string>) => own(`own ${storage}`)),
      { over: () => ["x", "y"], key: (item) => item },
    );
    await workflow.start();
    expect(tree()).toEqual([["workflow job", ["task item", ["attempt item", ["own x"]], ["attempt item", ["own y"]]]]]);
    expect(spans("attempt item").map(({ attributes }) => attributes["dotflow.item"])).toEqual(["x", "y"]);
  });

  it("of a workflow that is a step lie within the attempt of that step", async () => {
    const inner = new DotFlow({ workflowId: "inner" });
    inner.task.add(action({ name: "deep" }, () => own("own")));
    const workflow = flow();
    workflow.task.add(inner);
    await workflow.start();
    expect(tree()).toEqual([
      [
        "workflow job",
        ["task inner", ["attempt inner", ["workflow job.inner", ["task deep", ["attempt deep", ["own"]]]]]],
      ],
    ]);
  });

  it("of a failed step and its run are marked as failed; what was skipped is told in the run's", async () => {
    const workflow = flow();
    workflow.task.add(
      action({ name: "broken" }, () => {
        throw new Error("it broke");
      }),
    );
    workflow.task.add(action({ name: "next" }, () => 1));
    await workflow.start();
    expect(spans("task broken")[0]).toMatchObject({
      status: { code: 2, message: "it broke" },
      attributes: { "dotflow.status": "failed" },
    });
    expect(spans("workflow job")[0]).toMatchObject({
      status: { code: 2 },
      events: [{ name: "step.skipped", attributes: { "dotflow.task.id": "next" } }],
    });
  });

  it("are all ended where an attempt never comes back: a wait, a time-out, a cancelled run, a refused start", async () => {
    const storage = new StorageMemory();
    const waiting = flow({ storage });
    waiting.task.add(action({ name: "wait" }, (_: Context, step: StepContext) => step.waitFor("signal")));
    expect((await waiting.start()).status).toBe("suspended");
    expect(spans("task wait")[0]?.attributes["dotflow.status"]).toBe("waiting");
    expect(started()).toEqual(["attempt wait", "task wait", "workflow job"]);

    const never = (): Promise<never> => new Promise(() => {});
    const clock = manualClock();
    const late = flow({ clock, workflowId: "late" });
    late.task.add(action({ name: "late", timeout: "1s" }, never));
    const ended = late.start();
    await clock.untilWaiting(1, "1s");
    await clock.advance("1s");
    expect((await ended).status).toBe("failed");
    expect(started()).toEqual(["attempt late", "task late", "workflow late"]);

    const cancelled = flow({ clock, workflowId: "cancelled" });
    const controller = new AbortController();
    const begun = new Promise<void>((resolve) => {
      cancelled.task.add(action({ name: "long" }, () => (resolve(), never())));
    });
    const stopped = cancelled.start({ signal: controller.signal });
    await begun;
    controller.abort();
    await clock.untilWaiting(1, "2s");
    await clock.advance("2s");
    expect((await stopped).status).toBe("cancelled");
    expect(started()).toEqual(["attempt long", "task long", "workflow cancelled"]);

    const changed = flow({ storage });
    changed.task.add(action({ name: "other" }, () => 1));
    await waiting.checkpoints.signal("signal");
    await waiting.start({ resume: true });
    exporter.reset();
    await expect(changed.start({ resume: true })).rejects.toMatchObject({ code: "WORKFLOW_CHANGED" });
    expect(spans("workflow job")[0]).toMatchObject({
      status: { code: 2 },
      attributes: { "dotflow.status": "refused" },
    });
  });

  it("of a resumed run have a link to that of the start before", async () => {
    const storage = new StorageMemory();
    const start = async (): Promise<ReadableSpan | undefined> => {
      const workflow = flow({ storage });
      workflow.task.add(action({ name: "step" }, () => 1));
      await workflow.start({ resume: true });
      return spans("workflow job").at(-1);
    };
    const [first, second, third] = [await start(), await start(), await start()];
    expect(first?.links).toEqual([]);
    expect(second?.links.map(target)).toEqual([first?.spanContext().spanId]);
    expect(third?.links.map(target)).toEqual([second?.spanContext().spanId]);
    expect(third?.spanContext().traceId).not.toBe(second?.spanContext().traceId);
  });

  it("have the link after a crash too, in another process", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trace-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const child = startChild("observers-traced", folder);
    const attempt = await child.message<{ traceId: string }>();
    expect(await child.ended).toBe("SIGKILL");
    const workflow = flow({ workflowId: "traced", storage: new StorageFile({ folder }) });
    workflow.task.add(action({ name: "step" }, () => 1));
    await workflow.start({ resume: true });
    expect(spans("workflow traced")[0]?.links.map(({ context: { traceId } }) => traceId)).toEqual([attempt.traceId]);
  });

  it("take the attributes that were given, and none where spans: false", async () => {
    for (const options of [{ attributes: { team: "data" }, api }, { spans: false }]) {
      const workflow = new DotFlow({ workflowId: "job", observers: [openTelemetry(options)] });
      workflow.task.add(action({ name: "step" }, () => 1));
      await workflow.start();
    }
    const all = exporter.getFinishedSpans();
    expect(all.map(({ attributes }) => attributes["team"])).toEqual(["data", "data", "data"]);
  });
});

describe("Metrics", () => {
  it("count and time runs and steps, retries and bytes; by workflow, step and status", async () => {
    const storage = new StorageMemory();
    let fails = true;
    const workflow = flow({ storage });
    workflow.task.add(action({ name: "fine" }, () => "12345678"));
    workflow.task.add(
      action({ name: "flaky", retry: 2, retryDelay: 0 }, () => {
        if (fails) throw new Error("flaky");
      }),
    );
    workflow.task.add(action({ name: "last" }, () => 1));
    await workflow.start();
    fails = false;
    await workflow.start({ resume: true });
    const seen = await collected();
    const at = { "dotflow.workflow": "job" };
    expect(seen("dotflow.runs")).toEqual([
      [{ ...at, "dotflow.status": "failed" }, 1],
      [{ ...at, "dotflow.status": "completed" }, 1],
    ]);
    expect(seen("dotflow.runs.active")).toEqual([[at, 0]]);
    const step = (name: string, status: string) => ({ ...at, "dotflow.step": name, "dotflow.status": status });
    expect(seen("dotflow.steps")).toEqual([
      [step("fine", "completed"), 1],
      [step("flaky", "failed"), 1],
      [step("last", "skipped"), 1],
      [step("fine", "restored"), 1],
      [step("flaky", "completed"), 1],
      [step("last", "completed"), 1],
    ]);
    expect(seen("dotflow.step.retries")).toEqual([[{ ...at, "dotflow.step": "flaky" }, 1]]);
    expect(seen("dotflow.step.duration").map(([, value]) => (value as { count: number }).count)).toEqual([1, 1, 1, 1]);
    expect(seen("dotflow.run.duration").map(([, value]) => (value as { count: number }).count)).toEqual([1, 1]);
    const [[, written]] = seen("dotflow.checkpoint.io") as [[unknown, number]];
    expect(written).toBeGreaterThan(10);
    expect(unitsOf()).toMatchObject({
      "dotflow.runs": "{run}",
      "dotflow.run.duration": "s",
      "dotflow.step.duration": "s",
      "dotflow.step.retries": "{retry}",
      "dotflow.checkpoint.io": "By",
    });
  });

  it("are labelled as workflowLabel says", async () => {
    const workflow = new DotFlow({
      workflowId: "order-17",
      observers: [openTelemetry({ workflowLabel: (id) => id.replace(/-\d+$/, "") })],
    });
    workflow.task.add(action({ name: "step" }, () => 1));
    await workflow.start();
    expect((await collected())("dotflow.runs")).toEqual([
      [{ "dotflow.workflow": "order", "dotflow.status": "completed" }, 1],
    ]);
  });
});

it("does nothing where no SDK is registered, and begins with the start after one is", async () => {
  for (const global of [context, trace, metrics]) global.disable();
  const seen: unknown[] = [];
  const storage = new StorageMemory();
  const workflow = new DotFlow({
    workflowId: "job",
    storage,
    observers: [openTelemetry(), { onEvent: (event) => void (event.type === "run.resumed" && seen.push(event.notes)) }],
  });
  workflow.task.add(action({ name: "first" }, () => 1));
  workflow.task.add(action({ name: "step" }, () => trace.getActiveSpan()?.spanContext().traceId ?? "none"));
  expect(await (await workflow.start()).output()).toBe("none");
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  metrics.setGlobalMeterProvider(meters);
  expect(await (await workflow.start({ resume: true, from: "step" })).output()).toMatch(/^[\da-f]{32}$/);
  expect(seen).toEqual([{}]);
  expect((await collected())("dotflow.runs")).toMatchObject([[{ "dotflow.status": "completed" }, 1]]);
  expect(started()).toEqual(["attempt step", "task step", "workflow job"]);
});

it("changes nothing in a run where the SDK throws", async () => {
  trace.disable();
  trace.setGlobalTracerProvider({
    getTracer: () => {
      throw new Error("broken SDK");
    },
  });
  const workflow = flow();
  workflow.task.add(action({ name: "step" }, () => 1));
  expect((await workflow.start()).status).toBe("completed");
});

it.each([
  [{ span: false }, 'openTelemetry() has no option "span".'],
  [{ metrics: "no" }, "The option metrics of openTelemetry() must be a boolean."],
])("refuses %o", (options, message) => {
  expect(() => openTelemetry(options as never)).toThrow(message);
});

function flow(options: DotFlowOptions = {}): DotFlow {
  return new DotFlow({ workflowId: "job", observers: [openTelemetry()], ...options });
}

/** A span of the user's own. */
function own<Result>(name: string, work: () => Promise<Result> = async () => undefined as Result): Promise<Result> {
  return trace.getTracer("own").startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

function spans(name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}

/** The names of all spans that have ended, in their order; they are forgotten. */
function started(): string[] {
  const names = exporter.getFinishedSpans().map(({ name }) => name);
  exporter.reset();
  return names;
}

type Tree = [name: string, ...children: Tree[]];

function tree(parent?: string): Tree[] {
  const order = ({ startTime: [seconds, nanos] }: ReadableSpan): number => seconds * 1e9 + nanos;
  return exporter
    .getFinishedSpans()
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
    .sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
    .map((span) => [span.name, ...tree(span.spanContext().spanId)]);
}

function target({ context: { spanId } }: api.Link): string {
  return spanId;
}

async function collected(): Promise<(name: string) => [unknown, unknown][]> {
  await meters.forceFlush();
  const all = allMetrics();
  return (name) =>
    all
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }): [unknown, unknown] => [attributes, value]));
}

function unitsOf(): Record<string, string> {
  return Object.fromEntries(allMetrics().map(({ descriptor: { name, unit } }) => [name, unit]));
}

function allMetrics() {
  return (
    measured
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
  );
}
