// Starts the workflow that uses everything in a folder, resuming what is there. Told a moment, it kills itself at it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageFile } from "../../providers/storage/file.ts";
import type { EverythingOrder, EverythingReport } from "../crash/everything-run.ts";
import { everythingWorkflow } from "../crash/everything-workflow.ts";
import { dieAt, moments, note, pass } from "../crash/file-moments.ts";
import { digest } from "../crash/mixed-workflow.ts";
import { Ledger } from "../dynamic/ledger.ts";

const [folder = "", json = "{}"] = process.argv.slice(2);
const {
  moment,
  milliseconds,
  everySteps,
  asksPerson = false,
  stays = false,
  from,
} = JSON.parse(json) as EverythingOrder;
if (moment !== undefined) dieAt(moment);

const storage = new StorageFile({ folder: join(folder, "store") });
const ledger = new Ledger(storage);
const charges = join(folder, "charges");
const wasAnswered = (): boolean => existsSync(join(folder, "answer"));
const wasCharged = (): boolean => existsSync(charges) && readFileSync(charges, "utf8") !== "";
const workflow = everythingWorkflow(
  {
    storage,
    ...(everySteps !== undefined && { checkpoint: { everySteps } }),
    observers: [{ onEvent: ({ type }) => void (/^run\.(started|resumed)$/.test(type) && console.log("begun")) }],
  },
  {
    async begins(part) {
      note(join(folder, "begun"), part);
      // A person let it begin anew.
      if (wasAnswered() && part.startsWith("pay/")) return;
      const before = ledger.wrong.length;
      await ledger.execute(part);
      for (const wrong of ledger.wrong.slice(before)) note(join(folder, "wrong"), wrong);
    },
    work: () => (milliseconds === undefined ? Promise.resolve() : sleep(Math.random() * milliseconds)),
    charge() {
      if (wasAnswered() && wasCharged()) return;
      pass("before the charge");
      note(charges, "charged");
      pass("after the charge");
    },
    wasCharged: asksPerson ? undefined : wasCharged,
  },
);
const result = await workflow.start({ resume: true, wait: stays, ...(from !== undefined && { from }) });
pass("exit");
const report: EverythingReport = {
  status: result.status,
  waiting: result.waiting,
  failed: Object.fromEntries(
    result.tasks.filter(({ status }) => status === "failed").map(({ id, errors }) => [id, String(errors.at(-1))]),
  ),
  values: result.status === "completed" ? digest(await result.contexts()) : "",
  moments,
};
console.log(JSON.stringify(report));
