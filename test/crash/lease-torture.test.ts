// Four processes that all want to drive one run, over every storage that they can share. They are killed, and stopped for
// up to three times the lease, at random; where a server keeps the run, answers are lost too. ROUNDS=20 makes it longer.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoints, type Storage } from "dotflow";
import type { Proxy } from "../servers/proxy.ts";
import { eachSharedKind } from "../storages.ts";
import { Fight, rivals } from "./fight.ts";
import { digest } from "./mixed-workflow.ts";
import { type Places, startPlaces } from "./own-places.ts";
import { programOf } from "./programs.ts";
import { type Random, seededRandom } from "./random.ts";
import { RivalLog } from "./rival-log.ts";

const rounds = Number(process.env["ROUNDS"] ?? 1);
const steps = 40;
/** Of a lease: how long a step takes on the average. A run that nobody disturbs takes two to three leases. */
const stepTime = 0.12;
/** How much time passes between two answers that are lost, on the average. */
const betweenLosses = 200;

const program = programOf("crash-rival");
afterAll(() => program.end());

eachSharedKind((name, kind) => {
  // A storage that is asked over a network takes part of the lease for its answers, and for the calls that are made again.
  const lease = kind.server ? 1_000 : 500;
  let places: Places;
  beforeAll(async () => {
    places = await startPlaces(kind);
  });
  afterAll(() => places.stop());

  it(
    "keeps one record a step and gives all processes the same result, whoever is killed or stopped",
    { timeout: 60_000 + rounds * 60_000 },
    async () => {
      const random = seededRandom();
      console.log(`${name}: seed ${random.seed}`);
      const total = {
        kills: 0,
        stops: 0,
        dropped: 0,
        takeovers: 0,
        lost: 0,
        failed: 0,
        records: 0,
        repeated: 0,
        byOldDrivers: 0,
        thoughRecorded: 0,
      };
      for (let round = 0; round < rounds; round++) {
        const folder = mkdtempSync(join(tmpdir(), "lease-torture-"));
        const place = await places.make();
        const args = [folder, name, place.name, `${steps}`, `${stepTime * lease}`, `${lease}`];
        const fight = new Fight(() => program.start(...args), folder, lease, random);
        const losses = places.proxy && loseAnswers(places.proxy, random);
        const results = await fight.fight();
        total.dropped += (await losses?.end()) ?? 0;
        expect([...new Set(results)]).toEqual([expect.stringContaining('"status":"completed"')]);
        expect(results).toHaveLength(rivals);
        const log = new RivalLog(folder);
        total.records += await checkRecords(place.openDirectly(), log);
        total.kills += fight.kills;
        total.stops += fight.stops;
        total.takeovers += log.takeovers;
        total.lost += log.lost;
        total.failed += log.failed;
        total.repeated += log.executions - steps;
        total.byOldDrivers += log.begunByOldDrivers();
        total.thoughRecorded += log.begunThoughRecorded();
        await place.leave();
        rmSync(folder, { recursive: true });
      }
      console.log(`${name}, ${rounds} rounds: ${JSON.stringify(total)}`);
      expect(total.records).toBe(rounds * steps);
      // A process can be stopped between its look at the lease and the call of a step. Nothing prevents that; it must be rare.
      expect(total.byOldDrivers).toBeLessThanOrEqual(1 + rounds / 10);
      expect(total.thoughRecorded).toBeLessThanOrEqual(1 + rounds / 10);
    },
  );
});

/** Loses answers until told to end; that gives how many were lost. */
function loseAnswers(proxy: Proxy, random: Random): { end(): Promise<number> } {
  const before = proxy.dropped;
  let over = false;
  const losing = (async (): Promise<void> => {
    while (!over) {
      await sleep(random.below(2 * betweenLosses));
      proxy.dropAnswers(1);
    }
    proxy.dropAnswers(0);
  })();
  return {
    async end() {
      over = true;
      await losing;
      return proxy.dropped - before;
    },
  };
}

/** Checks that each record was created once, is as it was created, and was made from the one before it. Gives how many there are. */
async function checkRecords(storage: Storage, log: RivalLog): Promise<number> {
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
