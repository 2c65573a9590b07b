// Servers that die, stop, lose answers or connections while a run is under way. ROUNDS=20 makes it longer.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isDotFlowError, type RunResult, StorageMemory } from "dotflow";
import { eachServedKind } from "../storages.ts";
import { digest, mixedWorkflow } from "./mixed-workflow.ts";
import { type Random, seededRandom } from "./random.ts";
import { RunWatch } from "./run-watch.ts";
import { type ServedPlaces, startServedPlaces } from "./own-places.ts";
import { type Trouble, troubles } from "./troubles.ts";

const rounds = Number(process.env["ROUNDS"] ?? 1);
/** How long a step takes at most; six of them follow each other, and each is tried for at most this long. */
const stepMilliseconds = 200;
/** Short, so that it also runs out while a server is away. */
const lease = "2s";

eachServedKind((name, kind) => {
  let places: ServedPlaces;
  let expected = "";
  beforeAll(async () => {
    places = await startServedPlaces(kind);
    const marks = { begin() {}, work: () => Promise.resolve() };
    const undisturbed = await mixedWorkflow({ storage: new StorageMemory() }, marks).start();
    expected = digest(await undisturbed.contexts());
  });
  afterAll(() => places.stop());

  it.each(Object.entries(troubles))(
    "a server that %s: the run completes, or fails typed and is resumed",
    { timeout: 60_000 + rounds * 60_000 },
    async (what, trouble) => {
      const random = seededRandom();
      const total = { rounds, strikes: 0, starts: 0, failures: 0, records: 0, repeated: 0 };
      for (let round = 0; round < rounds; round++) {
        const counts = await survive(places, expected, random, trouble);
        for (const key of ["strikes", "starts", "failures", "records", "repeated"] as const) total[key] += counts[key];
      }
      console.log(`${name}: a server that ${what} (seed ${random.seed}): ${JSON.stringify(total)}`);
      expect(total.strikes).toBeGreaterThan(0);
      expect(total.records).toBe(rounds * 8);
    },
  );

  it("a server that stays away: a StorageError, and the run goes on when it is back", { timeout: 90_000 }, async () => {
    let times = 0;
    const away: Trouble = async ({ places: { server }, over }) => {
      if (times++ > 0) return 0;
      await server.kill();
      while (!over.aborted) await sleep(20);
      await server.start();
      return 1;
    };
    const { failures, repeated } = await survive(places, expected, seededRandom(), away);
    expect(failures).toBe(1);
    // Those that were in flight.
    expect(repeated).toBeLessThanOrEqual(3);
  });
});

interface Counts {
  strikes: number;
  starts: number;
  /** Starts that were rejected with a `StorageError`. */
  failures: number;
  records: number;
  /** Executions beyond one for each step. */
  repeated: number;
}

/** Starts the workflow until it completes; the trouble comes in the first start, and in the second where it comes to that. */
async function survive(places: ServedPlaces, expected: string, random: Random, trouble: Trouble): Promise<Counts> {
  const place = await places.make();
  const storage = place.open();
  const begun = new Map<string, number>();
  const acknowledged = new Set<string>();
  const watch = new RunWatch(place.openDirectly(), () => begun);
  const counts: Counts = { strikes: 0, starts: 0, failures: 0, records: 0, repeated: 0 };
  for (;;) {
    counts.starts++;
    const over = new AbortController();
    let struck: Promise<number> | undefined;
    const workflow = mixedWorkflow(
      {
        storage,
        lease,
        observers: [{ onEvent: (event) => void (event.type === "step.completed" && acknowledged.add(event.taskId)) }],
      },
      {
        begin(task) {
          begun.set(task, (begun.get(task) ?? 0) + 1);
          if (counts.starts <= 2) struck ??= trouble({ places, random, over: over.signal });
        },
        work: () => sleep(random.below(stepMilliseconds)),
      },
    );
    let result: RunResult | undefined;
    try {
      result = await workflow.start({ resume: true });
    } catch (error) {
      expect(isDotFlowError(error, "STORAGE"), String(error)).toBe(true);
      counts.failures++;
    }
    over.abort();
    counts.strikes += (await struck) ?? 0;
    expect(await watch.look()).toEqual([]);
    const recorded = await watch.recorded();
    expect(recorded).toEqual(expect.arrayContaining([...acknowledged]));
    if (!result) {
      expect(counts.failures).toBeLessThanOrEqual(counts.strikes);
      continue;
    }
    expect(result).toMatchObject({ status: "completed" });
    expect(digest(await result.contexts())).toBe(expected);
    const again = await workflow.start({ resume: "required" });
    expect(again).toMatchObject({ status: "completed", restored: 8, succeeded: 0 });
    expect(await watch.look()).toEqual([]);
    expect(await watch.damage()).toEqual([]);
    counts.records = recorded.length;
    counts.repeated = watch.repeated();
    await place.leave();
    return counts;
  }
}
