// `prometheus()`: an observer that counts and times runs and steps in a registry of prom-client.
import type { Observer, WorkflowEvent } from "../../src/events.ts";
import { chosen } from "../shared/observer-options.ts";
import { requirePackage } from "../shared/load-package.ts";
import type {
  PrometheusClient,
  PrometheusCounter,
  PrometheusHistogram,
  PrometheusRegistry,
} from "./prometheus-client.ts";
import { type InfoSource, infoMetrics } from "./prometheus-info.ts";

export type { InfoSource, SavedInfo } from "./prometheus-info.ts";
export type { PrometheusClient, PrometheusRegistry } from "./prometheus-client.ts";

export interface PrometheusOptions {
  /** Where the metrics go, for example `register` of prom-client. Two observers may share one. @default a registry of its own */
  registry?: PrometheusRegistry;
  /** Before every metric's name. @default "dotflow_" */
  prefix?: string;
  /**
   * The label `workflow` of a workflow's id. Every label that there ever was stays in memory: where ids hold something that is new each
   * time, such as an order's number, give a text that does not.
   *
   * @default the workflowId
   */
  workflowLabel?: (workflowId: string) => string;
  /** Limits of the buckets of both durations, in seconds. @default 0.01 to 3600 */
  buckets?: readonly number[];
  /** The module prom-client, where it can't be found at run time, such as in a bundle. @default the installed one */
  client?: PrometheusClient;
}

export interface PrometheusObserver extends Observer {
  readonly registry: PrometheusRegistry;
  /** All metrics of the registry, as the text that Prometheus scrapes. */
  metrics(): Promise<string>;
  /**
   * What is saved of workflows, whichever process drives them: reads `info()` of each at every call.
   *
   * The keys are the label `workflow`. One whose storage fails has `checkpoints_readable` 0 and nothing else.
   */
  checkpointMetrics(workflows: Readonly<Record<string, InfoSource>>): Promise<string>;
}

const defaultBuckets: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600];

/**
 * Counts and times runs and steps. Labels are `workflow`, `step` (the action's name) and `status`; never a run's id or an item's key.
 *
 * Throws a `MissingPackageError` where prom-client is not installed.
 */
export function prometheus(options: PrometheusOptions = {}): PrometheusObserver {
  const { client, prefix, workflowLabel, buckets, registry } = chosen("prometheus", options, {
    registry: { method: "getSingleMetric", default: undefined as PrometheusRegistry | undefined },
    prefix: { type: "string", default: "dotflow_" },
    workflowLabel: { type: "function", default: (workflowId: string): string => workflowId },
    buckets: { method: "map", default: defaultBuckets },
    client: { method: "Counter", default: undefined as PrometheusClient | undefined },
  });
  // The module is as its types say.
  const module = client ?? (requirePackage("prom-client", "prometheus()") as PrometheusClient);
  const into = registry ?? new module.Registry();
  const metrics = makeMetrics(module, into, prefix, [...buckets]);
  const record = (event: WorkflowEvent): void => count(metrics, event, workflowLabel(event.workflowId));
  return {
    name: "prometheus",
    registry: into,
    onEvent: record,
    metrics: () => into.metrics(),
    checkpointMetrics: (workflows) => infoMetrics(module, prefix, workflows),
  };
}

type Metrics = ReturnType<typeof makeMetrics>;

function makeMetrics(client: PrometheusClient, registry: PrometheusRegistry, prefix: string, buckets: number[]) {
  /** The metric of another observer over the same registry is shared: it has the same labels. */
  const shared = <Metric>(name: string, make: (name: string) => Metric): Metric =>
    (registry.getSingleMetric(`${prefix}${name}`) as Metric | undefined) ?? make(`${prefix}${name}`);
  // It is of the same package.
  const registers = [registry as never];
  const counter = (name: string, help: string, ...more: string[]): PrometheusCounter =>
    shared(name, (full) => new client.Counter({ name: full, help, labelNames: ["workflow", ...more], registers }));
  const histogram = (name: string, help: string, ...more: string[]): PrometheusHistogram =>
    shared(
      name,
      (full) => new client.Histogram({ name: full, help, labelNames: ["workflow", ...more], buckets, registers }),
    );
  return {
    started: counter("runs_started_total", "Starts that drove a run, by whether they resumed one.", "resumed"),
    runs: counter("runs_total", "Starts that ended, by status; lost and refused ones too.", "status"),
    runSeconds: histogram("run_duration_seconds", "How long starts took, by status.", "status"),
    steps: counter("steps_total", "Tasks by what they came to.", "step", "status"),
    stepSeconds: histogram(
      "step_duration_seconds",
      "How long executed tasks took, retries included.",
      "step",
      "status",
    ),
    retries: counter("step_retries_total", "Attempts that failed and were followed by another one.", "step"),
    bytes: counter("checkpoint_bytes_total", "Bytes of values saved and read back.", "direction"),
    warnings: counter("warnings_total", "Warnings."),
  };
}

function count(metrics: Metrics, event: WorkflowEvent, workflow: string): void {
  switch (event.type) {
    case "run.started":
    case "run.resumed":
      return metrics.started.inc({ workflow, resumed: String(event.type === "run.resumed") });
    case "run.completed":
    case "run.failed":
    case "run.suspended":
    case "run.cancelled":
    case "run.lost": {
      const labels = { workflow, status: event.type.slice("run.".length) };
      metrics.runs.inc(labels);
      return metrics.runSeconds.observe(labels, event.durationMs / 1_000);
    }
    case "run.refused":
      return metrics.runs.inc({ workflow, status: "refused" });
    case "step.completed":
    case "step.failed": {
      const labels = { workflow, step: event.name, status: event.type.slice("step.".length) };
      metrics.steps.inc(labels);
      return metrics.stepSeconds.observe(labels, event.durationMs / 1_000);
    }
    case "step.restored":
    case "step.skipped":
    case "step.waiting":
      return metrics.steps.inc({ workflow, step: event.name, status: event.type.slice("step.".length) });
    case "step.retrying":
      return metrics.retries.inc({ workflow, step: event.name });
    case "checkpoint.created":
    case "checkpoint.restored":
      return metrics.bytes.inc(
        { workflow, direction: event.type === "checkpoint.created" ? "saved" : "read" },
        event.bytes,
      );
    case "warning":
      return metrics.warnings.inc({ workflow });
    default:
      return undefined;
  }
}
