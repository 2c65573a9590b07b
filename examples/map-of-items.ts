// One step for every item of a list. One item fails, and the resume runs that one only; a new list runs what is new in it.
//
// Prints:
//   resizing a.png, b.png, c.png
//   failed: 2 of 3 done, 1 failed
//   resizing b.png
//   completed: 1 done now, 2 restored
//   a.png small, b.png small, c.png small
//   resizing d.png
//   completed: 1 done now, 2 restored
//   c.png small, d.png small, a.png small
import { action, type Context, DotFlow, StorageMemory } from "dotflow";

const storage = new StorageMemory();
let broken = true;

async function start(pictures: readonly string[], version: number): Promise<void> {
  const resizing: string[] = [];
  const list = action({ name: "list", version }, () => pictures);
  const resize = action(async function resize(picture: Context<string>) {
    resizing.push(picture.storage);
    if (broken && picture.storage === "b.png") throw new Error("It can't be read.");
    return `${picture.storage} small`;
  });

  const workflow = new DotFlow({ workflowId: "map-of-items", storage });
  workflow.task.add(list);
  // With a key a picture is known wherever it stands in the list.
  workflow.task.map(resize, { key: (picture) => picture, concurrency: 8 });

  // The list has another version, so everything behind it runs again, except for items that are as they were.
  const result = await workflow.start({ resume: true, onChange: "rerun", mode: "sequential" });
  console.log(`resizing ${resizing.sort().join(", ")}`);
  const { total, completed, restored, failed } = result.tasks[1]!.items!;
  if (failed > 0) console.log(`${result.status}: ${completed} of ${total} done, ${failed} failed`);
  else console.log(`${result.status}: ${completed} done now, ${restored} restored`);
  if (result.status === "completed") console.log((await result.output<string[]>()).join(", "));
}

await start(["a.png", "b.png", "c.png"], 1);
broken = false;
await start(["a.png", "b.png", "c.png"], 1);
await start(["c.png", "d.png", "a.png"], 2);
