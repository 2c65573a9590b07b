// Guarantee 15 for the observers that come with the package: secrets of the workflow appear in nothing that they give away.
import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import * as Sentry from "@sentry/node";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import { pino as makePino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { action, type Context, DotFlow, type Observer, type StepContext, StorageMemory } from "dotflow";
import { log } from "dotflow/observers/log";
import { openTelemetry } from "dotflow/observers/opentelemetry";
import { pino } from "dotflow/observers/pino";
import { prometheus } from "dotflow/observers/prometheus";
import { sentry } from "dotflow/observers/sentry";
import { faultyStorage } from "dotflow/testing";

const secret = "SECRET-of-the-test-0123456789";
const encryptionKey = "ENCRYPTION-KEY-of-the-test-01234";
const value = "VALUE-of-a-step";

it("gives no secret, key or value away: log, pino, openTelemetry, sentry, prometheus", async () => {
  const given: unknown[] = [];
  const spans = new InMemorySpanExporter();
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  metrics.setGlobalMeterProvider(meters);
  Sentry.init({
    dsn: "https://key@sentry.invalid/1",
    defaultIntegrations: false,
    transport: () => ({
      send: (envelope) => (given.push(envelope), Promise.resolve({ statusCode: 200 })),
      flush: () => Promise.resolve(true),
    }),
  });
  onTestFinished(async () => {
    await Sentry.close();
    await meters.shutdown();
    for (const global of [context, trace, metrics]) global.disable();
  });
  const lines = new PassThrough();
  const stream = { write: (text: string) => given.push(text) };
  const counted = prometheus();
  const observers: Observer[] = [
    log({ level: "debug", format: "pretty", stream }),
    log({ level: "debug", format: "json", stream }),
    pino(makePino({ level: "debug" }, lines)),
    openTelemetry(),
    sentry(Sentry, { retries: true }),
    counted,
  ];
  const storage = faultyStorage(new StorageMemory());
  const workflow = new DotFlow({
    workflowId: "job",
    storage,
    observers,
    secret,
    encryptionKey: Buffer.from(encryptionKey),
  });
  let fails = true;
  workflow.task.add(action({ name: "value" }, () => value));
  workflow.task.add(
    action({ name: "flaky", retry: 2, retryDelay: 0 }, (previous: Context, { attempt }: StepContext) => {
      if (fails && attempt === 2) storage.inject({ operation: ["create", "put"], kind: "fail" });
      if (fails) throw new Error("flaky");
      return previous.storage;
    }),
  );
  await workflow.start().catch(() => {});
  fails = false;
  await workflow.start({ resume: true });
  const thief = new DotFlow({
    workflowId: "job",
    storage,
    observers,
    secret: "another secret of 24 bytes",
    encryptionKey: Buffer.from(encryptionKey),
  });
  thief.task.add(action({ name: "value" }, () => value));
  await expect(thief.start({ resume: true })).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
  await meters.forceFlush();
  given.push(String(lines.read()), await counted.metrics(), spans.getFinishedSpans(), measured.getMetrics());
  const text = given
    .map((each) => inspect(each, { depth: 10, maxArrayLength: null, maxStringLength: null }))
    .join("\n");
  for (const what of ["CORRUPT_CHECKPOINT", "flaky", "attempt flaky", "dotflow_runs_total"])
    expect(text).toContain(what);
  for (const hidden of [secret, encryptionKey, value]) {
    const bytes = Buffer.from(hidden);
    for (const form of [hidden, bytes.toString("hex"), bytes.toString("base64").slice(0, -4)])
      expect(text).not.toContain(form);
  }
});
