// The part of `@opentelemetry/api` that is used, and the numbers of its enums, which its specification fixes.

export type Attributes = Record<string, string | number | boolean>;

export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
  isRemote?: boolean;
}

export interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes?: Attributes): unknown;
  /** Since version 1.9. */
  addLink?(link: { context: SpanContext; attributes?: Attributes }): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(error: Error): void;
  end(): void;
}

/** Opaque: only handed back. */
export interface Context {
  getValue(key: symbol): unknown;
}

export interface Tracer {
  startSpan(name: string, options: { attributes?: Attributes }, context: never): Span;
}

export interface Counter {
  add(value: number, attributes?: Attributes): void;
}

export interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

interface MetricOptions {
  description: string;
  unit: string;
}

export interface Meter {
  createCounter(name: string, options: MetricOptions): Counter;
  createUpDownCounter(name: string, options: MetricOptions): Counter;
  createHistogram(name: string, options: MetricOptions & { advice: { explicitBucketBoundaries: number[] } }): Histogram;
}

/** The module `@opentelemetry/api`. */
export interface OpenTelemetryApi {
  readonly context: {
    active(): Context;
    with<Result>(context: never, work: () => Result): Result;
  };
  readonly trace: {
    getTracer(name: string): Tracer;
    setSpan(context: never, span: never): Context;
    isSpanContextValid(context: SpanContext): boolean;
  };
  readonly metrics: {
    getMeterProvider(): object;
    getMeter(name: string): Meter;
  };
}

/** `SpanStatusCode.ERROR`: https://opentelemetry.io/docs/specs/otel/trace/api/#set-status */
export const statusError = 2;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
