// Every legal key is a key of its own, and comes back from a listing as it was written.
import type { Storage } from "../../src/storage.ts";
import { describe, labelled, labelOf } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand, quoted } from "./violation.ts";
import { forEachAtOnce, listed } from "./concurrency.ts";

const fromNames =
  "keys are made from the names of workflows and tasks: a key that is changed, cut or refused loses a step";
const apart = "two tasks whose keys fall together read each other's results";

export const keys: readonly Check[] = [
  {
    name: "takes odd but legal keys",
    why: fromNames,
    body: ({ storage }) =>
      expectDistinct(storage, [
        "=",
        "-",
        "_",
        "0",
        "a=b",
        "=047",
        "a==0f",
        "a.b",
        "a..b",
        "a.json",
        "-rf",
        "--",
        "_-.=-",
        "==/=/=",
        "tmp",
        "00/1/2",
        "a.tmp",
      ]),
  },
  {
    name: "takes parts of 150 characters",
    why: fromNames,
    body: ({ storage }) =>
      expectDistinct(storage, [
        `${"a".repeat(149)}1`,
        `${"a".repeat(149)}2`,
        `job/${"=".repeat(150)}/${"z".repeat(150)}`,
      ]),
  },
  {
    name: "takes keys of 600 characters",
    why: fromNames,
    body: ({ storage }) => {
      const long = Array.from({ length: 4 }, () => "l".repeat(150))
        .join("/")
        .slice(0, 599);
      const deep = Array.from({ length: 60 }, (_, index) => `part-${index}`.padEnd(9, "x")).join("/");
      return expectDistinct(storage, [`${long}1`, `${long}2`, `${deep}1`, `${deep}2`]);
    },
  },
  {
    name: "keeps keys apart that differ by one character",
    why: apart,
    async body({ storage }) {
      const names = [
        "job",
        "jab",
        "jo",
        "jobs",
        "job1",
        "job-",
        "job_",
        "job=",
        "job.b",
        "job-b",
        "job_b",
        "job=b",
        "job0b",
        "jobb",
      ];
      await expectDistinct(storage, [...names, ...names.map((name) => `folder-${name}/${name}`)]);
      await storage.delete("job_b");
      demand((await storage.get("job_b")) === undefined, `"job_b" was still there after delete`);
      for (const name of names.filter((each) => each !== "job_b")) await expectOwn(storage, name);
    },
  },
  {
    name: "keeps keys apart that differ in case, or refuses upper case",
    why: apart,
    async body({ storage }) {
      const lower = "job/steps/load";
      await storage.put(lower, labelled(lower, 100));
      for (const upper of ["job/steps/Load", "Job/steps/load"]) {
        const refused = await storage.put(upper, labelled(upper, 100)).then(
          () => false,
          () => true,
        );
        if (!refused) await expectOwn(storage, upper);
        await expectOwn(storage, lower);
        const shown = await listed(storage, "");
        demand(
          shown.includes(upper) !== refused,
          `put("${upper}") was ${refused ? "refused" : "done"}, and list("") shows ${shown.join(", ")}`,
        );
      }
    },
  },
];

/** Creates every key with a value that says its name, and demands that each holds its own and is listed as it is. */
async function expectDistinct(storage: Storage, names: readonly string[]): Promise<void> {
  for (const name of names) {
    demand(
      await storage.create(name, labelled(name, 1_300)),
      `create of ${quoted(name)} gave false, though nobody had written that key`,
    );
  }
  await forEachAtOnce(names, (name) => expectOwn(storage, name));
  const shown = await listed(storage, "");
  const missing = names.find((name) => !shown.includes(name));
  demand(missing === undefined, `list("") does not show ${quoted(missing ?? "")}`);
  demand(
    shown.length === names.length,
    `list("") shows ${shown.length} keys where ${names.length} were created: ${shown.map(quoted).join(", ")}`,
  );
}

async function expectOwn(storage: Storage, name: string): Promise<void> {
  const found = await storage.get(name);
  demand(
    labelOf(found) === name,
    `get of ${quoted(name)} should give the value written there, and gave ${describe(found)}`,
  );
}
