// Writes happen wholly or not at all, and of rivals exactly one wins.
import type { Storage } from "../../src/storage.ts";
import { describe, labelled, labelOf } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand } from "./violation.ts";
import { readWhile } from "./concurrency.ts";
import type { Verb } from "../children.ts";
import type { Place } from "./place.ts";
import { judge, race, rivalCount, rivalNames } from "./rivals.ts";

const onlyOne =
  "records and leases rest on create: with two winners, two processes drive one run and each believes its own record";
const wholeOrNothing = "a process that resumes while another one writes would take half a record for a damaged one";
const processes = 4;
const rounds = 10;

export const atomicity: readonly Check[] = [
  {
    name: `lets one of ${rivalCount} rivals create a key`,
    why: onlyOne,
    async body({ storage, another }) {
      const storages = [storage, await another()];
      for (let round = 0; round < rounds / 2; round++) {
        const key = `job/leases/${round}`;
        await judge(storage, key, await race(storages, key, rivalNames("rival", rivalCount)));
      }
    },
  },
  {
    name: `lets one of ${rivalCount} rivals in ${processes} processes create a key`,
    why: onlyOne,
    needs: "processes",
    async body({ storage, children }) {
      const started = await children(processes);
      for (let round = 0; round < rounds; round++) {
        const key = `job/leases/${round}`;
        const groups = started.map((child, index) =>
          child.race(key, rivalNames(`process-${index}`, rivalCount / processes)),
        );
        await judge(storage, key, (await Promise.all(groups)).flat());
      }
    },
  },
  {
    name: "lets a put win over every create",
    why: "a create that replaces a value written meanwhile looks first and writes after, which lets two processes drive one run",
    async body({ storage, another }) {
      const second = await another();
      for (let round = 0; round < rounds; round++) {
        const key = `job/runs/${round}`;
        const created = await Promise.all([
          ...rivalNames("create", 4).map((name) => storage.create(key, labelled(name, 300))),
          second.put(key, labelled("put", 300)).then(() => false),
          ...rivalNames("late", 4).map((name) => storage.create(key, labelled(name, 300))),
        ]);
        demand(created.filter(Boolean).length <= 1, `several callers that created "${key}" at once got true`);
        const kept = await storage.get(key);
        demand(
          labelOf(kept) === "put",
          `"${key}" was put while others created it, and holds ${describe(kept)}: a create replaced it`,
        );
      }
    },
  },
  {
    name: "shows a reader the old value or the new one during a put",
    why: wholeOrNothing,
    body: (place) =>
      readDuringWrites(place, "put", (key, label, size) => place.storage.put(key, labelled(label, size))),
  },
  {
    name: "shows a reader the old value or the new one during a put of another process",
    why: wholeOrNothing,
    needs: "processes",
    body: (place) => readDuringWritesOfChild(place, "put"),
  },
  {
    name: "shows a reader nothing or everything during a create",
    why: wholeOrNothing,
    body: (place) =>
      readDuringWrites(place, "create", (key, label, size) => place.storage.create(key, labelled(label, size))),
  },
  {
    name: "shows a reader nothing or everything during a create of another process",
    why: wholeOrNothing,
    needs: "processes",
    body: (place) => readDuringWritesOfChild(place, "create"),
  },
];

async function readDuringWritesOfChild(place: Place, verb: Verb): Promise<void> {
  const [child] = await place.children(1);
  await readDuringWrites(place, verb, async (key, label, size) => child?.write(verb, key, label, size));
}

/** Writes large values of two sizes by turns, and reads all the while: puts go to one key, each create to a new one. */
async function readDuringWrites(
  place: Place,
  verb: Verb,
  write: (key: string, label: string, size: number) => Promise<unknown>,
): Promise<void> {
  const readers: readonly Storage[] = [place.storage, await place.another()];
  let old: string | undefined;
  for (let round = 0; round < rounds; round++) {
    const key = verb === "put" ? "job/runs/1/progress" : `job/runs/1/steps/${round}`;
    const label = `value ${round}`;
    const size = round % 2 === 0 ? 1_000_000 : 600_000;
    await readWhile(write(key, label, size), async () => {
      for (const reader of readers) {
        const found = await reader.get(key);
        const seen = labelOf(found);
        const allowed =
          found === undefined ? old === undefined : seen !== undefined && (seen === label || seen === old);
        demand(
          allowed,
          `during the ${verb} of "${label}" over ${old ? `"${old}"` : "nothing"}, a reader of "${key}" saw ${describe(found)}`,
        );
      }
    });
    for (const reader of readers) {
      const found = await reader.get(key);
      demand(labelOf(found) === label, `after the ${verb} of "${label}", "${key}" holds ${describe(found)}`);
    }
    if (verb === "put") old = label;
  }
}
