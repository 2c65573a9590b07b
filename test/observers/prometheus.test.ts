// `prometheus` with the real prom-client.
import { pathToFileURL } from "node:url";
import { execFileSync } from "node:child_process";
import * as promClient from "prom-client";
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, type Observer, type StepContext, StorageMemory } from "dotflow";
import { prometheus } from "dotflow/observers/prometheus";
import { faultyStorage, manualClock } from "dotflow/testing";

describe("prometheus", () => {
  it("counts and times runs and steps, retries, bytes and warnings", async () => {
    const observer = prometheus();
    let fails = true;
    const workflow = flow(observer);
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
    const lines = await samples(observer.metrics());
    expect(lines.filter((line) => !/_(bucket|sum)\{|bytes/.test(line))).toEqual([
      'dotflow_runs_started_total{workflow="job",resumed="false"} 1',
      'dotflow_runs_started_total{workflow="job",resumed="true"} 1',
      'dotflow_runs_total{workflow="job",status="failed"} 1',
      'dotflow_runs_total{workflow="job",status="completed"} 1',
      'dotflow_run_duration_seconds_count{workflow="job",status="failed"} 1',
      'dotflow_run_duration_seconds_count{workflow="job",status="completed"} 1',
      'dotflow_steps_total{workflow="job",step="fine",status="completed"} 1',
      'dotflow_steps_total{workflow="job",step="flaky",status="failed"} 1',
      'dotflow_steps_total{workflow="job",step="last",status="skipped"} 1',
      'dotflow_steps_total{workflow="job",step="fine",status="restored"} 1',
      'dotflow_steps_total{workflow="job",step="flaky",status="completed"} 1',
      'dotflow_steps_total{workflow="job",step="last",status="completed"} 1',
      'dotflow_step_duration_seconds_count{workflow="job",step="fine",status="completed"} 1',
      'dotflow_step_duration_seconds_count{workflow="job",step="flaky",status="failed"} 1',
      'dotflow_step_duration_seconds_count{workflow="job",step="flaky",status="completed"} 1',
      'dotflow_step_duration_seconds_count{workflow="job",step="last",status="completed"} 1',
      'dotflow_step_retries_total{workflow="job",step="flaky"} 1',
      // The resume said that memory is not durable.
      'dotflow_warnings_total{workflow="job"} 1',
    ]);
    expect(Number(/saved"} (\d+)/.exec(lines.join("\n"))?.[1])).toBeGreaterThan(10);
  });

  it("has durations in seconds, in the buckets that were given", async () => {
    const clock = manualClock();
    const observer = prometheus({ buckets: [1, 5] });
    const workflow = new DotFlow({ workflowId: "job", observers: [observer], clock });
    workflow.task.add(action({ name: "slow" }, () => new Promise<void>((resolve) => clock.timer(2_500, resolve))));
    const started = workflow.start();
    await clock.untilWaiting(1, "2500ms");
    await clock.advance("2500ms");
    await started;
    const lines = await samples(observer.metrics());
    expect(lines.filter((line) => line.startsWith("dotflow_step_duration"))).toEqual([
      'dotflow_step_duration_seconds_bucket{le="1",workflow="job",step="slow",status="completed"} 0',
      'dotflow_step_duration_seconds_bucket{le="5",workflow="job",step="slow",status="completed"} 1',
      'dotflow_step_duration_seconds_bucket{le="+Inf",workflow="job",step="slow",status="completed"} 1',
      'dotflow_step_duration_seconds_sum{workflow="job",step="slow",status="completed"} 2.5',
      'dotflow_step_duration_seconds_count{workflow="job",step="slow",status="completed"} 1',
    ]);
  });

  it("has no label that grows with the runs, the items or the iterations", async () => {
    const observer = prometheus({ workflowLabel: (id) => id.replace(/\d+/, "n") });
    const series = async (): Promise<number> => (await samples(observer.metrics())).length;
    const run = async (number: number): Promise<void> => {
      const workflow = new DotFlow({ workflowId: `order-${number}`, observers: [observer] });
      const twice = (_: Context<number>, step: StepContext): unknown => (step.iteration === 1 ? step.again(1) : 1);
      workflow.task.map(action({ name: "map" }, twice as never), { over: () => [number, number + 1] as never[] });
      await workflow.start();
    };
    await run(1);
    const first = await series();
    await run(2);
    expect(await series()).toBe(first);
  });

  it("shares a registry with other observers and with the program's own metrics", async () => {
    const registry = new promClient.Registry();
    new promClient.Counter({ name: "own_total", help: "Own.", registers: [registry] }).inc();
    for (const observer of [prometheus({ registry }), prometheus({ registry })]) await runOnce(observer);
    await runOnce(prometheus({ registry, prefix: "etl_" }));
    const lines = await samples(registry.metrics());
    expect(lines).toContain("own_total 1");
    expect(lines).toContain('dotflow_runs_total{workflow="job",status="completed"} 2');
    expect(lines).toContain('etl_runs_total{workflow="job",status="completed"} 1');
  });

  it("tells what is saved of workflows, whichever process drives them, and which storage fails", async () => {
    const storage = new StorageMemory();
    const clock = manualClock();
    const done = new DotFlow({ workflowId: "done", storage, clock });
    done.task.add(action({ name: "a" }, () => 1));
    await done.start();
    const waiting = new DotFlow({ workflowId: "waiting", storage, clock });
    waiting.task.add(action({ name: "a" }, () => 1));
    waiting.task.add(action({ name: "b" }, (_: Context, step: StepContext) => step.waitFor("approval")));
    await waiting.start();
    const broken = new DotFlow({
      workflowId: "broken",
      storage: faultyStorage(storage, { faults: [{ kind: "fail", times: Infinity }] }),
    });
    const workflows = { done: done.checkpoints, waiting: waiting.checkpoints, broken: broken.checkpoints };
    const lines = await samples(prometheus().checkpointMetrics({ ...workflows, 'odd "one"': done.checkpoints }));
    expect(lines.filter((line) => /"(done|waiting|broken)"/.test(line) && !line.endsWith(" 0")).sort()).toEqual([
      `dotflow_checkpoint_last_run_timestamp_seconds{workflow="done"} ${clock.now() / 1_000}`,
      `dotflow_checkpoint_last_run_timestamp_seconds{workflow="waiting"} ${clock.now() / 1_000}`,
      'dotflow_checkpoint_run_status{workflow="done",status="completed"} 1',
      'dotflow_checkpoint_run_status{workflow="waiting",status="suspended"} 1',
      'dotflow_checkpoint_tasks{workflow="done",state="completed"} 1',
      'dotflow_checkpoint_tasks{workflow="done",state="saved"} 1',
      'dotflow_checkpoint_tasks{workflow="waiting",state="completed"} 1',
      'dotflow_checkpoint_tasks{workflow="waiting",state="saved"} 1',
      'dotflow_checkpoint_tasks{workflow="waiting",state="waiting"} 1',
      'dotflow_checkpoints_readable{workflow="done"} 1',
      'dotflow_checkpoints_readable{workflow="waiting"} 1',
    ]);
    expect(lines.filter((line) => line.includes("broken"))).toEqual([
      'dotflow_checkpoints_readable{workflow="broken"} 0',
    ]);
    expect(lines).toContain('dotflow_checkpoint_run_owned{workflow="odd \\"one\\""} 0');
  });

  it("changes nothing in a run where workflowLabel throws", async () => {
    const observer = prometheus({
      workflowLabel: () => {
        throw new Error("no label");
      },
    });
    expect((await runOnce(observer)).status).toBe("completed");
  });

  it("takes a prom-client that is handed in", async () => {
    const observer = prometheus({ client: promClient });
    await runOnce(observer);
    expect(observer.registry).toBeInstanceOf(promClient.Registry);
  });

  it.each([
    [{ registery: 1 }, 'prometheus() has no option "registery".'],
    [{ registry: {} }, "The option registry of prometheus() must be an object with the function getSingleMetric."],
    [{ workflowLabel: "job" }, "The option workflowLabel of prometheus() must be a function."],
  ])("refuses %o", (options, message) => {
    expect(() => prometheus(options as never)).toThrow(message);
  });
});

describe("Without the optional packages", () => {
  it.each([
    ["prometheus", "prometheus()", "prom-client"],
    ["opentelemetry", "openTelemetry()", "@opentelemetry/api"],
  ])("dotflow/observers/%s loads, and the call says what to install", (entry, call, name) => {
    const built = pathToFileURL(`dist/providers/observers/${entry}.js`).href;
    const program = `
      import Module from "node:module";
      const { _resolveFilename } = Module;
      Module._resolveFilename = (request, ...rest) => {
        if (request !== ${JSON.stringify(name)}) return _resolveFilename.call(Module, request, ...rest);
        throw Object.assign(new Error("Cannot find module '" + request + "'"), { code: "MODULE_NOT_FOUND" });
      };
      const made = await import(${JSON.stringify(built)});
      try {
        made.${call};
      } catch ({ code, message }) {
        console.log(code, message);
      }`;
    const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
    expect(said.trim()).toBe(
      `MISSING_PACKAGE ${call} needs the package ${name}, which is not installed: npm install ${name}`,
    );
  });
});

function flow(observer: Observer): DotFlow {
  return new DotFlow({ workflowId: "job", storage: new StorageMemory(), observers: [observer] });
}

function runOnce(observer: Observer) {
  const workflow = flow(observer);
  workflow.task.add(action({ name: "step" }, () => 1));
  return workflow.start();
}

/** The lines of a text of metrics that are no comments. */
async function samples(text: Promise<string>): Promise<string[]> {
  return (await text).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
