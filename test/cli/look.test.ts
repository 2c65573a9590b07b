// What the command shows of saved runs and of workflows: ls, show, explain, output, graph, verify, watch, help, completion.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { approval, etl, patient, testFolder } from "./commands.ts";

const folder = testFolder();

/** A run that failed at its second task. */
async function failedRun(): Promise<void> {
  folder.write("etl.ts", etl);
  folder.write("broken", "");
  expect((await folder.run("run", "etl.ts")).code).toBe(1);
}

function linesOf(text: string): unknown[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

describe("ls", () => {
  it("lists workflows, and the runs of one of them", async () => {
    expect((await folder.run("ls")).stdout).toBe("There are no workflows in the storage file:.dotflow.\n");
    expect(folder.has(".dotflow")).toBe(false);
    await failedRun();
    folder.write("approval.ts", approval);
    await folder.run("run", "approval.ts");
    const { stdout } = await folder.run("ls");
    expect(stdout).toMatch(/^ {3}WORKFLOW {2}LAST RUN +SAVED {2}LAST TIME +RUNS {2}DRIVEN BY\n/);
    expect(stdout).toMatch(/^◷ {2}approval {2}suspended +0 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}1$/m);
    expect(stdout).toMatch(/^✗ {2}my-etl +failed +1 /m);
    const runs = await folder.run("ls", "my-etl");
    expect(runs.stdout).toMatch(/^✗ {2}\d{8}t\S+ {2}failed {2}1\/3 /m);
    expect(linesOf((await folder.run("ls", "--json")).stdout)).toMatchObject([
      { workflowId: "approval", status: "suspended", runs: 1 },
      { workflowId: "my-etl", status: "failed", saved: 1 },
    ]);
    expect(linesOf((await folder.run("ls", "my-etl", "--json")).stdout)).toMatchObject([
      { status: "failed", total: 3 },
    ]);
  });

  it("says what may have been meant", async () => {
    await failedRun();
    const { code, stderr } = await folder.run("show", "my-elt");
    expect(code).toBe(2);
    expect(stderr).toBe(
      'error There is no run of workflow "my-elt" in the storage file:.dotflow. Did you mean "my-etl"?\n',
    );
  });
});

