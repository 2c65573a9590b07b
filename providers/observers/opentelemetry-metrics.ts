// The metrics of `openTelemetry()`: counts, durations, retries and bytes.
import type { WorkflowEvent } from "../../src/events.ts";
import type { OpenTelemetryApi } from "./opentelemetry-api.ts";

const seconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600];

type Instruments = ReturnType<typeof makeInstruments>;

export class OpenTelemetryMetrics {
  readonly #api: OpenTelemetryApi;
  readonly #labelOf: (workflowId: string) => string;
  #provider: object | undefined;
  #instruments: Instruments | undefined;
  /** Starts that are counted as active. */
  readonly #active = new Set<string>();

  constructor(api: OpenTelemetryApi, labelOf: (workflowId: string) => string) {
    this.#api = api;
    this.#labelOf = labelOf;
  }

  record(event: WorkflowEvent): void {
    const instruments = this.#current();
    const attributes = { "dotflow.workflow": this.#labelOf(event.workflowId) };
    const { runs, active, runSeconds, steps, stepSeconds, retries, bytes } = instruments;
    switch (event.type) {
      case "run.started":
      case "run.resumed":
        this.#active.add(event.startId);
        return active.add(1, attributes);
      case "run.completed":
      case "run.failed":
      case "run.suspended":
      case "run.cancelled":
      case "run.lost": {
        const outcome = { ...attributes, "dotflow.status": event.type.slice("run.".length) };
        if (this.#active.delete(event.startId)) active.add(-1, attributes);
        runs.add(1, outcome);
        return runSeconds.record(event.durationMs / 1_000, outcome);
      }
      case "run.refused":
        return runs.add(1, { ...attributes, "dotflow.status": "refused" });
      case "step.completed":
      case "step.failed":
      case "step.restored":
      case "step.skipped":
      case "step.waiting": {
        const outcome = {
          ...attributes,
          "dotflow.step": event.name,
          "dotflow.status": event.type.slice("step.".length),
        };
        steps.add(1, outcome);
        return "durationMs" in event ? stepSeconds.record(event.durationMs / 1_000, outcome) : undefined;
      }
      case "step.retrying":
        return retries.add(1, { ...attributes, "dotflow.step": event.name });
      case "checkpoint.created":
      case "checkpoint.restored": {
        const direction = event.type === "checkpoint.created" ? "write" : "read";
        return bytes.add(event.bytes, { ...attributes, "dotflow.io.direction": direction });
      }
      default:
        return undefined;
    }
  }

  /** Made anew when an SDK was registered since. */
  #current(): Instruments {
    const provider = this.#api.metrics.getMeterProvider();
    if (!this.#instruments || provider !== this.#provider) {
      this.#provider = provider;
      this.#instruments = makeInstruments(this.#api);
    }
    return this.#instruments;
  }
}

function makeInstruments({ metrics }: OpenTelemetryApi) {
  const meter = metrics.getMeter("dotflow");
  const advice = { explicitBucketBoundaries: seconds };
  return {
    runs: meter.createCounter("dotflow.runs", { description: "Starts that ended, by status.", unit: "{run}" }),
    active: meter.createUpDownCounter("dotflow.runs.active", { description: "Runs that go on now.", unit: "{run}" }),
    runSeconds: meter.createHistogram("dotflow.run.duration", {
      description: "How long starts took, by status.",
      unit: "s",
      advice,
    }),
    steps: meter.createCounter("dotflow.steps", { description: "Tasks by what they came to.", unit: "{step}" }),
    stepSeconds: meter.createHistogram("dotflow.step.duration", {
      description: "How long executed tasks took, retries included.",
      unit: "s",
      advice,
    }),
    retries: meter.createCounter("dotflow.step.retries", {
      description: "Attempts that failed and were followed by another one.",
      unit: "{retry}",
    }),
    bytes: meter.createCounter("dotflow.checkpoint.io", {
      description: "Bytes of values saved and read back.",
      unit: "By",
    }),
  };
}
