// Steps without decorators: wrapped functions, several ways to add them, and a step that is tested as the plain function it is.
//
// Prints:
//   tested: hello world
//   words completed, upper completed, exclaim completed, exclaim#2 completed
//   HELLO WORLD!!
import assert from "node:assert/strict";
import { action, Context, DotFlow } from "dotflow";

async function words() {
  return ["hello", "world"];
}

// A function that is there already becomes a step where it is added…
const wordsStep = action(words);

// …and one that is written as a step is named by the function, or by `name`.
const upper = action({ name: "upper" }, (previous: Context<string[]>) => previous.storage.join(" ").toUpperCase());
const exclaim = action(function exclaim(previous: Context<string>) {
  return `${previous.storage}!`;
});

// No workflow is needed to test a step.
assert.equal(upper(new Context(["a", "b"])), "A B");
assert.deepEqual(await wordsStep(), ["hello", "world"]);
console.log(`tested: ${(await wordsStep()).join(" ")}`);

const workflow = new DotFlow({ workflowId: "without-decorators" });
workflow.task.add([wordsStep, upper, exclaim]);
workflow.task.add(exclaim);

const result = await workflow.start();
console.log(result.tasks.map(({ id, status }) => `${id} ${status}`).join(", "));
console.log(await result.output());
