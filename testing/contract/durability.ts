// What was acknowledged stays, also when the process that wrote it is gone the moment after.
import type { Storage } from "../../src/storage.ts";
import { describe, labelled, labelOf } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand } from "./violation.ts";
import { listed } from "./concurrency.ts";
import type { Acknowledged } from "./orders.ts";
import { stormLabel, stormSizes } from "./orders.ts";

const acknowledgedStays =
  "a step whose record was acknowledged never runs again: a record that is lost breaks just that promise";
const verbs = ["put", "create"] as const;
const size = 200_000;

/** After how many acknowledged writes each storm is killed. */
const kills = [1, 6, 15, 32];

export const durability: readonly Check[] = [
  {
    name: "keeps values when it is closed and opened again",
    why: acknowledgedStays,
    needs: "reopen",
    durableOnly: true,
    async body({ storage, another, closeStorages }) {
      for (const verb of verbs) await storage[verb](`job/${verb}`, labelled(verb, size));
      await closeStorages();
      await expectWritten(await another());
    },
  },
  {
    name: "keeps what a process wrote that was killed right after",
    why: acknowledgedStays,
    needs: "processes",
    durableOnly: true,
    async body({ children, another }) {
      for (const verb of verbs) {
        const [child] = await children(1);
        await child?.writeAndDie(verb, `job/${verb}`, verb, size);
      }
      await expectWritten(await another());
    },
  },
  {
    name: "keeps every key whole when a process is killed amid its writes",
    why: "a process can die at any moment: what it leaves behind must be read, listed and written by the next one",
    needs: "processes",
    durableOnly: true,
    async body({ children, another }) {
      for (const count of kills) {
        const prefix = `storm-${count}/`;
        const [child] = await children(1);
        const acknowledged = (await child?.stormUntilKilled(prefix, count)) ?? [];
        const successor = await another();
        await expectAcknowledged(successor, acknowledged);
        await expectWhole(successor, prefix);
        await expectWritable(successor, prefix, acknowledged);
      }
    },
  },
];

async function expectWritten(storage: Storage): Promise<void> {
  for (const verb of verbs) {
    const found = await storage.get(`job/${verb}`);
    demand(
      labelOf(found) === verb,
      `"job/${verb}" was written with ${verb} and acknowledged, and now holds ${describe(found)}`,
    );
  }
}

async function expectAcknowledged(storage: Storage, acknowledged: readonly Acknowledged[]): Promise<void> {
  for (const { verb, key, sequence } of acknowledged) {
    const found = await storage.get(key);
    const kept = Number(labelOf(found)?.split(" ")[1]);
    demand(
      verb === "put" ? kept >= sequence : kept === sequence,
      `${verb} number ${sequence} of "${key}" was acknowledged before its process was killed, and now the key holds ${describe(found)}`,
    );
  }
}

async function expectWhole(storage: Storage, prefix: string): Promise<void> {
  for (const key of await listed(storage, prefix)) {
    const found = await storage.get(key);
    demand(
      labelOf(found)?.split(" ")[0] === key,
      `after its writer was killed, list shows "${key}", which holds ${describe(found)}`,
    );
  }
}

/** The creates that the kill cut short can be made again, or were done already. */
async function expectWritable(storage: Storage, prefix: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  for (const [lane, length] of stormSizes.entries()) {
    const done = acknowledged.filter(
      ({ verb, key }) => verb === "create" && key.startsWith(`${prefix}${lane}/`),
    ).length;
    const key = `${prefix}${lane}/created-${done + 1}`;
    const label = stormLabel(key, done + 1);
    await storage.create(key, labelled(label, length));
    const found = await storage.get(key);
    demand(
      labelOf(found) === label,
      `"${key}" was being created when its writer was killed; created again, it holds ${describe(found)}`,
    );
  }
}
