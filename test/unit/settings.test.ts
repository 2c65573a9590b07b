// Options of a workflow that would fail, or fail to help, much later.
import { expect, it } from "vitest";
import { action, DotFlow, InvalidWorkflowError, type Observer, type WorkflowEvent } from "dotflow";

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
