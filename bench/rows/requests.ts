// How often a storage is asked: what a run costs where every request is paid for.
import { StorageMemory } from "dotflow";
import type { Row } from "../table.ts";
import { total, watch, type Watched } from "../watched-storage.ts";
import { chain, complete } from "../workflows.ts";

const steps = 1_000;

export async function requestRows(): Promise<Row[]> {
  const storage = new StorageMemory();
  const run = watch(storage);
  await complete(chain(run.storage, steps));
  const writes = run.requests.create + run.requests.put + run.requests.delete;
  const finished = watch(storage);
  await complete(chain(finished.storage, steps), { resume: true });
  return [
    {
      work: "writes of a run of 1,000 steps",
      ours: `steps + ${writes - steps}`,
      raw: `and ${run.requests.list} listings, ${run.requests.get} reads`,
      budget: "steps + 4",
      within: writes <= steps + 4,
    },
    {
      work: "requests of its resume, when all is done",
      ours: `${total(finished)}: ${details(finished)}`,
      raw: "a listing counts one per 1,000 keys",
      budget: "8",
      within: total(finished) <= 8,
    },
  ];
}

function details({ requests }: Watched): string {
  return Object.entries(requests)
    .filter(([, count]) => count > 0)
    .map(([verb, count]) => `${count} ${verb}`)
    .join(", ");
}
