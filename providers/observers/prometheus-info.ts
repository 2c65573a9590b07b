// The metrics of what is saved, as `checkpoints.info()` tells it: for processes that look at workflows which others drive.
import type { PrometheusClient, PrometheusGauge, PrometheusRegistry } from "./prometheus-client.ts";

/** What `checkpoints.info()` gives, as far as it is used. */
export interface SavedInfo {
  readonly status: string | undefined;
  readonly completed: readonly string[];
  readonly failed: readonly string[];
  readonly waiting: readonly string[];
  readonly total: number;
  readonly lastRunTime: Date | undefined;
  readonly owner: object | undefined;
}

/** `workflow.checkpoints`, or a `Checkpoints` of its own. */
export interface InfoSource {
  info(): Promise<SavedInfo>;
}

const statuses = ["completed", "failed", "suspended", "cancelled", "running", "interrupted"];
const states = ["saved", "completed", "failed", "waiting"] as const;

/** Reads the state of the last run of each workflow, and gives it as the text that Prometheus scrapes. */
export async function infoMetrics(
  client: PrometheusClient,
  prefix: string,
  workflows: Readonly<Record<string, InfoSource>>,
): Promise<string> {
  // A registry of its own: two scrapes at the same time must not see each other's half.
  const registry = new client.Registry();
  const gauges = makeGauges(client, prefix, registry);
  await Promise.all(
    Object.entries(workflows).map(async ([workflow, source]) => {
      let info: SavedInfo;
      try {
        info = await source.info();
      } catch {
        gauges.readable.set({ workflow }, 0);
        return;
      }
      const { status, completed, failed, waiting, total, lastRunTime, owner } = info;
      gauges.readable.set({ workflow }, 1);
      const counts = { saved: total, completed: completed.length, failed: failed.length, waiting: waiting.length };
      for (const state of states) gauges.tasks.set({ workflow, state }, counts[state]);
      for (const each of statuses) gauges.status.set({ workflow, status: each }, each === status ? 1 : 0);
      gauges.owner.set({ workflow }, owner ? 1 : 0);
      if (lastRunTime) gauges.lastRun.set({ workflow }, lastRunTime.getTime() / 1_000);
    }),
  );
  return registry.metrics();
}

function makeGauges(
  { Gauge }: PrometheusClient,
  prefix: string,
  registry: PrometheusRegistry,
): Record<"readable" | "tasks" | "status" | "owner" | "lastRun", PrometheusGauge> {
  const gauge = (name: string, help: string, ...more: string[]): PrometheusGauge =>
    new Gauge({ name: `${prefix}${name}`, help, labelNames: ["workflow", ...more], registers: [registry as never] });
  return {
    readable: gauge("checkpoints_readable", "Whether the checkpoints could be read: 1 or 0."),
    tasks: gauge("checkpoint_tasks", "Tasks of the last run by what is saved of them.", "state"),
    status: gauge("checkpoint_run_status", "Status of the last run: 1 for the one that holds, else 0.", "status"),
    owner: gauge("checkpoint_run_owned", "Whether a live process holds the lease: 1 or 0."),
    lastRun: gauge("checkpoint_last_run_timestamp_seconds", "When the last run last ended, else when it began."),
  };
}
