// What `task.add` and `action` refuse at once, for those whose compiler does not.
import { expect, it } from "vitest";
import { action, DotFlow, InvalidWorkflowError, type TaskRef } from "dotflow";

/** As JavaScript sees them. */
type Untyped = (...args: unknown[]) => TaskRef;
const untypedAction = action as unknown as Untyped;

const step = action(function step() {});

it.each<[string, unknown[], string]>([
  ["a plain function", [function extract() {}], "the function extract is not an action. Wrap it: action(extract)."],
  ["an unnamed function", [() => {}], "the function (unnamed) is not an action. Wrap it: action(fn)."],
  ["an unnamed action", [action(() => {})], "An action without a name can't be a task"],
  ["nothing", [], "A task can't be made of undefined. Give an action, a list of actions, an instance"],
  ["null", [null], "A task can't be made of null."],
  ["a plain object", [{}], "The instance of Object has no method with @action"],
  ["an empty list", [[]], "task.add was given an empty list."],
  ["a list with a plain function", [[step, () => {}]], "is not an action. Wrap it"],
  ["one id for several", [[step, step], { id: "a" }], 'One id, "a", can\'t serve 2 tasks.'],
  [
    "a misspelt option",
    [step, { groupname: "a" }],
    'task.add has no option "groupname". It has: id, initialContext, groupName',
  ],
  ["a group that is no text", [step, { groupName: 1 }], "The option groupName is 1. It must be a text."],
  [
    "a callback that is no function",
    [step, { callback: "log" }],
    'The option callback is "log". It must be a function.',
  ],
])("task.add refuses %s", (_what, args, message) => {
  const workflow = new DotFlow({ workflowId: "refuse" });
  const add = () => (workflow.task.add as unknown as Untyped).apply(workflow.task, args);
  expect(add).toThrow(InvalidWorkflowError);
  expect(add).toThrow(message);
  expect(workflow.task.count()).toBe(0);
});

it.each<[unknown, string]>([
  ["first", 'The option after is "first". Give a ref'],
  [step, "The option after is the function step. Give a ref"],
  [[step], "The option after has the function step in it. Give refs"],
  [{ a: "first" }, 'The option after has "first" in it.'],
  [null, "The option after is null."],
])("start refuses after: %s", async (after, message) => {
  const workflow = new DotFlow({ workflowId: "refuse" });
  workflow.task.add(step, { after: after as TaskRef });
  await expect(workflow.start()).rejects.toThrow(message);
});

it("ref.add refuses after", () => {
  const ref = new DotFlow({ workflowId: "refuse" }).task.add(step);
  const add = () => ref.add(step, { after: ref as unknown as undefined });
  expect(add).toThrow('ref.add already says what "step" is followed by');
});

it.each<[string, unknown[], string]>([
  ["a misspelt option", [{ retries: 1 }, () => {}], 'action has no option "retries". It has: name, retry,'],
  ["a name that is no text", [{ name: 1 }, () => {}], "The option name of an action is 1."],
  ["an impossible version", [{ version: Number.NaN }, step], 'The option version of action "step" is NaN.'],
  ["a version that is no text or number", [{ version: true }, step], 'The option version of action "step" is true.'],
  ["a timeout of nothing", [{ timeout: "0s" }, step], 'The option timeout of action "step" is 0.'],
  ["a timeout that is none", [{ timeout: "soon" }, step], 'The option timeout of action "step" is "soon"'],
  ["a schema that is none", [{ input: {} }, step], 'The option input of action "step" is not a Standard Schema.'],
  ["a schema that is a text", [{ output: "number" }, step], 'The option output of action "step" is not a Standard'],
  [
    "two numbers",
    [1, 2],
    "action was called with 1, 2. Use action(fn), action(options, fn), or @action before a method.",
  ],
  ["a number", [42], "action was called with 42."],
  ["options for a function that follows as a decorator", [{}, undefined], "action was called with"],
])("action refuses %s", (_what, args, message) => {
  expect(() => untypedAction(...args)).toThrow(InvalidWorkflowError);
  expect(() => untypedAction(...args)).toThrow(message);
});

it("says what to write where action(options) is called with a function", () => {
  const decorator = untypedAction({ retry: 2 }) as unknown as Untyped;
  expect(() => decorator(() => {})).toThrow("For a function write action(options, fn).");
});
