// `dotflow init`: the project that it writes runs, compiles and passes its own test, and nothing is overwritten.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { testFolder } from "./commands.ts";
import { controlC, Screen } from "./screen.ts";

const folder = testFolder();

it.each([
  ["TypeScript with functions", "ts", "functions"],
  ["TypeScript with decorators", "ts", "decorators"],
  ["JavaScript", "js", "functions"],
])("writes a project in %s that passes its own test and runs", async (_what, language, style) => {
  const written = await folder.run("init", "project", "--language", language, "--style", style, "--yes");
  expect(written).toMatchObject({ code: 0, stderr: "" });
  expect(written.stdout).toContain(
    `Go on with: cd project && npm install && npm test && npx dotflow run workflow.${language}\n`,
  );
  const cwd = join(folder.path, "project");
  const { scripts, dependencies } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
  };
  expect(dependencies["dotflow"]).toMatch(/^\^\d/);
  // The packages of the folder above are those that `npm install` would bring.
  const options = { cwd, env: folder.env(), encoding: "utf8" } as const;
  const [command = "", ...args] = (scripts["test"] ?? "").split(" ");
  expect(command).toBe("node");
  expect(execFileSync(process.execPath, args, options)).toMatch(/pass 1$/m);
  if (language === "ts")
    execFileSync(process.execPath, [join(folder.path, "node_modules/typescript/bin/tsc")], options);
  const { code, stdout } = await folder.run("run", `project/workflow.${language}`);
  expect({ code, last: stdout.includes("✓ completed") }).toEqual({ code: 0, last: true });
  const id = style === "decorators" ? "Etl.load" : "load";
  expect((await folder.run("output", "project", id)).stdout).toBe("loaded 10, 20, 30\n");
});

it("never overwrites, and then writes nothing at all", async () => {
  folder.write("project/README.md", "mine");
  const { code, stderr } = await folder.run("init", "project", "--yes");
  expect(code).toBe(2);
  expect(stderr).toContain("Nothing was written: README.md is there already.");
  expect(readdirSync(join(folder.path, "project"))).toEqual(["README.md"]);
  expect(readFileSync(join(folder.path, "project/README.md"), "utf8")).toBe("mine");
});

it("asks on a terminal, and takes what is answered", async () => {
  const screen = new Screen(folder, ["init"]);
  const answers = [
    ["Folder? [.]", "asked"],
    ["Id of the workflow? [asked]", "my answer's id"],
    ["Language, ts or js? [ts]", "js"],
  ];
  for (const [question = "", answer = ""] of answers) {
    await screen.waitFor(question);
    screen.press(`${answer}\r`);
  }
  expect(await screen.end()).toBe(0);
  await folder.run("run", "asked/workflow.js");
  expect((await folder.run("ls", "--json")).stdout).toContain(`"workflowId":"my answer's id"`);
});

it("writes nothing at Ctrl-C, which is no answer", async () => {
  const screen = new Screen(folder, ["init", "project"]);
  await screen.waitFor("Id of the workflow? [project]");
  screen.press(controlC);
  expect(await screen.end()).toBe(130);
  expect(screen.text()).not.toContain("Language");
  expect(folder.has("project")).toBe(false);
});

it("writes nothing at an answer that is none", async () => {
  const { code } = await folder.run("init", "project", "--language", "js", "--style", "decorators");
  expect({ code, written: folder.has("project") }).toEqual({ code: 2, written: false });
  expect((await folder.run("init", "project", "--language", "rust")).code).toBe(2);
});
