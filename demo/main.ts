// The demo: a workflow over three million flights is killed in the middle of its join, started again, and compared with
// a run that nobody disturbed. Ends with 0 only if both give the same result and nothing that was saved ran again.
import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { WorkflowEvent } from "dotflow";
import { startAirportService } from "./airport-service.ts";
import { runProcess } from "./process.ts";
import { airportTable, durationOf, heading, seconds, stepTable } from "./report.ts";
import type { Departures } from "./steps/flights.ts";
import type { AirportReport } from "./steps/join.ts";
import { flightDelays } from "./workflow.ts";

const folder = await mkdtemp(join(tmpdir(), "dotflow-demo-"));
const service = await startAirportService();
const killed = await setting("killed");
const undisturbed = await setting("undisturbed");

say(`dotflow demo: delays of three million flights, killed in the middle and resumed

  flights.read ─ flights.clean ─┬─ airports.delays ─ airports.rank ─┬─ join ─ chart
                                ├─ hours.delays ─ hours.usual ──────┤
                                └───────────────────────────────────┤
  airports.fetch ───────────────────────────────────────────────────┘

  data    3,000,000 flights in the USA, January to June 2001, of the package vega-datasets
  folder  ${folder}`);

say(heading("1  Start, and SIGKILL in the middle of the join"));
const first = await runProcess({ ...killed, onEvent: sayStep, onHalfway: kill });
const saved = await flightDelays(killed).checkpoints.info();
say(`
  the process was ended by ${first.signal} after ${first.seconds.toFixed(1)} s
  the run is ${saved.status}; ${saved.total} steps are saved; requests to the airport service: ${service.takeCount()}`);

say(heading("2  Start again, with resume: true, in a new process"));
const second = await runProcess({ ...killed, onEvent: sayTrouble });
const { checkpoints } = flightDelays(killed);
const steps = await checkpoints.steps();
const restored = second.tasks.filter(({ status }) => status === "restored").map(({ id }) => id);
const spared = steps.filter(({ id }) => restored.includes(id)).reduce((sum, step) => sum + durationOf(step), 0);
say(`${stepTable(second.tasks, steps)}

  saved by the resume: ${seconds(spared)}, the recorded time, in brackets, of the ${restored.length} restored steps
  the process took ${second.seconds.toFixed(1)} s in all; requests to the airport service: ${service.takeCount()}`);

say(heading("3  The same without a kill, in another folder"));
const third = await runProcess({ ...undisturbed, onEvent: sayTrouble });
const result = (await checkpoints.read<AirportReport[]>("chart")).storage;
const expected = (await flightDelays(undisturbed).checkpoints.read<AirportReport[]>("chart")).storage;
const sameResult = isDeepStrictEqual(result, expected);
const sameChart = (await readFile(killed.chart)).equals(await readFile(undisturbed.chart));
say(`  the process took ${third.seconds.toFixed(1)} s in all
  result ${sameResult ? "equal" : "DIFFERENT"}, chart ${sameChart ? "equal, byte for byte" : "DIFFERENT"}`);

say(heading("The result: minutes late on arrival, and what is usual at the hours of departure"));
const { delay, dropped } = (await checkpoints.read<Departures>("flights.clean")).storage;
say(`${airportTable(result)}

  from ${delay.length.toLocaleString("en")} flights; dropped were ${dropped.repeated} repeated rows and ${dropped.implausible} implausible delays
  chart        ${killed.chart}
  checkpoints  ${killed.checkpoints}
`);

service.close();
await rm(undisturbed.folder, { recursive: true });
const keptAll = isDeepStrictEqual(restored.toSorted(), saved.completed.toSorted());
const good = first.signal === "SIGKILL" && keptAll && sameResult && sameChart;
say(good ? "Good: what was saved did not run again, and the result is the same." : "NOT as promised.");
process.exitCode = good ? 0 : 1;

interface Setting {
  readonly folder: string;
  readonly checkpoints: string;
  readonly chart: string;
  readonly airportsUrl: string;
}

async function setting(name: string): Promise<Setting> {
  const own = join(folder, name);
  await mkdir(own);
  return {
    folder: own,
    checkpoints: join(own, "checkpoints"),
    chart: join(own, "flight-delays.svg"),
    airportsUrl: service.url,
  };
}

function kill(child: ChildProcess): void {
  sayOf("join", `halfway: SIGKILL to process ${child.pid}`);
  child.kill("SIGKILL");
}

function sayStep(event: WorkflowEvent): void {
  if (event.type === "step.completed") sayOf(event.taskId, seconds(event.durationMs));
  sayTrouble(event);
}

function sayTrouble(event: WorkflowEvent): void {
  if (event.type === "step.retrying") sayOf(event.taskId, `${event.error.message}; tries again in ${event.delayMs} ms`);
  if (event.type === "step.failed") sayOf(event.taskId, `failed: ${event.error.message}`);
  if (event.type === "warning") sayOf("warning", event.message);
}

function sayOf(what: string, text: string): void {
  say(`  ${what.padEnd(15)}  ${text}`);
}

function say(text: string): void {
  console.log(text);
}
