// Processes that are killed at random moments, again and again, until one gets to the end.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { reportOf } from "./run-report.ts";
import { programOf } from "./programs.ts";
import { seededRandom } from "./random.ts";
import { Scene } from "./scene.ts";

const enough = 60;
/** How long a step takes at most; eight of them follow each other, some side by side. */
const stepMilliseconds = "20";

const program = programOf("crash-run");
afterAll(() => program.end());

it("gets to the same end through any number of kills, and repeats no completed step", async () => {
  const random = seededRandom();
  console.log(`seed ${random.seed}`);
  const undisturbed = new Scene();
  const expected = reportOf(await program.start(undisturbed.folder).ended).values;
  undisturbed.leave();
  let kills = 0;
  let runs = 0;
  let repeated = 0;
  while (kills < enough) {
    const scene = new Scene();
    for (;;) {
      const { child, firstLine, ended } = program.start(scene.folder, "", stepMilliseconds);
      // From the moment it drives; before that it would only start up.
      if ((await firstLine) === "begun") {
        await Promise.race([sleep(random.below(120)), ended]);
        child.kill("SIGKILL");
      }
      const end = await ended;
      expect(await scene.watch.look()).toEqual([]);
      if (end.how !== "SIGKILL") {
        expect(reportOf(end)).toMatchObject({ status: "completed", values: expected });
        break;
      }
      kills++;
    }
    expect(await scene.watch.damage()).toEqual([]);
    runs++;
    repeated += scene.watch.repeated();
    scene.leave();
  }
  console.log(`${kills} kills, ${runs} runs of 8 steps, ${repeated} executions repeated`);
}, 120_000);
