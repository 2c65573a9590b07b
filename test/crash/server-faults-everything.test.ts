// Servers that lose answers while a run is under way that uses everything that a step can do. ROUNDS=20 makes it longer, and
// kills the servers too.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoints, isDotFlowError, StorageMemory } from "dotflow";
import { Ledger } from "../dynamic/ledger.ts";
import { eachServedKind } from "../storages.ts";
import { approval, everythingWorkflow, workflowId } from "./everything-workflow.ts";
import { digest } from "./mixed-workflow.ts";
import { type ServedPlaces, startServedPlaces } from "./own-places.ts";
import { type Random, seededRandom } from "./random.ts";
import { type Trouble, troubles } from "./troubles.ts";

const rounds = Number(process.env["ROUNDS"] ?? 1);
/** How long a step, or a `once` within it, takes at most. */
const milliseconds = 60;

eachServedKind((name, kind) => {
  let places: ServedPlaces;
  beforeAll(async () => {
    places = await startServedPlaces(kind);
  });
  afterAll(() => places.stop());

  it.each(["loses answers", ...(rounds > 1 ? ["is killed and started again"] : [])])(
    "a server that %s: the run completes with the same values, and repeats nothing that was saved",
    { timeout: 60_000 + rounds * 60_000 },
    async (what) => {
      const random = seededRandom();
      const expected = await undisturbed();
      const total = { strikes: 0, starts: 0, failures: 0 };
      for (let round = 0; round < rounds; round++) {
        const counts = await survive(places, troubles[what] as Trouble, random);
        expect(counts.values, `seed ${random.seed}`).toBe(expected);
        expect(counts.wrong, `seed ${random.seed}`).toEqual([]);
        for (const key of ["strikes", "starts", "failures"] as const) total[key] += counts[key];
      }
      console.log(`${name}: a server that ${what} (seed ${random.seed}): ${JSON.stringify(total)}`);
      expect(total.strikes).toBeGreaterThan(0);
    },
  );
});

async function undisturbed(): Promise<string> {
  const tale = { begins: () => Promise.resolve(), work: () => Promise.resolve(), charge: () => {} };
  const workflow = everythingWorkflow({ storage: new StorageMemory() }, tale);
  expect(await workflow.start()).toMatchObject({ status: "suspended", waiting: [approval] });
  await workflow.checkpoints.signal(approval, { by: "a person" });
  return digest(await (await workflow.start({ resume: true })).contexts());
}

/** Starts the workflow until it completes; the trouble comes in the first two starts. */
async function survive(places: ServedPlaces, trouble: Trouble, random: Random) {
  const place = await places.make();
  const storage = place.open();
  const ledger = new Ledger(place.openDirectly());
  const checkpoints = new Checkpoints(place.openDirectly(), { workflowId });
  const counts = { strikes: 0, starts: 0, failures: 0 };
  let isCharged = false;
  let isApproved = false;
  for (;;) {
    counts.starts++;
    const over = new AbortController();
    let struck: Promise<number> | undefined;
    const workflow = everythingWorkflow(
      { storage, lease: "2s" },
      {
        async begins(part) {
          if (counts.starts <= 2) struck ??= trouble({ places, random, over: over.signal });
          // The server may be away.
          await expect.poll(() => ledger.execute(part).then(() => true), { timeout: 20_000 }).toBe(true);
        },
        work: () => sleep(random.below(milliseconds)),
        charge() {
          isCharged = true;
          ledger.charge("pay");
        },
        wasCharged: () => isCharged,
      },
    );
    const result = await workflow.start({ resume: true }).catch((error: unknown) => {
      expect(isDotFlowError(error, "STORAGE"), String(error)).toBe(true);
      counts.failures++;
    });
    over.abort();
    counts.strikes += (await struck) ?? 0;
    expect(result?.tasks.flatMap(({ errors }) => errors) ?? []).toEqual([]);
    if (result?.status === "completed") {
      const problems = await checkpoints.verify();
      const values = digest(await result.contexts());
      await place.leave();
      return { ...counts, values, wrong: [...ledger.wrong, ...problems.map(({ message }) => message)] };
    }
    if (isApproved || !(await checkpoints.info()).exists) continue;
    isApproved = true;
    await checkpoints.signal(approval, { by: "a person" });
  }
}
