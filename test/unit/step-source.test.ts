// Steps that are named by text: where their module is looked for, and what is said when it can't be used.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { DotFlow, InvalidWorkflowError } from "dotflow";
import { addFromHere } from "./steps/doubling.ts";

const folder = mkdtempSync(join(tmpdir(), "dotflow-steps-"));
const brokenModule = join(folder, "broken.mjs");
writeFileSync(brokenModule, 'export const double = 2;\nthrow new Error("This module is broken.");\n');
afterAll(() => rmSync(folder, { recursive: true }));

const url = new URL("steps/doubling.ts", import.meta.url);

const workflowOf = (...steps: string[]): DotFlow => {
  const workflow = new DotFlow({ workflowId: "texts" });
  for (const step of steps) workflow.task.add(step);
  return workflow;
};

it.each([
  ["relative to the file that adds it", "./steps/doubling.ts#double"],
  ["relative without a dot", "steps/doubling.ts#double"],
  ["through a parent folder", "../unit/steps/doubling.ts#double"],
  ["by an absolute path", `${fileURLToPath(url)}#double`],
  ["by a file URL", `${url.href}#double`],
  ["as the default export", "./steps/doubling.ts#default"],
])("finds a step %s", async (_, text) => {
  const result = await workflowOf(text).start();
  expect(await result.output()).toBe(2);
});

it("looks from the file that adds, not from the one that starts", async () => {
  const result = await addFromHere().start();
  expect(await result.output()).toBe(2);
});

it("looks from the file that adds also in a callback and behind a ref", async () => {
  const workflow = new DotFlow({ workflowId: "texts" });
  const refs = ["./steps/doubling.ts#double"].map((text) => workflow.task.add(text));
  refs[0]?.add("./steps/doubling.ts#tripled").add("./steps/doubling.ts#double");
  const result = await workflow.start();
  expect(await result.output()).toBe(12);
});

it("names the task after the export, and keeps the options of the action", async () => {
  const workflow = workflowOf(
    "./steps/doubling.ts#double",
    "./steps/doubling.ts#tripled",
    "./steps/doubling.ts#double",
  );
  const { tasks } = await workflow.start();
  expect(tasks.map(({ id, attempts }) => [id, attempts])).toEqual([
    ["double", 1],
    ["tripled", 2],
    ["double#2", 1],
  ]);
});

describe("a text that names no step", () => {
  it.each([
    ["without an export", "./steps/doubling.ts", "names no export"],
    ["with an empty export", "./steps/doubling.ts#", "names no export"],
    ["without a module", "#double", "names no export"],
    ["that is empty", "", "names no export"],
  ])("%s is refused when it is added", (_, text, message) => {
    expect(() => workflowOf(text)).toThrow(InvalidWorkflowError);
    expect(() => workflowOf(text)).toThrow(message);
  });

  it.each([
    ["of a file that is not there", "./steps/missing.ts#double", /can't be loaded: .*missing\.ts/],
    ["of a module that fails", `${brokenModule}#double`, /can't be loaded: This module is broken\./],
    [
      "of an export that is not there",
      "./steps/doubling.ts#halve",
      /"halve" is not exported: the module has .*tripled/,
    ],
    [
      "of an export that is no action",
      "./steps/doubling.ts#plain",
      /"plain" is not an action: wrap it with action\(…\)\.$/,
    ],
    ["of a name that every object has", "./steps/doubling.ts#toString", /"toString" is not exported/],
  ])("%s is refused before anything runs", async (_, text, message) => {
    const workflow = workflowOf("./steps/doubling.ts#double", text);
    const started = workflow.start();
    await expect(started).rejects.toThrow(InvalidWorkflowError);
    await expect(started).rejects.toThrow(message);
    await expect(started).rejects.toThrow(`The step "${text}"`);
    expect(await workflow.checkpoints.runs()).toEqual([]);
  });
});
