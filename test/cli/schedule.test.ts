// `dotflow schedule`: runs at the times of a pattern until it is stopped.
import { expect, it } from "vitest";
import { etl, patient, testFolder } from "./commands.ts";
import { controlC, Screen } from "./screen.ts";

const folder = testFolder();
const everySecond = ["--cron", "* * * * * *"];

it("runs at each tick, says when the next one is, and ends at Ctrl-C", async () => {
  folder.write("etl.ts", etl);
  const screen = new Screen(folder, ["schedule", "etl.ts", ...everySecond]);
  await screen.waitFor(/^next run at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/m);
  await expect
    .poll(() => screen.text().match(/^run completed in \d\.\d s: 3 executed, 0 restored$/gm)?.length ?? 0, {
      timeout: 20_000,
    })
    .toBeGreaterThanOrEqual(2);
  screen.press(controlC);
  expect(await screen.end()).toBe(130);
  expect(screen.text()).toContain("Stopping: a run that goes on is cancelled");
  // Each tick was a run of its own.
  expect((await folder.run("ls", "my-etl", "--json")).stdout.split("\n").length).toBeGreaterThanOrEqual(3);
});

it("goes on with the last run at the next tick with --resume, also after a failure", async () => {
  folder.write("etl.ts", etl);
  folder.write("broken", "");
  await folder.run("run", "etl.ts");
  folder.write("etl.ts", etl.replace('existsSync("broken")', "false"));
  const schedule = folder.start(["schedule", "etl.ts", ...everySecond, "--resume"]);
  await expect.poll(() => schedule.stdout(), { timeout: 20_000 }).toContain("2 executed, 1 restored");
  schedule.child.kill("SIGTERM");
  expect((await schedule.ended).code).toBe(130);
});

it("leaves out what is due while the run before goes on, and cancels that one at SIGTERM with what is done saved", async () => {
  folder.write("patient.ts", patient);
  const schedule = folder.start(["schedule", "patient.ts", ...everySecond, "--json"]);
  await folder.waitForFile("begun");
  await expect
    .poll(() => schedule.stdout(), { timeout: 20_000 })
    .toContain("was left out: the run before it still goes on");
  schedule.child.kill("SIGTERM");
  const { code, stdout } = await schedule.ended;
  expect(code).toBe(130);
  const types = stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toContain("run.cancelled");
  expect((await folder.run("show", "patient")).stdout).toMatch(/^✓ first/m);
});

it("refuses a pattern or a time zone that is none", async () => {
  folder.write("etl.ts", etl);
  expect((await folder.run("schedule", "etl.ts")).stderr).toContain("--cron");
  expect((await folder.run("schedule", "etl.ts", "--cron", "often")).code).toBe(2);
  const { code, stderr } = await folder.run("schedule", "etl.ts", ...everySecond, "--timezone", "Mars/Base");
  expect(code).toBe(2);
  expect(stderr).toContain("Mars/Base");
});
