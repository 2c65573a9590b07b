// The command in a real terminal: what a person sees while a run goes on, and what Ctrl-C does.
import { afterEach, expect, it } from "vitest";
import { etl, patient, testFolder } from "./commands.ts";
import { controlC, Screen, type ScreenOptions } from "./screen.ts";

const folder = testFolder();
const screens: Screen[] = [];

afterEach(() => {
  for (const screen of screens.splice(0)) screen.kill();
});

function open(args: readonly string[], options?: ScreenOptions): Screen {
  const screen = new Screen(folder, args, options);
  screens.push(screen);
  return screen;
}

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const colour = /\x1b\[3\dm/; // eslint-disable-line no-control-regex

/** Three tasks, each of which waits for a file; the second fails once, the third goes over items. */
const staged = `import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { action, type Context, DotFlow } from "dotflow";

const until = async (name: string) => {
  while (!existsSync(name)) await sleep(10);
};
const extract = action(async function extract() {
  console.log("a line of extract");
  process.stdout.write("half ");
  process.stdout.write("a line\\n");
  console.error("an error of extract");
  await until("one");
  return [1, 2, 3, 4];
});
const transform = action({ retry: 2, retryDelay: "1h" }, async function transform() {
  throw new Error("not this time");
});
const items = action(async function items(item: Context<number>) {
  if (item.storage > 2) await until("two");
  return item.storage;
});
const workflow = new DotFlow({ workflowId: "staged" });
const first = workflow.task.add(extract);
workflow.task.map(items, { after: first });
workflow.task.add(transform, { after: first });
export default workflow;
`;

it("draws every task with its state, its attempt, its time and its items, and what steps print above", async () => {
  folder.write("staged.ts", staged);
  const screen = open(["run", "staged.ts"]);
  await screen.waitFor(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] extract +\d\.\d s$/m);
  await screen.waitFor("an error of extract");
  expect(screen.lines()).toEqual([
    "a line of extract",
    "half a line",
    "an error of extract",
    expect.stringMatching(/^staged {2}\S+ {2}graph {2}\d\.\d s$/),
    expect.stringMatching(/^. extract +\d\.\d s$/),
    expect.stringMatching(/^· items +$/),
    expect.stringMatching(/^· transform +$/),
  ]);
  folder.write("one", "");
  await screen.waitFor(/^. items +2 of 4 items {2}\d\.\d s$/m);
  await screen.waitFor(/^. transform +retrying {2}attempt 2 {2}\d\.\d s {2}Error: not this time$/m);
  expect(screen.text()).toMatch(/^✓ extract +\d\.\d s$/m);
  folder.write("two", "");
  await screen.waitFor(/^✓ items +4 of 4 items {2}\d\.\d s$/m);
  screen.press(controlC);
  expect(await screen.end()).toBe(130);
  expect(screen.lines()).toEqual([
    "a line of extract",
    "half a line",
    "an error of extract",
    "Cancelling: what is done is saved. Ctrl-C again ends at once.",
    expect.stringMatching(/^staged {2}\S+ {2}graph {2}\d/),
    expect.stringMatching(/^✓ extract +\d\.\d s$/),
    expect.stringMatching(/^✓ items +4 of 4 items {2}\d\.\d s$/),
    expect.stringMatching(/^■ transform +cancelled/),
    "",
    expect.stringMatching(/^■ cancelled in \d.*: 2 executed, 0 restored, 1 cancelled$/),
    expect.stringMatching(/^ {2}run \S+ of staged$/),
    expect.stringMatching(/^■ transform /),
    "",
    "Go on with: dotflow resume staged.ts",
  ]);
  expect(screen.sent.lastIndexOf(showCursor)).toBeGreaterThan(screen.sent.lastIndexOf(hideCursor));
});

it("resumes with what was saved before the Ctrl-C", async () => {
  folder.write("patient.ts", patient);
  const screen = open(["run", "patient.ts"]);
  await folder.waitForFile("begun");
  screen.press(controlC);
  expect(await screen.end()).toBe(130);
  folder.write("release", "");
  const again = open(["resume", "patient.ts"]);
  expect(await again.end()).toBe(0);
  expect(again.text()).toMatch(/^↺ first +restored$/m);
  expect(again.text()).toContain("1 executed, 1 restored");
});

it("ends at once at the second Ctrl-C, and leaves the terminal as it was", async () => {
  folder.write("patient.ts", patient);
  const screen = open(["run", "patient.ts"], { env: { STUBBORN: "1" } });
  await folder.waitForFile("begun");
  screen.press(controlC);
  await screen.waitFor("Ctrl-C again ends at once");
  // A step that does not stop is given two seconds, so that it is certain who ends it only when the lease was not released.
  const pressing = setInterval(() => screen.press(controlC), 50);
  expect(await screen.end().finally(() => clearInterval(pressing))).toBe(130);
  expect(screen.sent.lastIndexOf(showCursor)).toBeGreaterThan(screen.sent.lastIndexOf(hideCursor));
  expect(screen.text()).not.toContain("cancelled in");
  expect((await folder.run("show", "patient")).stdout).toContain("! interrupted  patient");
});

