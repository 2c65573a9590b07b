// Starts a run with a note, and kills itself in its second step; with a third argument it lives, and sends the notes that it was given.
import { action, DotFlow } from "dotflow";
import { StorageFile } from "dotflow/storage/file";

const [folder = "", note = "", lives] = process.argv.slice(2);
const workflow = new DotFlow({
  workflowId: "killed",
  storage: new StorageFile({ folder }),
  observers: [
    {
      name: "tracer",
      note: () => note,
      onEvent: (event) => void (event.type === "run.resumed" && process.send?.(event.notes)),
    },
  ],
});
workflow.task.add(action({ name: "first" }, () => 1));
workflow.task.add(
  action({ name: "second" }, () => {
    if (lives === undefined) process.kill(process.pid, "SIGKILL");
  }),
);
await workflow.start({ resume: true });
process.disconnect();
