// Processes that are killed at every moment at which they change a file, and resumed by another process.
import { afterAll, expect, it } from "vitest";
import { programOf } from "./programs.ts";
import { reportOf } from "./run-report.ts";
import { Scene } from "./scene.ts";

const program = programOf("crash-run");
afterAll(() => program.end());

it("ends with the same result wherever the process before was killed, and repeats no completed step", async () => {
  const sound = new Scene();
  const expected = reportOf(await program.start(sound.folder, "0").ended);
  sound.leave();
  expect(expected.status).toBe("completed");
  expect(new Set(expected.moments)).toContain("link steps");

  const kills = new Map<string, number>();
  let repeated = 0;
  const killAt = async (moment: number): Promise<void> => {
    const scene = new Scene();
    const { how } = await program.start(scene.folder, String(moment)).ended;
    expect(how, `moment ${moment}`).toBe("SIGKILL");
    await scene.watch.look();
    const recorded = await scene.watch.recorded();
    const inFlight = [...scene.begun().keys()].filter((task) => !recorded.includes(task));
    const report = reportOf(await program.start(scene.folder).ended);
    expect(report, `moment ${moment}`).toMatchObject({ status: "completed", values: expected.values });
    expect(await scene.watch.look(), `moment ${moment}`).toEqual([]);
    expect(scene.watch.repeated(), `moment ${moment}`).toBe(inFlight.length);
    expect(await scene.watch.damage()).toEqual([]);
    const what = expected.moments[moment - 1] ?? "";
    kills.set(what, (kills.get(what) ?? 0) + 1);
    repeated += scene.watch.repeated();
    scene.leave();
  };
  const all = expected.moments.map((_, index) => index + 1);
  const lane = async (): Promise<void> => {
    for (let moment = all.shift(); moment !== undefined; moment = all.shift()) await killAt(moment);
  };
  await Promise.all([lane(), lane()]);
  console.log(
    `killed at ${expected.moments.length} moments, ${repeated} executions repeated`,
    Object.fromEntries(kills),
  );
}, 120_000);
