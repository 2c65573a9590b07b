// Starts the mixed workflow in a folder, resuming what is there. Told a moment, it kills itself at it.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageFile } from "../../providers/storage/file.ts";
import { dieAt, moments, note, pass } from "../crash/file-moments.ts";
import { digest, mixedWorkflow } from "../crash/mixed-workflow.ts";
import type { RunReport } from "../crash/run-report.ts";

const [folder = "", moment = "", milliseconds = ""] = process.argv.slice(2);
if (moment !== "") dieAt(Number(moment));

const workflow = mixedWorkflow(
  {
    storage: new StorageFile({ folder: join(folder, "store") }),
    observers: [{ onEvent: ({ type }) => void (/^run\.(started|resumed)$/.test(type) && console.log("begun")) }],
  },
  {
    begin: (task) => note(join(folder, "begun"), task),
    work: () => (milliseconds === "" ? Promise.resolve() : sleep(Math.random() * Number(milliseconds))),
  },
);
const result = await workflow.start({ resume: true });
pass("exit");
const report: RunReport = { status: result.status, values: digest(await result.contexts()), moments };
console.log(JSON.stringify(report));
