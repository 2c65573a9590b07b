// The part of prom-client that is used.

type Labels = Record<string, string>;

export interface PrometheusCounter {
  inc(labels: Labels, value?: number): void;
}

export interface PrometheusGauge extends PrometheusCounter {
  set(labels: Labels, value: number): void;
  dec(labels: Labels, value?: number): void;
  reset(): void;
}

export interface PrometheusHistogram {
  observe(labels: Labels, value: number): void;
}

/** A `Registry` of prom-client. */
export interface PrometheusRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  getSingleMetric(name: string): unknown;
}

interface MetricOptions {
  name: string;
  help: string;
  labelNames: string[];
  /** Registries that the same module made: what a registry is to it is not said here. */
  registers: never[];
}

/** The module `prom-client`. */
export interface PrometheusClient {
  Counter: new (options: MetricOptions) => PrometheusCounter;
  Gauge: new (options: MetricOptions) => PrometheusGauge;
  Histogram: new (options: MetricOptions & { buckets: number[] }) => PrometheusHistogram;
  Registry: new () => PrometheusRegistry;
}