it("heeds NO_COLOR, and uses colours without it", async () => {
  folder.write("etl.ts", etl);
  const plain = open(["run", "etl.ts"], { env: { NO_COLOR: "1" } });
  expect(await plain.end()).toBe(0);
  expect(plain.sent).not.toMatch(colour);
  expect(plain.text()).toContain("✓ completed");
  const coloured = open(["run", "etl.ts"]);
  expect(await coloured.end()).toBe(0);
  expect(coloured.sent).toMatch(colour);
});

it("prints plain lines on a terminal that can't draw", async () => {
  folder.write("etl.ts", etl);
  const screen = open(["run", "etl.ts"], { env: { TERM: "dumb" } });
  expect(await screen.end()).toBe(0);
  expect(screen.sent).not.toContain("\x1b");
  expect(screen.text()).toMatch(/^\d\d:\d\d:\d\d extract started$/m);
});

it("shows what matters of a thousand tasks on a small screen, and leaves no line behind", async () => {
  folder.write(
    "many.mjs",
    `import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { action, DotFlow } from "dotflow";
const workflow = new DotFlow({ workflowId: "many" });
for (let at = 0; at < 1000; at++)
  workflow.task.add(action({ name: "task-" + at }, async () => {
    if (at === 500) while (!existsSync("release")) await sleep(10);
  }));
export default workflow;`,
  );
  const screen = open(["run", "many.mjs", "--mode", "parallel", "--storage", "memory:"], { columns: 40, rows: 12 });
  await screen.waitFor(/^… and 993 completed$/m);
  expect(screen.text()).toMatch(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] task-500 /m);
  expect(screen.lines()).toHaveLength(9);
  folder.write("release", "");
  expect(await screen.end()).toBe(0);
  expect(screen.text().match(/^many/gm)).toHaveLength(1);
  expect(screen.text()).toContain("✓ completed");
});

it("asks before it removes, and does it at yes only", async () => {
  folder.write("etl.ts", etl);
  await folder.run("run", "etl.ts");
  const no = open(["clear", "my-etl"]);
  await no.waitFor('Remove 1 run of workflow "my-etl" from the storage file:.dotflow? [y/N]');
  no.press("\r");
  expect(await no.end()).toBe(1);
  expect(no.text()).toContain("Nothing was removed.");
  const yes = open(["clear", "my-etl"]);
  await yes.waitFor("[y/N]");
  yes.press("y\r");
  expect(await yes.end()).toBe(0);
  expect(yes.text()).toContain("Removed 1 run.");
  expect((await folder.run("ls")).stdout).toContain("There are no workflows");
});

it("follows in one terminal what runs in another one", async () => {
  folder.write("patient.ts", patient);
  const driver = open(["run", "patient.ts"]);
  await folder.waitForFile("begun");
  const watcher = open(["watch"]);
  await watcher.waitFor(/^patient {2}run \S+, driven by process \d+ on /m);
  await watcher.waitFor(/^✓ first$/m);
  await watcher.waitFor(/^▶ 1 of 2 saved, last heard of \d\.\d s ago$/m);
  folder.write("release", "");
  expect(await driver.end()).toBe(0);
  expect(await watcher.end()).toBe(0);
  expect(watcher.lines().slice(1)).toEqual(["✓ first", "✓ second", "✓ completed  2 of 2 saved"]);
});

it("stops looking at Ctrl-C, and lets the run go on", async () => {
  folder.write("patient.ts", patient);
  const driver = open(["run", "patient.ts"]);
  await folder.waitForFile("begun");
  const watcher = open(["watch", "patient"]);
  await watcher.waitFor("1 of 2 saved");
  watcher.press(controlC);
  expect(await watcher.end()).toBe(130);
  folder.write("release", "");
  expect(await driver.end()).toBe(0);
});

it("saves what is done when the terminal is closed", async () => {
  folder.write("patient.ts", patient);
  const screen = open(["run", "patient.ts"]);
  await folder.waitForFile("begun");
  screen.close();
  await expect
    .poll(async () => (await folder.run("show", "patient")).stdout, { timeout: 20_000 })
    .toContain("■ cancelled  patient");
  folder.write("release", "");
  expect((await folder.run("resume", "patient.ts")).stdout).toContain("1 executed, 1 restored");
});

it("shows the tasks of a workflow that is a task", async () => {
  folder.write(
    "outer.mjs",
    `import { action, DotFlow } from "dotflow";
const inner = new DotFlow({ workflowId: "inner" });
inner.task.add(action({ name: "deep" }, () => 1));
const outer = new DotFlow({ workflowId: "outer" });
outer.task.add(inner);
export default outer;`,
  );
  const screen = open(["run", "outer.mjs"]);
  expect(await screen.end()).toBe(0);
  expect(screen.lines().slice(1, 3)).toEqual([
    expect.stringMatching(/^✓ inner {9}\d\.\d s$/),
    expect.stringMatching(/^✓ inner › deep {2}\d\.\d s$/),
  ]);
});
