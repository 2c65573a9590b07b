// What is written is given back, byte for byte, and replaced or removed only by a call that asks for it.
import { describe, everyByte, labelled, same } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand } from "./violation.ts";
import type { Storage } from "../../src/storage.ts";

const key = "job/runs/1/steps/extract";
const verbs = ["put", "create"] as const;

export const values: readonly Check[] = [
  {
    name: "gives back what was written, byte for byte",
    why: "a record that comes back changed is refused as corrupt, and its step runs again",
    async body({ storage }) {
      const bytes = everyByte(70_000);
      for (const verb of verbs) {
        await storage[verb](`job/${verb}`, bytes);
        await expectValue(storage, `job/${verb}`, bytes, `what ${verb} was given`);
      }
    },
  },
  {
    name: "keeps a value of 0 bytes",
    why: "an empty value is a value: taken for a missing one, it would be written a second time",
    async body({ storage }) {
      for (const verb of verbs) {
        await storage[verb](`job/${verb}`, new Uint8Array());
        await expectValue(storage, `job/${verb}`, new Uint8Array(), "0 bytes");
        demand(
          !(await storage.create(`job/${verb}`, labelled("second", 50))),
          `create replaced a value of 0 bytes under "job/${verb}"`,
        );
      }
    },
  },
  {
    name: "stores the view, not the buffer behind it",
    why: "records are often views into a larger buffer, whose other bytes belong to other records",
    async body({ storage }) {
      const whole = everyByte(1_000);
      const view = whole.subarray(100, 300);
      for (const verb of verbs) {
        await storage[verb](`job/${verb}`, view);
        await expectValue(storage, `job/${verb}`, view, "200 bytes out of the middle of a buffer");
      }
    },
  },
  {
    name: "keeps its value when the caller changes its buffer afterwards",
    why: "what a step does to its result after it returned must not reach the record",
    async body({ storage }) {
      for (const verb of verbs) {
        const arrays = { array: labelled("before", 100), buffer: Buffer.from(labelled("before", 100)) };
        for (const [kind, mine] of Object.entries(arrays)) {
          await storage[verb](`job/${verb}/${kind}`, mine);
          mine.fill(0);
          await expectValue(
            storage,
            `job/${verb}/${kind}`,
            labelled("before", 100),
            `the bytes as they were at the ${verb}`,
          );
        }
      }
    },
  },
  {
    name: "keeps its value when a reader changes what get gave it",
    why: "two readers of one record would otherwise see each other's changes",
    async body({ storage }) {
      const stored = labelled("stored", 100);
      for (const mine of [stored, Buffer.from(stored)]) {
        await storage.put(key, mine);
        (await storage.get(key))?.fill(0);
        await expectValue(storage, key, stored, "the stored bytes");
      }
    },
  },
  {
    name: "gives undefined for a key that is not there",
    why: "the engine tells a step that is done from one that is not by exactly this answer",
    async body({ storage }) {
      demand((await storage.get(key)) === undefined, `get of a missing key did not give undefined`);
      await storage.put(`${key}-2`, labelled("neighbour", 50));
      demand(
        (await storage.get(key)) === undefined,
        `get gave a value for "${key}", where only "${key}-2" was written`,
      );
    },
  },
  {
    name: "replaces the whole value with put",
    why: "a renewed lease or saved progress with a rest of the old bytes can't be read",
    async body({ storage }) {
      for (const size of [500, 90_000, 40, 0, 1_000]) {
        const bytes = size === 0 ? new Uint8Array() : labelled(`size ${size}`, size);
        await storage.put(key, bytes);
        await expectValue(storage, key, bytes, "the value of the latest put");
      }
    },
  },
  {
    name: "never replaces with create",
    why: "a record is written once: replaced, a second process changes what later steps were built on",
    async body({ storage }) {
      for (const verb of verbs) {
        demand(await storage.create(`job/${verb}/new`, labelled("new", 50)), "create of a new key gave false");
        await storage[verb](`job/${verb}/taken`, labelled("first", 50));
        const created = await storage.create(`job/${verb}/taken`, labelled("second", 90));
        demand(!created, `create gave true for "job/${verb}/taken", which had been written with ${verb}`);
        await expectValue(
          storage,
          `job/${verb}/taken`,
          labelled("first", 50),
          "the value of before the create that gave false",
        );
      }
    },
  },
  {
    name: "removes with delete, and can create again",
    why: "clear() and retention remove runs, and a workflow that was cleared starts anew under the same keys",
    async body({ storage }) {
      for (const verb of verbs) {
        const at = `job/${verb}`;
        await storage[verb](at, labelled("first", 50));
        await storage.delete(at);
        demand((await storage.get(at)) === undefined, `"${at}" was still there after delete`);
        demand(
          await storage.create(at, labelled("second", 50)),
          `create gave false for "${at}", which had been deleted`,
        );
        await expectValue(storage, at, labelled("second", 50), "what was created after the delete");
      }
    },
  },
  {
    name: "takes the delete of a missing key as done",
    why: "a removal that a crash cut short is repeated from its beginning",
    async body({ storage }) {
      await storage.delete(key);
      await storage.put(key, labelled("value", 50));
      await storage.delete(key);
      await storage.delete(key);
    },
  },
  {
    name: "shows a second storage at once what the first one did",
    why: "a process that takes a run over must see every record of the one before it",
    async body({ storage, another }) {
      const both = [storage, await another()];
      const [first = storage, second = storage] = both;
      for (const each of both) demand((await each.get(key)) === undefined, "a value was seen in a place that is empty");
      await first.create(key, labelled("created", 50));
      for (const each of both) await expectValue(each, key, labelled("created", 50), "what the first storage created");
      await second.put(key, labelled("put", 50));
      for (const each of both) await expectValue(each, key, labelled("put", 50), "what the second storage put");
      await first.delete(key);
      for (const each of both)
        demand((await each.get(key)) === undefined, `"${key}" was seen after the first storage deleted it`);
    },
  },
];

async function expectValue(storage: Storage, at: string, wanted: Uint8Array, what: string): Promise<void> {
  const found = await storage.get(at);
  demand(same(found, wanted), `get("${at}") should give ${what}, and gave ${describe(found)}`);
}
