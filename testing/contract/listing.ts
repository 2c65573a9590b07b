// A listing shows the keys under its prefix, all of them and each once, whatever else goes on.
import type { Storage } from "../../src/storage.ts";
import { labelled } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand } from "./violation.ts";
import { forEachAtOnce, listed } from "./concurrency.ts";

/** More than two pages of a thousand, which is what the large object stores give at a time. */
const manyKeys = 2_600;

const missesNone =
  "a resume learns from the listing what is done: a record that is missing there makes its step run twice";

export const listing: readonly Check[] = [
  {
    name: "shows the keys under a prefix, and no neighbours",
    why: "`job` and `job-b` are two workflows: clearing one must not touch the other",
    async body({ storage }) {
      const inside = ["job/a", "job/b/c", "job/b/d/e", "job/job/a"];
      const outside = ["job-b/a", "job.b/a", "job_b/a", "job0/a", "jobs/a", "jo/b/a", "a/job/a"];
      await write(storage, [...outside, ...inside]);
      await expectListing(storage, "job/", inside);
      await expectListing(storage, "job/b/", ["job/b/c", "job/b/d/e"]);
      await expectListing(storage, "", [...inside, ...outside]);
    },
  },
  {
    name: "takes the characters of a prefix as they are",
    why: "`_` and `.` mean something in SQL and in patterns: `job_1` must not show the keys of `job-1`",
    async body({ storage }) {
      const keys = ["x_y/a", "x-y/a", "x.y/a", "x=y/a", "xzy/a", "x/y/a"];
      await write(storage, keys);
      for (const key of keys) await expectListing(storage, key.slice(0, -1), [key]);
    },
  },
  {
    name: "shows nothing where there is nothing",
    why: "the first start of a workflow lists a place that does not exist yet",
    async body({ storage }) {
      await expectListing(storage, "", []);
      await expectListing(storage, "job/runs/", []);
      await storage.put("job/runs/1", labelled("value", 50));
      await storage.delete("job/runs/1");
      await expectListing(storage, "job/runs/", []);
      await expectListing(storage, "", []);
    },
  },
  {
    name: `shows ${manyKeys} keys, each once`,
    why: "runs of thousands of steps are listed in pages, and their ends are where keys get lost or doubled",
    async body({ storage }) {
      const keys = await writeMany(storage);
      await expectListing(storage, "job/steps/", keys);
    },
  },
  {
    name: "misses no key while the keys shown are deleted",
    why: "clear() deletes as it lists: a listing that counts its way through pages would leave every other page behind",
    async body({ storage }) {
      const keys = await writeMany(storage);
      const shown = new Set<string>();
      let batch: string[] = [];
      for await (const key of storage.list("job/steps/")) {
        shown.add(key);
        batch.push(key);
        if (batch.length === 100) {
          await forEachAtOnce(batch, (each) => storage.delete(each));
          batch = [];
        }
      }
      const missed = keys.filter((key) => !shown.has(key));
      demand(
        missed.length === 0,
        `a listing during which its keys were deleted missed ${missed.length} of ${keys.length}, such as "${missed[0]}"`,
      );
      await forEachAtOnce(batch, (each) => storage.delete(each));
      await expectListing(storage, "job/steps/", []);
    },
  },
  {
    name: "shows every key that was acknowledged before it began, and none that was deleted",
    why: missesNone,
    async body({ storage, another }) {
      const second = await another();
      const keys: string[] = [];
      for (let index = 0; index < 20; index++) {
        const key = `job/steps/${index}`;
        if (index % 2 === 0) await storage.create(key, labelled(key, 50));
        else await second.put(key, labelled(key, 50));
        keys.push(key);
        await expectListing(storage, "job/steps/", keys);
        await expectListing(second, "job/steps/", keys);
      }
      for (const key of keys.splice(5)) await storage.delete(key);
      await expectListing(storage, "job/steps/", keys);
      await expectListing(second, "job/steps/", keys);
    },
  },
  {
    name: "goes on while keys are written and deleted",
    why: missesNone,
    async body({ storage, another }) {
      const second = await another();
      const stay = numbered("stay", 150);
      const go = numbered("go", 150);
      await write(storage, [...go, ...stay]);
      const shown: string[] = [];
      for await (const key of storage.list("job/")) {
        const turn = shown.push(key) - 1;
        if (turn >= go.length) continue;
        await storage.delete(go[turn] as string);
        await second.create(`job/new-${turn}`, labelled("new", 50));
        await storage.put(stay[turn] as string, labelled("replaced", 60));
      }
      expectOnce(shown, "job/");
      const missed = stay.filter((key) => !shown.includes(key));
      demand(
        missed.length === 0,
        `a listing missed "${missed[0]}", which was there all the time, while other keys came and went`,
      );
    },
  },
  {
    name: "can be left early, and run beside another listing",
    why: "the engine stops listing when it has found what it looks for; a cursor left open would block what follows",
    async body({ storage }) {
      const keys = numbered("key", 50);
      await write(storage, keys);
      for await (const _ of storage.list("job/")) break;
      await storage.put("job/more", labelled("more", 50));
      const both = await Promise.all([listed(storage, "job/"), listed(storage, "job/")]);
      for (const shown of both) expectSame(shown, "job/", [...keys, "job/more"]);
    },
  },
];

async function write(storage: Storage, keys: readonly string[]): Promise<void> {
  await forEachAtOnce(keys, (key) => storage.put(key, labelled(key, 200)));
}

async function writeMany(storage: Storage): Promise<string[]> {
  const keys = Array.from({ length: manyKeys }, (_, index) => `job/steps/step-${index}`);
  await forEachAtOnce(keys, (key) => storage.create(key, labelled(key, 60)));
  return keys;
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `job/${name}-${index}`);
}

async function expectListing(storage: Storage, prefix: string, wanted: readonly string[]): Promise<void> {
  expectSame(await listed(storage, prefix), prefix, wanted);
}

function expectSame(shown: readonly string[], prefix: string, wanted: readonly string[]): void {
  expectOnce(shown, prefix);
  const [inShown, inWanted] = [new Set(shown), new Set(wanted)];
  const missing = wanted.filter((key) => !inShown.has(key));
  const strange = shown.filter((key) => !inWanted.has(key));
  demand(
    missing.length === 0,
    `list("${prefix}") misses ${missing.length} of ${wanted.length} keys, such as "${missing[0]}"`,
  );
  demand(strange.length === 0, `list("${prefix}") shows "${strange[0]}", which does not belong there`);
}

function expectOnce(shown: readonly string[], prefix: string): void {
  const before = new Set<string>();
  const twice = shown.find((key) => before.size === before.add(key).size);
  demand(twice === undefined, `list("${prefix}") shows "${twice}" more than once`);
}
