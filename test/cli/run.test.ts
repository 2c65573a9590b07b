// `dotflow run` and `resume` through a pipe: plain lines, JSON, exit codes, and how the file and the storage are found.
import { describe, expect, it } from "vitest";
import { approval, etl, patient, testFolder } from "./commands.ts";

const folder = testFolder();

// eslint-disable-next-line no-control-regex
const controlCodes = /[\u0000-\u0009\u000b-\u001f\u007f]/;

describe("plain lines", () => {
  it("tell of each task, end with a summary and how to go on, and have no control codes", async () => {
    folder.write("etl.ts", etl);
    folder.write("broken", "");
    const { code, stdout, stderr } = await folder.run("run", "etl.ts");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).not.toMatch(controlCodes);
    const lines = stdout.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
    expect(lines).toEqual([
      expect.stringMatching(/^my-etl: run \S+ started, 3 tasks, sequential$/),
      "extract started",
      "printed by extract",
      expect.stringMatching(/^extract completed in \d\.\d s$/),
      "transform started",
      "transform failed after 1 attempt: Error: the file is broken",
      'load skipped: "transform" failed',
      "",
      expect.stringMatching(/^✗ failed in \d\.\d s: 1 executed, 0 restored, 1 failed, 1 skipped$/),
      expect.stringMatching(/^ {2}run \S+ of my-etl$/),
      "✗ transform failed after 1 attempt: Error: the file is broken",
      "",
      "Go on with: dotflow resume etl.ts",
      "",
    ]);
  });

  it("resume with what was saved, and say so", async () => {
    folder.write("etl.ts", etl);
    folder.write("broken", "");
    await folder.run("run", "etl.ts");
    folder.write("etl.ts", etl.replace('existsSync("broken")', "false"));
    const { code, stdout } = await folder.run("resume", "etl.ts");
    expect(code).toBe(0);
    expect(stdout).toMatch(/run \S+ resumed, 1 of 3 tasks restored/);
    expect(stdout).toMatch(/✓ completed in \d\.\d s: 2 executed, 1 restored\n/);
    expect(stdout).not.toContain("printed by extract");
    expect(stdout).not.toContain("Go on with");
  });

  it("let no name and no error text of the workflow move the cursor or break a line", async () => {
    folder.write(
      "evil.mjs",
      `import { action, DotFlow } from "dotflow";
const workflow = new DotFlow({ workflowId: "evil" });
workflow.task.add(action({ name: "red\\u001b[31m" }, () => { throw new Error("one\\ntwo\\u001b[2J\\u0007"); }));
export default workflow;`,
    );
    const { stdout } = await folder.run("run", "evil.mjs");
    expect(stdout).not.toMatch(controlCodes);
    expect(stdout).toContain(String.raw`red\u001b[31m failed after 1 attempt: Error: one two\u001b[2J\u0007`);
  });
});

describe("--json", () => {
  it("prints one event a line and nothing else on stdout: what steps print goes to stderr", async () => {
    folder.write("etl.ts", `console.log("loaded");\nprocess.on("exit", () => console.log("over"));\n${etl}`);
    const { code, stdout, stderr } = await folder.run("run", "etl.ts", "--json");
    expect(code).toBe(0);
    expect(stderr).toBe("loaded\nprinted by extract\nover\n");
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; workflowId: string });
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["run.started", "step.completed", "run.completed"]),
    );
    expect(events.every(({ workflowId }) => workflowId === "my-etl")).toBe(true);
  });

  it("prints an error as a line too", async () => {
    const { code, stdout, stderr } = await folder.run("run", "missing.ts", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ type: "error", message: expect.stringContaining("missing.ts") });
    expect(stderr).toContain("error There is no file missing.ts.");
  });
});

