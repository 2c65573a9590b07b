// Processes that are killed in the middle of everything that a step can do, at moments at which they change a file, and
// resumed by other processes. MOMENTS=all takes all moments.
import { afterAll, expect, it } from "vitest";
import { type EverythingOrder, EverythingRun, reportOf } from "./everything-run.ts";
import { programOf } from "./programs.ts";
import { type Random, seededRandom } from "./random.ts";

const program = programOf("crash-everything");
afterAll(() => program.end());

it.each<[name: string, order: EverythingOrder, most: number]>([
  ["each record at once", { asksPerson: true }, 15],
  ["records that are gathered", { everySteps: 5 }, 9],
])(
  "ends with the same result, and repeats nothing that was saved: %s",
  { timeout: 600_000 },
  async (name, order, most) => {
    const random = seededRandom();
    const first = new EverythingRun(program, order);
    const suspended = reportOf(await first.start({ moment: 0 }).ended);
    expect(suspended).toMatchObject({ status: "suspended", waiting: ["approval"], failed: {} });
    await first.approve();
    const second = EverythingRun.after(first);
    const completed = reportOf(await second.start({ moment: 0 }).ended);
    expect(completed.status).toBe("completed");
    expect(await second.wrong()).toEqual([]);

    const total = { kills: 0, missed: 0, answers: 0, repeated: 0 };
    const killIn = async (run: EverythingRun, moment: number | string, what: string): Promise<void> => {
      const { how } = await run.start({ moment }).ended;
      // As things happen side by side, one process has a few moments less than another one.
      if (how === 0 && typeof moment === "number") {
        total.missed++;
        return run.leave();
      }
      expect(how, what).toBe("SIGKILL");
      await run.look();
      const { values } = await run.goOn();
      expect(values, what).toBe(completed.values);
      expect(await run.wrong(), what).toEqual([]);
      total.kills++;
      total.answers += run.answers;
      total.repeated += run.begunCount() - second.begunCount();
      run.leave();
    };
    const kills = [
      // As things happen side by side, a number may be another moment in another process.
      ...["before the charge", "after the charge"].map(
        (moment) => () => killIn(new EverythingRun(program, order), moment, moment),
      ),
      ...chosen(suspended.moments, most, random).map(
        (moment) => () =>
          killIn(new EverythingRun(program, order), moment, `${moment}: ${suspended.moments[moment - 1]}`),
      ),
      ...chosen(completed.moments, most / 3, random).map(
        (moment) => () =>
          killIn(EverythingRun.after(first), moment, `resume, ${moment}: ${completed.moments[moment - 1]}`),
      ),
    ];
    const moments = suspended.moments.length + completed.moments.length;
    const lane = async (): Promise<void> => {
      for (let kill = kills.shift(); kill; kill = kills.shift()) await kill();
    };
    await Promise.all([lane(), lane()]);
    first.leave();
    second.leave();
    expect(total.missed).toBeLessThan(total.kills / 4);
    // Whoever is killed between intent and value leaves a doubt, for a person where one is asked.
    if (order.asksPerson) expect(total.answers).toBeGreaterThanOrEqual(2);
    console.log(`${name}, ${moments} moments (seed ${random.seed}): ${JSON.stringify(total)}`);
  },
);

/** `most` moments at random, each of another kind as far as there are as many kinds. */
function chosen(moments: readonly string[], most: number, random: Random): readonly number[] {
  const all = moments.map((what, index) => ({ what, moment: index + 1, place: random.below(1) }));
  if (process.env["MOMENTS"] === "all") return all.map(({ moment }) => moment);
  const shuffled = all.sort((a, b) => a.place - b.place);
  const first = shuffled.filter(({ what }, index) => shuffled.findIndex((other) => other.what === what) === index);
  return [...new Set([...first, ...shuffled])].slice(0, most).map(({ moment }) => moment);
}