describe("show", () => {
  it("shows tasks, times, sizes and errors with their stack", async () => {
    await failedRun();
    const { stdout } = await folder.run("show", "my-etl");
    const lines = stdout.split("\n");
    expect(lines.slice(0, 6)).toEqual([
      expect.stringMatching(/^✗ failed {2}my-etl {2}run \S+$/),
      expect.stringMatching(/^ {2}1 of 3 tasks saved, sequential, began .+, ended .+$/),
      "",
      expect.stringMatching(/^✓ extract {4}completed {2}\d\.\d s {2}\S+ \S+ {2}16 B$/),
      expect.stringMatching(/^✗ transform {2}failed$/),
      "    Error: the file is broken",
    ]);
    expect(stdout).toMatch(/^ +at .*transform \(.*etl\.ts:9:/m);
    expect(stdout).toMatch(/^- load {7}skipped {2}"transform" failed$/m);
    const [run, ...tasks] = linesOf((await folder.run("show", "my-etl", "--json")).stdout);
    expect(run).toMatchObject({ type: "run", status: "failed", workflowId: "my-etl" });
    expect(tasks).toMatchObject([{ id: "extract" }, { id: "transform", error: { message: "the file is broken" } }, {}]);
  });

  it("shows an older run by its id", async () => {
    await failedRun();
    const [first] = linesOf((await folder.run("ls", "my-etl", "--json")).stdout) as { runId: string }[];
    await folder.run("run", "etl.ts", "--keep-going");
    const { stdout } = await folder.run("show", "my-etl", first?.runId ?? "");
    expect(stdout).toContain(`run ${first?.runId}`);
    const wrong = await folder.run("show", "my-etl", "20260101");
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("`dotflow ls my-etl` lists its runs.");
  });

  it("shows what a run waits for, and who drives it", async () => {
    folder.write("approval.ts", approval);
    await folder.run("run", "approval.ts");
    expect((await folder.run("show", "approval")).stdout).toMatch(/^◷ ask {2}waiting {2}waits for signal "approval"$/m);
    folder.write("patient.ts", patient);
    const { child, ended } = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    expect((await folder.run("show", "patient")).stdout).toMatch(
      new RegExp(`^▶ running {2}patient .*\n.*\n {2}driven by process ${child.pid} on \\S+, last heard of `, "m"),
    );
    folder.write("release", "");
    await ended;
  });
});

describe("explain", () => {
  it("says per task what a resume would do and why, and runs nothing", async () => {
    await failedRun();
    const { code, stdout } = await folder.run("explain", "etl.ts");
    expect(code).toBe(0);
    expect(stdout).not.toContain("printed by");
    expect(stdout).toMatch(/^my-etl: a resume would drive run \S+, sequential$/m);
    expect(stdout).toMatch(/^↺ restored {2}extract {4}restored from run \S+$/m);
    expect(stdout).toMatch(/^▶ runs {6}transform {2}no record; last time it failed with Error: the file is broken$/m);
    expect(stdout).toContain("1 would be restored, 2 would run.\nGo on with: dotflow resume etl.ts\n");
  });

  it("says that a resume would be refused, and what differs", async () => {
    await failedRun();
    folder.write(
      "etl.ts",
      etl.replace("action(async function extract", "action({ version: 2 }, async function extract"),
    );
    const { stdout } = await folder.run("explain", "etl.ts");
    expect(stdout).toContain("It would be refused, as saved tasks no longer match:\n  extract: version none → 2\n");
    expect(stdout).toContain("Go on with: dotflow resume etl.ts --on-change rerun\n");
    const tasks = linesOf((await folder.run("explain", "etl.ts", "--json")).stdout);
    expect(tasks).toMatchObject([{ id: "extract", will: "run" }, { will: "run" }, { will: "run" }]);
  });

  it("finds a record that a crash cut short, as a resume does", async () => {
    folder.write("patient.ts", patient);
    const { child, ended } = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    child.kill("SIGKILL");
    await ended;
    const record = readdirSync(folder.path, { recursive: true, encoding: "utf8" }).find((name) =>
      name.endsWith("steps/first"),
    );
    truncateSync(join(folder.path, record ?? ""), 60);
    expect((await folder.run("explain", "patient.ts")).stdout).toMatch(/^▶ runs {6}first {3}its record is cut short$/m);
    folder.write("release", "");
    expect((await folder.run("resume", "patient.ts")).stdout).toContain("2 executed, 0 restored");
  });
});

describe("output", () => {
  it("prints the value of a task, readable or as JSON", async () => {
    folder.write(
      "values.mjs",
      `import { action, DotFlow } from "dotflow";
const w = new DotFlow({ workflowId: "values" });
w.task.add(action({ name: "many" }, () => ({ at: new Date(0), big: 12n, map: new Map([["a", { deep: { er: [1] } }]]) })));
w.task.add(action({ name: "text" }, () => "two\\nlines"));
w.task.add(action({ name: "nothing" }, () => undefined));
export default w;`,
    );
    await folder.run("run", "values.mjs");
    expect((await folder.run("output", "values", "many")).stdout).toContain("at: 1970-01-01T00:00:00.000Z");
    expect((await folder.run("output", "values", "many", "--json")).stdout).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","big":"12","map":[["a",{"deep":{"er":[1]}}]]}\n',
    );
    expect((await folder.run("output", "values", "text")).stdout).toBe("two\nlines\n");
    expect((await folder.run("output", "values", "nothing", "--json")).stdout).toBe("null\n");
  });

  it("says which tasks have one", async () => {
    await failedRun();
    const failed = await folder.run("output", "my-etl", "transform");
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('Task "transform" of workflow "my-etl" has no saved value. Saved are "extract".');
    expect((await folder.run("output", "my-etl", "extarct")).stderr).toContain('Did you mean "extract"?');
  });

  it("reads signed and encrypted values with what the environment has, and never takes a secret as a flag", async () => {
    folder.write(
      "signed.mjs",
      `import { action, DotFlow } from "dotflow";
const { SECRET: secret, KEY: encryptionKey } = process.env;
const w = new DotFlow({ workflowId: "signed", secret, encryptionKey });
w.task.add(action({ name: "give" }, () => "kept"));
export default w;`,
    );
    const key = "ab".repeat(32);
    await folder.runWith({ env: { SECRET: "s3cret", KEY: key } }, "run", "signed.mjs");
    const none = await folder.run("output", "signed", "give");
    expect(none.code).toBe(1);
    const env = { DOTFLOW_SECRET: "s3cret", DOTFLOW_ENCRYPTION_KEY: key };
    expect((await folder.runWith({ env }, "output", "signed", "give")).stdout).toBe("kept\n");
    const named = { MINE: "s3cret", DOTFLOW_ENCRYPTION_KEY: key };
    const read = await folder.runWith({ env: named }, "output", "signed", "give", "--secret-env", "MINE");
    expect(read.stdout).toBe("kept\n");
    expect((await folder.run("output", "signed", "give", "--secret", "s3cret")).code).toBe(2);
    expect((await folder.run("output", "signed", "give", "--secret-env", "NONE")).stderr).toContain("NONE");
  });
});

