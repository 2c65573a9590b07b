// Options of a workflow that would fail, or fail to help, much later.
import { expect, it } from "vitest";
import {
  action,
  DotFlow,
  InvalidWorkflowError,
  type Observer,
  type Storage,
  StorageMemory,
  type WorkflowEvent,
} from "dotflow";

const step = action(function step() {
  return 1;
});

it.each([[null], ["log"], [undefined]])("refuses %s as an observer when the workflow is made", (observer) => {
  const observers = [observer as unknown as Observer];
  expect(() => new DotFlow({ workflowId: "job", observers })).toThrow(InvalidWorkflowError);
});

it.each([
  ["warns of a resume under a random id", undefined, 1],
  ["does not warn where the id was chosen", "job", 0],
])("%s", async (_, workflowId, warnings) => {
  const events: WorkflowEvent[] = [];
  const observers = [{ onEvent: (event: WorkflowEvent) => events.push(event) }];
  const workflow = new DotFlow({ ...(workflowId && { workflowId }), observers });
  workflow.task.add(step);
  await workflow.start({ resume: true });
  const found = events.filter((event) => event.type === "warning" && event.message.includes("random workflowId"));
  expect(found).toHaveLength(warnings);
});

it.each([
  ["nothing where the storage turns out to be durable at its first call", true, "synced", undefined],
  ["why it is not, where the storage knows", false, "its log is off", "not durable: its log is off."],
  [
    "what that means, where it does not",
    false,
    undefined,
    "not durable: what is saved in it is gone with this process",
  ],
])("a resume says %s", async (_, durable, durability, expected) => {
  const memory = new StorageMemory();
  const storage: Storage = {
    durable: false,
    get: (key) => memory.get(key),
    put: (key, value) => memory.put(key, value),
    create: (key, value) => memory.create(key, value),
    delete: (key) => memory.delete(key),
    list(prefix) {
      Object.assign(storage, { durable, durability });
      return memory.list(prefix);
    },
  };
  const events: WorkflowEvent[] = [];
  const observers = [{ onEvent: (event: WorkflowEvent) => events.push(event) }];
  const workflow = new DotFlow({ workflowId: "job", storage, observers });
  workflow.task.add(step);
  await workflow.start({ resume: true });
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  expect(warnings).toEqual(expected === undefined ? [] : [expect.stringContaining(expected)]);
});
