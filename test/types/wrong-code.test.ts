// What the compiler refuses, and whether a person can read why.
import { expect, it } from "vitest";
import { compile } from "./compiler.ts";

const before = `
import { action, type Context, DotFlow } from "dotflow";
const extract = action(async function extract() { return { rows: [1, 2, 3] }; });
const count = action(async function count(previous: Context<number[]>) { return previous.storage.length; });
const join = action((previous: Context<[{ rows: number[] }, number]>) => previous.storage);
const merge = action((previous: Context<{ size: number; all: { rows: number[] } }>) => previous.storage.size);
const workflow = new DotFlow({ workflowId: "wrong" });
const extracted = workflow.task.add(extract);
const counted = extracted.add(action((previous: Context<{ rows: number[] }>) => previous.storage.rows.length));
`;
const misfit = (gives: string, takes: string): string =>
  `{ "the task before gives": ${gives}; "this step takes": ${takes}; }`;
const noAction = '{ "this is no action": "wrap the function: action(fn)"; }';

const wrong: Record<string, { code: string; says: string }> = {
  "a step behind one that gives something else": {
    code: "extracted.add(count)",
    says: misfit("{ rows: number[]; }", "number[]"),
  },
  "the same with after": {
    code: "workflow.task.add(count, { after: extracted })",
    says: misfit("{ rows: number[]; }", "number[]"),
  },
  "a tuple in the wrong order": {
    code: "workflow.task.add(join, { after: [counted, extracted] })",
    says: misfit("[number, { rows: number[]; }]", "[{ rows: number[]; }, number]"),
  },
  "a tuple that is too short": {
    code: "workflow.task.add(join, { after: [extracted] })",
    says: misfit("[{ rows: number[]; }]", "[{ rows: number[]; }, number]"),
  },
  "one ref for a step that takes a tuple": {
    code: "workflow.task.add(join, { after: extracted })",
    says: misfit("{ rows: number[]; }", "[{ rows: number[]; }, number]"),
  },
  "an object whose keys are swapped": {
    code: "workflow.task.add(merge, { after: { size: extracted, all: counted } })",
    says: misfit("{ size: { rows: number[]; }; all: number; }", "{ size: number; all: { rows: number[]; }; }"),
  },
  "an object without one of the keys": {
    code: "workflow.task.add(merge, { after: { size: counted } })",
    says: misfit("{ size: number; }", "{ size: number; all: { rows: number[]; }; }"),
  },
  "a list whose second step does not follow the first": {
    code: "extracted.add([extract, count])",
    says: misfit("{ rows: number[]; }", "number[]"),
  },
  "a function that is no action": { code: "workflow.task.add(() => 1)", says: noAction },
  "a function that is no action, behind a ref": { code: "extracted.add(async () => 1)", says: noAction },
  "a function in a list that is no action": { code: "workflow.task.add([extract, () => 1])", says: noAction },
  "a number as a step": { code: "workflow.task.add(42)", says: noAction },
  "an action where a ref belongs": {
    code: "workflow.task.add(count, { after: extract })",
    says: "is not assignable to type 'After | undefined'",
  },
  "after together with ref.add": {
    code: "extracted.add(extract, { after: extracted })",
    says: "is not assignable to type 'undefined'",
  },
  "a condition that gives no boolean": {
    code: "extracted.add(extract, { when: ({ storage }) => storage.rows.length })",
    says: "is not assignable to type 'boolean | Promise<boolean>'",
  },
  "a condition that looks for what the task before does not give": {
    code: "extracted.add(extract, { when: ({ storage }) => storage.row.length > 0 })",
    says: "Property 'row' does not exist on type '{ rows: number[]; }'",
  },
  "a map behind what is no list": {
    code: "workflow.task.map(count, { after: counted })",
    says: "Property 'over' is missing in type '{ after: TaskRef<number>; }'",
  },
  "a map whose list is one of other items": {
    code: "workflow.task.map(count, { after: extracted, over: ({ storage }) => storage.rows })",
    says: "Type 'number[]' is not assignable to type 'Iterable<number[]>'",
  },
  "a misspelt option of a map": {
    code: "workflow.task.map(count, { after: extracted, concurency: 2 })",
    says: "Did you mean to write 'concurrency'?",
  },
  "a misspelt option of a task": {
    code: 'workflow.task.add(extract, { groupname: "a" })',
    says: "Did you mean to write 'groupName'?",
  },
  "a misspelt option of an action": {
    code: "action({ retries: 3 }, () => 1)",
    says: "'retries' does not exist in type 'ActionOptions<",
  },
  "a misspelt option of a start": {
    code: "void workflow.start({ resme: true })",
    says: "Did you mean to write 'resume'?",
  },
  "a mode that does not exist": {
    code: 'void workflow.start({ mode: "sequentially" })',
    says: `"sequential_group"`,
  },
  "a misspelt option of a workflow": {
    code: 'void new DotFlow({ workflowID: "a" })',
    says: "Did you mean to write 'workflowId'?",
  },
  "a step that takes the bare value": {
    code: "action((rows: number[]) => rows.length)",
    says: "Type 'Context<never>' is missing the following properties from type 'number[]'",
  },
  "what an untyped step gets, used as if it were known": {
    code: "action((previous) => previous.storage.rows)",
    says: "'previous.storage' is of type 'unknown'",
  },
};

const programs = Object.entries(wrong).map(([name, { code }]) => [name, `${before}${code};`] as const);
const { about, others } = compile({
  ...Object.fromEntries(programs),
  "a program without a mistake": `${before}workflow.task.add(join, { after: [extracted, counted] });`,
});

it.each(Object.keys(wrong))("refuses %s, in words", (name) => {
  const message = about.get(name);
  expect(message?.match(/error TS/g)).toHaveLength(1);
  expect(message).toContain(wrong[name]?.says);
});

it("accepts the same program without a mistake, and every right use in this folder", () => {
  expect(about.get("a program without a mistake")).toBe("");
  expect(others).toBe("");
});
