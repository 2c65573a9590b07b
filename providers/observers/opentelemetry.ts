// `openTelemetry()`: an observer that gives spans and metrics through `@opentelemetry/api`, whatever SDK is registered there.
import type { ObservedStart, ObservedStep, Observer, WorkflowEvent } from "../../src/events.ts";
import { isLast } from "../shared/event-facts.ts";
import { requirePackage } from "../shared/load-package.ts";
import { chosen } from "../shared/observer-options.ts";
import { type Attributes, type OpenTelemetryApi, traceparentOf } from "./opentelemetry-api.ts";
import { OpenTelemetryMetrics } from "./opentelemetry-metrics.ts";
import { RunTrace } from "./opentelemetry-trace.ts";

export type { OpenTelemetryApi } from "./opentelemetry-api.ts";

export interface OpenTelemetryOptions {
  /** @default true */
  spans?: boolean;
  /** @default true */
  metrics?: boolean;
  /** More attributes for every span. @default none */
  attributes?: Readonly<Attributes>;
  /**
   * The attribute `dotflow.workflow` of metrics, from a workflow's id. Where ids hold something that is new each time, such as an
   * order's number, give a text that does not: a backend keeps a series for each.
   *
   * @default the workflowId
   */
  workflowLabel?: (workflowId: string) => string;
  /** The module `@opentelemetry/api`, where it can't be found at run time, such as in a bundle. @default the installed one */
  api?: OpenTelemetryApi;
}

const name = "opentelemetry";
const noAttributes: Readonly<Attributes> = {};

/**
 * Traces every start of a run: a span for it, within it one for each task that is executed, and one for each attempt. What a step
 * does is within the span of its attempt, as far as the SDK has a context manager. The span of a resumed run has a link to
 * that of the start before, from whatever process and after a crash too. Metrics come beside.
 *
 * With no SDK registered it does nothing. One that is registered later counts from the next start on.
 *
 * Throws a `MissingPackageError` where `@opentelemetry/api` is not installed.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Observer {
  const { api, spans, metrics, attributes, workflowLabel } = chosen("openTelemetry", options, {
    spans: { type: "boolean", default: true },
    metrics: { type: "boolean", default: true },
    attributes: { type: "object", default: noAttributes },
    workflowLabel: { type: "function", default: (workflowId: string): string => workflowId },
    api: { type: "object", default: undefined as OpenTelemetryApi | undefined },
  });
  // The module is as its types say.
  const module = api ?? (requirePackage("@opentelemetry/api", "openTelemetry()") as OpenTelemetryApi);
  const counted = metrics ? new OpenTelemetryMetrics(module, workflowLabel) : undefined;
  return new OpenTelemetryObserver(module, spans, { ...attributes }, counted);
}

class OpenTelemetryObserver implements Observer {
  readonly name = name;
  readonly #api: OpenTelemetryApi;
  readonly #spans: boolean;
  readonly #attributes: Attributes;
  readonly #metrics: OpenTelemetryMetrics | undefined;
  readonly #traces = new Map<string, RunTrace>();

  constructor(
    api: OpenTelemetryApi,
    spans: boolean,
    attributes: Attributes,
    metrics: OpenTelemetryMetrics | undefined,
  ) {
    this.#api = api;
    this.#spans = spans;
    this.#attributes = attributes;
    this.#metrics = metrics;
  }

  /** The span begins here, before the lease is asked for, so that the next start finds it there however this one ends. */
  note(start: ObservedStart): string | undefined {
    if (!this.#spans) return undefined;
    const trace = new RunTrace(this.#api, start.workflowId, this.#attributes);
    // Not so where no SDK is registered.
    if (!this.#api.trace.isSpanContextValid(trace.spanContext)) return undefined;
    this.#traces.set(start.startId, trace);
    return traceparentOf(trace.spanContext);
  }

  onEvent(event: WorkflowEvent): void {
    try {
      this.#traces.get(event.startId)?.tell(event, name);
      if (isLast(event)) this.#traces.delete(event.startId);
    } finally {
      this.#metrics?.record(event);
    }
  }

  aroundStep(step: ObservedStep, next: () => Promise<unknown>): Promise<unknown> {
    return this.#traces.get(step.startId)?.around(step, next) ?? next();
  }
}
