// Four processes that all want to drive one run, with a lease of half a second. They are killed, and stopped for up to
// three times the lease, at random.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoints } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { digest } from "./mixed-workflow.ts";
import { bundled, type Program, type Running } from "./programs.ts";
import { type Random, seededRandom } from "./random.ts";
import { RivalLog } from "./rival-log.ts";

const rounds = 4;
const processes = 4;
const steps = 40;
const stepMilliseconds = 60;
const lease = 500;
/** In each round. */
const blows = 12;

let program: Program;
beforeAll(async () => {
  program = await bundled("crash-rival");
});
afterAll(() => program.end());

it("keeps one record a step and gives all processes the same result, whoever is killed or stopped", async () => {
  const random = seededRandom();
  console.log(`seed ${random.seed}`);
  const total = {
    kills: 0,
    stops: 0,
    takeovers: 0,
    lost: 0,
    records: 0,
    repeated: 0,
    byOldDrivers: 0,
    thoughRecorded: 0,
  };
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), "lease-torture-"));
    const { kills, stops, results } = await fight(folder, random);
    expect([...new Set(results)]).toEqual([expect.stringContaining('"status":"completed"')]);
    expect(results).toHaveLength(processes);
    const log = new RivalLog(folder);
    total.records += await checkRecords(folder, log);
    total.kills += kills;
    total.stops += stops;
    total.takeovers += log.takeovers;
    total.lost += log.lost;
    total.repeated += log.executions - steps;
    total.byOldDrivers += log.begunByOldDrivers();
    total.thoughRecorded += log.begunThoughRecorded();
    rmSync(folder, { recursive: true });
  }
  console.log(JSON.stringify(total));
  expect(total.records).toBe(rounds * steps);
  // A process can be stopped between its look at the lease and the call of a step. Nothing prevents that; it must be rare.
  expect(total.byOldDrivers).toBeLessThanOrEqual(1);
  expect(total.thoughRecorded).toBeLessThanOrEqual(1);
}, 180_000);

/** Lets processes fight for one run until it is done. Gives what those printed that came to its end. */
async function fight(folder: string, random: Random): Promise<{ kills: number; stops: number; results: string[] }> {
  const alive = new Set<Running>();
  const results: string[] = [];
  const pauses: Promise<void>[] = [];
  let kills = 0;
  let stops = 0;
  const enter = (): void => {
    const running = program.start(folder, `${steps}`, `${stepMilliseconds}`, `${lease}`);
    alive.add(running);
    void running.ended.then(({ how, lines, complaint }) => {
      alive.delete(running);
      if (how !== "SIGKILL") results.push(how === 0 ? (lines.at(-1) ?? "") : `ended with ${how}: ${complaint}`);
    });
  };
  for (let count = 0; count < processes; count++) enter();

  for (let blow = 0; blow < blows && results.length === 0; blow++) {
    await sleep(50 + random.below(300));
    const victim = choose(folder, [...alive], random);
    if (!victim) break;
    if (random.below(3) < 1) {
      victim.child.kill("SIGKILL");
      // One that came to its end at this very moment needs no successor.
      if ((await victim.ended).how !== "SIGKILL") continue;
      kills++;
      enter();
    } else {
      stops++;
      victim.child.kill("SIGSTOP");
      pauses.push(sleep(lease * (0.5 + random.below(2.5))).then(() => void victim.child.kill("SIGCONT")));
    }
  }
  await Promise.all(pauses);
  while (alive.size > 0) await Promise.all([...alive].map(({ ended }) => ended));
  return { kills, stops, results };
}

/** Mostly the process that drives: the others only wait. */
function choose(folder: string, alive: readonly Running[], random: Random): Running | undefined {
  const { driver } = new RivalLog(folder);
  const driving = alive.find(({ child }) => child.pid === driver);
  return driving && random.below(3) < 2 ? driving : alive[Math.floor(random.below(alive.length))];
}

/** Checks that each record was created once, is as it was created, and was made from the one before it. Gives how many there are. */
async function checkRecords(folder: string, log: RivalLog): Promise<number> {
  const storage = new StorageFile({ folder: join(folder, "store") });
  const checkpoints = new Checkpoints(storage, { workflowId: "torture" });
  expect(await checkpoints.verify()).toEqual([]);
  const { completed } = await checkpoints.info();
  for await (const key of storage.list("torture/runs/")) {
    const task = /\/steps\/(.*)$/.exec(key)?.[1];
    if (task === undefined) continue;
    const created = log.records().get(task) ?? [];
    // A process that is killed may have no time to note what it created.
    expect(created.length, task).toBeLessThanOrEqual(1);
    const bytes = await storage.get(key);
    for (const each of created) expect(each, task).toBe(digest([...(bytes ?? [])]));
  }
  for (let number = 2; number < steps; number++) {
    const { storage: value } = await checkpoints.read<{ given: string }>(`step-${number}`);
    const { storage: before } = await checkpoints.read(`step-${number - 2}`);
    expect(value.given, `step-${number}`).toBe(digest(before));
  }
  return completed.length;
}
