// How a resume grows with what is done, on every storage: it must stay flat but for the plan and the listing.
import { copyRun, StorageMemory } from "dotflow";
import { repeat, show } from "../measure.ts";
import { makePlace, type Open, storageNames, withGround } from "../storages.ts";
import type { Row } from "../table.ts";
import { total, watch } from "../watched-storage.ts";
import { unfinished } from "../workflows.ts";
import { timeToLastStep } from "./resume.ts";

const lengths = [10, 100, 1_000, 10_000];
const rounds = 7;

export async function storageRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of storageNames) rows.push(...(await withGround(name, (address) => rowsOf(name, address))));
  return rows;
}

async function rowsOf(name: string, address: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const length of lengths) {
    const open = await makePlace(name, address);
    await fill(open, length);
    const requests = await countRequests(open, length);
    const again = async (): Promise<number> => {
      const storage = open();
      const time = await timeToLastStep(storage, length);
      await storage.close?.();
      return time;
    };
    await repeat(3, again);
    const times = await repeat(rounds, again);
    const budget = length === 1_000 && name === "sqlite" ? { budget: "5 ms", within: times.median <= 5 } : {};
    rows.push({
      work: `${name}: resume behind ${length.toLocaleString("en")} steps`,
      ours: show(times, "ms"),
      raw: requests,
      ...budget,
    });
  }
  return rows;
}

/** Brings a run of `length` steps and one that fails into the place: quicker than to run it there. */
async function fill(open: Open, length: number): Promise<void> {
  const memory = new StorageMemory();
  await unfinished(memory, length).start();
  const storage = open();
  await copyRun(memory, storage);
  await storage.close?.();
}

/** What a resume asks for until its end. */
async function countRequests(open: Open, length: number): Promise<string> {
  const storage = open();
  const watched = watch(storage);
  await timeToLastStep(watched.storage, length);
  await storage.close?.();
  const writes = watched.requests.put + watched.requests.create;
  return `${total(watched)} requests: ${writes} writes, ${watched.requests.get} reads, ${watched.requests.list} listings`;
}