describe("exit codes", () => {
  it("3 for a run that waits, with the command that lets it go on", async () => {
    folder.write("approval.ts", approval);
    const { code, stdout } = await folder.run("run", "approval.ts");
    expect(code).toBe(3);
    expect(stdout).toContain('◷ ask waits for signal "approval"');
    expect(stdout).toContain("Go on with: dotflow signal approval approval && dotflow resume approval.ts\n");
    await folder.run("signal", "approval", "approval", '{"by":"me"}');
    expect((await folder.run("resume", "approval.ts")).code).toBe(0);
    expect((await folder.run("output", "approval", "ask", "--json")).stdout).toBe('{"by":"me"}\n');
  });

  it("4 for a workflow that another process drives, which it names", async () => {
    folder.write("patient.ts", patient.replace('"600ms"', '"30s"'));
    const first = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    const { code, stderr } = await folder.run("resume", "patient.ts");
    expect(code).toBe(4);
    expect(stderr).toContain(`is driven by process ${first.child.pid} on `);
    expect(stderr).toContain("Follow it: dotflow watch patient\n");
    folder.write("release", "");
    expect((await first.ended).code).toBe(0);
  });

  it("130 for a run that SIGTERM ends, with what is done saved", async () => {
    folder.write("patient.ts", patient);
    const { child, ended } = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    child.kill("SIGTERM");
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain("Cancelling: what is done is saved.");
    expect(stdout).toContain("■ cancelled");
    folder.write("release", "");
    expect((await folder.run("resume", "patient.ts")).stdout).toContain("1 executed, 1 restored");
  });

  it("2 for wrong use, in one paragraph, with what may have been meant", async () => {
    folder.write("etl.ts", etl);
    const cases: [string[], string][] = [
      [["rnu", "etl.ts"], "(Did you mean run?)"],
      [["run", "etl.ts", "--frm", "load"], "(Did you mean --from?)"],
      [["run"], "Missing required argument 'file'"],
      [["run", "etl.ts", "--from", "laod"], 'Did you mean "load"?'],
      [["run", "etl.ts", "--mode", "zigzag"], "Allowed choices are sequential"],
      [["run", "etl.ts", "--concurrency", "none"], "whole number"],
      [["run", "etl.ts", "--input", "{oops"], "--input is no JSON"],
      [["run", "etl.ts", "--input", "@nowhere.json"], "nowhere.json"],
      [["run", "etl.ts", "--storage", "ftp://x"], 'the scheme "ftp:"'],
      [["run", "etl.ts", "--deadline", "soon"], "soon"],
    ];
    for (const [args, text] of cases) {
      const { code, stdout, stderr } = await folder.run(...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(stderr).toContain(text);
      expect(stderr).not.toContain("    at ");
    }
  });

  it("1 for a definition that no longer fits, with what would run and how to go on", async () => {
    folder.write("etl.ts", etl);
    await folder.run("run", "etl.ts");
    folder.write(
      "etl.ts",
      etl.replace("action(async function extract", "action({ version: 2 }, async function extract"),
    );
    const { code, stderr } = await folder.run("resume", "etl.ts");
    expect(code).toBe(1);
    expect(stderr).toContain('"extract" version none → 2');
    expect(stderr).toContain("Look at what would run: dotflow explain etl.ts\n");
    expect(stderr).toContain("Go on with: dotflow resume etl.ts --on-change rerun\n");
    expect((await folder.run("resume", "etl.ts", "--on-change", "rerun")).stdout).toContain("3 executed, 0 restored");
  });

  it("shows the stack with --verbose", async () => {
    folder.write("throws.ts", 'throw new RangeError("at the top of the file");\nexport {};\n');
    const short = await folder.run("run", "throws.ts");
    expect(short.code).toBe(1);
    expect(short.stderr).toBe(
      "error RangeError: at the top of the file\nIt came while throws.ts was loaded.\nRun it again with --verbose to see where it comes from.\n",
    );
    expect((await folder.run("run", "throws.ts", "--verbose")).stderr).toMatch(/throws\.ts:1/);
  });
});

describe("--or-new", () => {
  it("goes on with a run that has not completed, and begins a new one where it has", async () => {
    folder.write("etl.ts", etl);
    folder.write("broken", "");
    expect((await folder.run("run", "etl.ts", "--or-new")).code).toBe(1);
    folder.write("etl.ts", etl.replace('existsSync("broken")', "false"));
    expect((await folder.run("resume", "etl.ts", "--or-new")).stdout).toContain("2 executed, 1 restored");
    expect((await folder.run("resume", "etl.ts", "--or-new")).stdout).toContain("3 executed, 0 restored");
    expect((await folder.run("resume", "etl.ts")).stdout).toContain("0 executed, 3 restored");
    expect((await folder.run("resume", "etl.ts", "--or-new", "--from", "load")).code).toBe(2);
  });
});

describe("the storage", () => {
  const inFile = etl.replace(
    'workflowId: "my-etl"',
    'workflowId: "my-etl", storage: new StorageFile({ folder: "own" })',
  );
  const withStorage = `import { StorageFile } from "dotflow/storage/file";\n${inFile}`;
  const has = (name: string): boolean => folder.has(name);

  it("is that of the file, and a flag wins over it; the way to go on repeats the flag", async () => {
    folder.write("etl.ts", withStorage);
    await folder.runWith({ env: { DOTFLOW_STORAGE: "file:environment" } }, "run", "etl.ts");
    expect([has("own"), has("environment"), has(".dotflow")]).toEqual([true, false, false]);
    folder.write("broken", "");
    const { stdout } = await folder.run("run", "etl.ts", "--storage", "sqlite:other.db");
    expect(has("other.db")).toBe(true);
    expect(stdout).toContain("Go on with: dotflow resume etl.ts --storage sqlite:other.db\n");
    expect((await folder.run("ls", "--storage", "sqlite:other.db")).stdout).toContain("my-etl");
  });

  it("is else what DOTFLOW_STORAGE says, else .dotflow in this folder", async () => {
    folder.write("etl.ts", etl);
    await folder.runWith({ env: { DOTFLOW_STORAGE: "file:environment" } }, "run", "etl.ts");
    expect([has("environment"), has(".dotflow")]).toEqual([true, false]);
    await folder.run("run", "etl.ts");
    expect(has(".dotflow")).toBe(true);
  });

  it("never shows a password in what it prints", async () => {
    folder.write("etl.ts", etl);
    const address = "postgres://me:hunter2@127.0.0.1:1/none";
    const { code, stdout, stderr } = await folder.run("run", "etl.ts", "--storage", address, "--verbose");
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain("hunter2");
    const looked = await folder.run("ls", "--storage", address);
    expect(looked.stdout + looked.stderr).not.toContain("hunter2");
  });
});

describe("the file", () => {
  const body = (name: string): string =>
    `const ${name} = new DotFlow({ workflowId: "${name}" });\n${name}.task.add(action({ name: "give" }, () => "${name}"));\n`;
  const head = 'import { action, DotFlow } from "dotflow";\n';

  it("may be JavaScript, and export a function, also an asynchronous one, that returns the workflow", async () => {
    folder.write("one.mjs", `${head}export default async function make() {\n${body("one")}return one;\n}\n`);
    expect((await folder.run("run", "one.mjs")).code).toBe(0);
    folder.write("two.ts", `${head}export const make = () => {\n${body("two")}return two;\n};\n`);
    expect((await folder.run("run", "two.ts")).code).toBe(0);
    expect((await folder.run("output", "two", "give")).stdout).toBe("two\n");
  });

  it("may be CommonJS", async () => {
    folder.write(
      "common.cjs",
      `const { action, DotFlow } = require("dotflow");\n${body("common")}module.exports = common;\n`,
    );
    expect((await folder.run("run", "common.cjs")).code).toBe(0);
    folder.write(
      "common-two.cjs",
      `const { action, DotFlow } = require("dotflow");\n${body("common")}exports.common = common;\n`,
    );
    expect((await folder.run("run", "common-two.cjs")).code).toBe(0);
    // Without "type": "module" in a package.json this is CommonJS too.
    folder.write("old.cts", `import { action, DotFlow } from "dotflow";\n${body("old")}export = old;\n`);
    expect((await folder.run("run", "old.cts")).code).toBe(0);
  });

  it("may export several, of which --workflow chooses one by its export or its id", async () => {
    folder.write("both.mjs", `${head}${body("first")}${body("second")}export { first, second as other };\n`);
    const unclear = await folder.run("run", "both.mjs");
    expect(unclear.code).toBe(2);
    expect(unclear.stderr).toContain('exports several workflows: "first", "other". Choose one with --workflow.');
    expect((await folder.run("run", "both.mjs", "--workflow", "other")).stdout).toContain("of second");
    expect((await folder.run("run", "both.mjs", "--workflow", "second")).code).toBe(0);
    expect((await folder.run("run", "both.mjs", "--workflow", "othre")).stderr).toContain('Did you mean "other"?');
  });

  it("is never made to run a step by looking for a workflow", async () => {
    folder.write("steps.mjs", `${head}export const step = action(() => console.log("called"));\n`);
    const { code, stdout, stderr } = await folder.run("run", "steps.mjs");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("exports no workflow");
  });

  it("gives a workflow without an id its own name, so that a resume finds it again; --id gives another one", async () => {
    folder.write(
      "nightly.mjs",
      `${head}export default new DotFlow();\n`.replace(
        "export default new DotFlow();",
        `const w = new DotFlow();\nw.task.add(action({ name: "give" }, () => 1));\nexport default w;`,
      ),
    );
    expect((await folder.run("run", "nightly.mjs")).stdout).toContain("of nightly\n");
    expect((await folder.run("resume", "nightly.mjs")).stdout).toContain("0 executed, 1 restored");
    expect((await folder.run("run", "nightly.mjs", "--id", "weekly")).stdout).toContain("of weekly\n");
  });

  it("takes an initial context as JSON, from a file, and from a pipe", async () => {
    folder.write(
      "input.mjs",
      `${head}const w = new DotFlow({ workflowId: "input" });\nw.task.add(action({ name: "give" }, (_p, step) => step.initial.storage));\nexport default w;\n`,
    );
    folder.write("input.json", '{"from":"file"}');
    const output = async (): Promise<string> => (await folder.run("output", "input", "give", "--json")).stdout;
    await folder.run("run", "input.mjs", "--input", '{"from":"flag"}');
    expect(await output()).toBe('{"from":"flag"}\n');
    await folder.run("run", "input.mjs", "--input", "@input.json");
    expect(await output()).toBe('{"from":"file"}\n');
    await folder.runWith({ input: '{"from":"pipe"}' }, "run", "input.mjs", "--input", "@-");
    expect(await output()).toBe('{"from":"pipe"}\n');
  });

  it.each([
    ["TC39 decorators", "{}", "context.name"],
    ["legacy decorators", '{ "experimentalDecorators": true }', "String(context)"],
  ])("may have %s, as the tsconfig.json beside it says", async (_dialect, compilerOptions, nameOf) => {
    folder.write("project/tsconfig.json", `{ "compilerOptions": ${compilerOptions} }`);
    // A decorator of the user's own, which works in one dialect only.
    folder.write(
      "project/etl.ts",
      `import { action, DotFlow } from "dotflow";
const names: string[] = [];
function note(_target: unknown, context: any): void {
  names.push(${nameOf});
}
class Etl {
  @note
  @action
  extract() {
    return names;
  }
}
const workflow = new DotFlow({ workflowId: "decorated" });
workflow.task.add(new Etl());
export default workflow;
`,
    );
    const { code, stderr } = await folder.run("run", "project/etl.ts");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect((await folder.run("output", "decorated", "Etl.extract", "--json")).stdout).toBe('["extract"]\n');
  });

  it("finds steps that are named by texts, in TypeScript too", async () => {
    folder.write("steps.ts", 'import { action } from "dotflow";\nexport const give = action((): number => 5);\n');
    folder.write(
      "text.ts",
      'import { DotFlow } from "dotflow";\nconst w = new DotFlow({ workflowId: "text" });\nw.task.add("./steps.js#give");\nexport default w;\n',
    );
    expect((await folder.run("run", "text.ts")).stderr).toBe("");
    expect((await folder.run("output", "text", "give")).stdout).toBe("5\n");
  });
});