describe("graph", () => {
  const source = `import { action, DotFlow } from "dotflow";
const w = new DotFlow({ workflowId: "shape" });
const step = (name) => action({ name }, () => [1]);
const extract = w.task.add(step("extract"));
const left = w.task.add(step("left"), { after: extract });
const right = w.task.add(step("right"), { after: extract, when: () => true });
const join = w.task.add(step('join "both"'), { after: [left, right] });
w.task.map(step("each"), { after: join });
export default w;
`;

  it("draws it in the terminal", async () => {
    folder.write("shape.mjs", source);
    const { stdout } = await folder.run("graph", "shape.mjs");
    expect(stdout.split("\n")).toEqual([
      "shape  graph",
      "└─ extract",
      "   ├─ left",
      "   └─ right  (if its condition holds)",
      "      ↓",
      '      join "both"  (also after left)',
      "      ↓",
      "      each  (for each item)",
      "",
    ]);
    expect((await folder.run("graph", "shape.mjs", "--mode", "sequential")).stdout).toContain("shape  sequential");
  });

  it("prints it for Mermaid and Graphviz, and writes it as a picture", async () => {
    folder.write("shape.mjs", source);
    expect((await folder.run("graph", "shape.mjs", "--mermaid")).stdout).toBe(
      [
        "flowchart TD",
        '  t0["extract"]',
        '  t1["left"]',
        '  t2{{"right"}}',
        '  t3["join #34;both#34;"]',
        '  t4[["each"]]',
        "  t0 --> t1",
        "  t0 --> t2",
        "  t1 --> t3",
        "  t2 --> t3",
        "  t3 --> t4",
        "",
      ].join("\n"),
    );
    const { stdout } = await folder.run("graph", "shape.mjs", "--dot");
    expect(stdout).toContain('  "right" -> "join \\"both\\"";\n');
    expect((await folder.run("graph", "shape.mjs", "--svg", "shape.svg")).stdout).toBe("Wrote shape.svg.\n");
    const picture = readFileSync(join(folder.path, "shape.svg"), "utf8");
    for (const name of ["extract", "left", "right", "join", "each"]) expect(picture).toContain(name);
    expect(picture).toMatch(/^<\?xml[^]*<\/svg>\s*$/);
  });
});

describe("verify", () => {
  it("says that all is well, and with exit code 1 what is not", async () => {
    await failedRun();
    expect(await folder.run("verify", "my-etl")).toMatchObject({ code: 0, stdout: "All is well in 1 workflow.\n" });
    const record = readdirSync(folder.path, { recursive: true, encoding: "utf8" }).find((name) =>
      name.endsWith("steps/extract"),
    );
    const path = join(folder.path, record ?? "");
    writeFileSync(path, readFileSync(path, "utf8").replace("[1,2,3]", "[1,2,4]"));
    const { code, stdout } = await folder.run("verify");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^CORRUPT_CHECKPOINT {2}.*steps\/extract/);
    expect(stdout).toContain("1 problem in 1 workflow.\n");
    expect(linesOf((await folder.run("verify", "--json")).stdout)).toMatchObject([{ code: "CORRUPT_CHECKPOINT" }]);
  });
});

describe("watch", () => {
  it("prints a line for each task that is saved, and ends as the run does", async () => {
    await failedRun();
    const { code, stdout } = await folder.run("watch", "my-etl");
    expect(code).toBe(1);
    expect(stdout.split("\n").slice(1)).toEqual([
      "✓ extract",
      "- load",
      "✗ failed  1 of 3 saved; failed: transform",
      "",
    ]);
    const events = linesOf((await folder.run("watch", "--json")).stdout);
    expect(events.at(-1)).toMatchObject({ type: "end", status: "failed", failed: ["transform"] });
  });
});

describe("help", () => {
  it("has an example for each command, and exits with 0", async () => {
    const { code, stdout } = await folder.run("--help");
    expect(code).toBe(0);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) .* {2}\S/gm)].map(([, name]) => name ?? "");
    const commands = names.filter((name) => name !== "help");
    expect(commands).toHaveLength(18);
    for (const name of commands) {
      const help = await folder.run(name, "--help");
      expect({ name, code: help.code }).toEqual({ name, code: 0 });
      expect(help.stdout).toMatch(new RegExp(`^Example:\\n {2}\\$ .*dotflow ${name}`, "m"));
    }
    expect((await folder.run("help", "run")).stdout).toContain("--keep-going");
    expect((await folder.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("is printed, with exit code 2, where there is no command", async () => {
    const { code, stderr } = await folder.run();
    expect(code).toBe(2);
    expect(stderr).toContain("Usage: dotflow");
  });
});

describe("completion", () => {
  it("completes commands, options and their values in bash", async () => {
    const { stdout } = await folder.run("completion", "bash");
    folder.write("completion.bash", stdout);
    const complete = (...words: string[]): string[] =>
      execFileSync(
        "bash",
        [
          "-c",
          `source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _dotflow; printf '%s\\n' "\${COMPREPLY[@]}"`,
          "bash",
          ...words,
        ],
        { cwd: folder.path, encoding: "utf8" },
      )
        .trim()
        .split("\n");
    expect(complete("dotflow", "re")).toEqual(["resume"]);
    expect(complete("dotflow", "run", "--kee")).toEqual(["--keep-going"]);
    expect(complete("dotflow", "run", "--on-change", "re")).toEqual(["restart", "rerun", "reuse"]);
    expect(complete("dotflow", "completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  it("names every command for zsh and fish, and refuses another shell", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { stdout } = await folder.run("completion", shell);
      for (const name of ["run", "explain", "prune"]) expect(stdout).toMatch(new RegExp(`\\b${name}\\b`));
      expect(stdout).toContain("keep-going");
    }
    expect((await folder.run("completion", "tcsh")).code).toBe(2);
  });
});
