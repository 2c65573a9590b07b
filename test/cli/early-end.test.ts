// A process that ends before its command has: a promise that nobody resolves, or a `process.exit()` in the user's code.
import { describe, expect, it } from "vitest";
import { testFolder } from "./commands.ts";

const folder = testFolder();

const workflowOf = (body: string): string => `import { action, DotFlow } from "dotflow";
const workflow = new DotFlow({ workflowId: "stuck" });
workflow.task.add(action(async function first() {})).add(action(async function second() { ${body} }));
export default workflow;
`;

describe("a command whose process ends early", () => {
  it.each([
    ["a step that awaits what never comes", workflowOf("await new Promise(() => {});")],
    ["a file that awaits what never comes", "await new Promise(() => {});"],
    ["a function that never gives its workflow", "export default () => new Promise(() => {});"],
  ])("fails, and says why: %s", async (_, text) => {
    folder.write("stuck.mjs", text);
    const { code, stderr } = await folder.run("run", "stuck.mjs");
    expect(stderr).toMatch(/^error The command can't go on: .*\n$/);
    expect(code).toBe(1);
  });

  it("fails too where the user's code ends it with 0, and a resume goes on", async () => {
    folder.write("exits.mjs", workflowOf("process.exit(0);"));
    const { code, stderr } = await folder.run("run", "exits.mjs");
    expect(stderr).toMatch(/^error The code of the workflow ended the process, .*\n$/);
    expect(code).toBe(1);
    folder.write("exits.mjs", workflowOf("return 2;"));
    expect((await folder.run("resume", "exits.mjs")).stdout).toContain("1 executed, 1 restored");
  });

  it("keeps an exit code that the user's code chose, other than 0", async () => {
    folder.write("exits.mjs", workflowOf("process.exit(7);"));
    expect(await folder.run("run", "exits.mjs")).toMatchObject({ code: 7, stderr: "" });
  });

  it("is an error in JSON", async () => {
    folder.write("stuck.mjs", workflowOf("await new Promise(() => {});"));
    const { stdout } = await folder.run("run", "stuck.mjs", "--json");
    const last = stdout.trimEnd().split("\n").at(-1) as string;
    expect(JSON.parse(last)).toMatchObject({ type: "error", message: expect.stringContaining("can't go on") });
  });
});

describe("a file that can't be loaded", () => {
  it.each([
    ["throws", 'throw new Error("no database");', "error no database\nIt came while it.mjs was loaded.\n"],
    ["throws no error", "throw undefined;", "error it.mjs threw undefined\nIt came while it.mjs was loaded.\n"],
    [
      "is no JavaScript",
      "\nconst = 1;",
      "loaded. Where it is in this file, this shows the place: node --check it.mjs\n",
    ],
  ])("is named where it %s", async (_, text, said) => {
    folder.write("it.mjs", text);
    const { code, stderr } = await folder.run("run", "it.mjs");
    expect(stderr).toContain(said);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
  });

  it("is wrong use where it is a folder", async () => {
    folder.write("etl/readme.txt", "");
    const { code, stderr } = await folder.run("run", "etl");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "error etl is a folder. Give the file that exports the workflow.\n",
    });
  });
});
