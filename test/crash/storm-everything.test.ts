// Processes that use everything that a step can do, killed at random moments, again and again, until one gets to the end.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { type EverythingOrder, EverythingRun } from "./everything-run.ts";
import { programOf, type Running } from "./programs.ts";
import { seededRandom } from "./random.ts";

const enough = 16;
const mostInOne = 8;
/** How long a step, or a `once` within it, takes at most. */
const milliseconds = 15;

const program = programOf("crash-everything");
afterAll(() => program.end());

it.each<[name: string, order: EverythingOrder]>([
  ["one that ends suspended", { asksPerson: true }],
  ["one that waits in place, with records that are gathered", { stays: true, everySteps: 4 }],
])("gets to the same end through any number of kills: %s", { timeout: 120_000 }, async (name, order) => {
  const random = seededRandom();
  const undisturbed = new EverythingRun(program, order);
  const { values } = await undisturbed.goOn(approveIn(undisturbed));
  expect(await undisturbed.wrong()).toEqual([]);
  const total = { kills: 0, runs: 0, answers: 0, repeated: 0 };
  while (total.kills < enough) {
    const run = new EverythingRun(program, { ...order, milliseconds });
    const approve = approveIn(run);
    const strike = async (running: Running): Promise<void> => {
      await approve(running);
      // On a machine that is busy it would not come to its end.
      if (run.kills === mostInOne || (await running.firstLine) !== "begun") return;
      await Promise.race([sleep(random.below(160)), running.ended]);
      running.child.kill("SIGKILL");
    };
    expect((await run.goOn(strike)).values).toBe(values);
    expect(await run.wrong(), `seed ${random.seed}`).toEqual([]);
    total.kills += run.kills;
    total.runs++;
    total.answers += run.answers;
    total.repeated += run.begunCount() - undisturbed.begunCount();
    run.leave();
  }
  undisturbed.leave();
  console.log(`${name} (seed ${random.seed}): ${JSON.stringify(total)}`);
});

/** One that waits in place is told what it waits for while it runs. */
function approveIn(run: EverythingRun): (running: Running) => Promise<void> {
  return async ({ firstLine }) => {
    if (run.order.stays && (await firstLine) === "begun") await run.approve();
  };
}
