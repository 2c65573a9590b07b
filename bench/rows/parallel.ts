// Many tasks without edges, some at a time.
import { join } from "node:path";
import { StorageMemory } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { besideByHand, HandWriter } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { compare, repeat, show, timed } from "../measure.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { chain, complete } from "../workflows.ts";

const tasks = 10_000;
const concurrency = 64;

export async function parallelRows(): Promise<Row[]> {
  const parallel = { mode: "parallel", concurrency } as const;
  const inMemory = (): Promise<number> => timed(() => complete(chain(new StorageMemory(), tasks), parallel));
  await inMemory();
  const memory = await repeat(5, inMemory);
  const watched = watch(new StorageMemory());
  await complete(chain(watched.storage, tasks), parallel);
  const file = await compare(1, () =>
    withFolder((folder) => {
      const hand = new HandWriter(join(folder, "by-hand"), watched.written);
      const workflow = chain(new StorageFile({ folder: join(folder, "dotflow") }), tasks, () => hand.writeNext());
      return besideByHand(hand, () => complete(workflow, parallel));
    }),
  );
  return [
    {
      work: "memory: 10,000 parallel tasks, 64 at a time",
      ours: show(memory, "ms"),
      raw: `${perSecond(memory.median)} tasks/s`,
    },
    {
      work: "file: the same, once",
      ours: `${show(file.ours, "ms")}, ${perSecond(file.ours.median)}/s`,
      raw: `${show(file.raw, "ms")}, ${perSecond(file.raw.median)}/s`,
      compared: `× ${show(file.ratio, "")}`,
    },
  ];
}

function perSecond(milliseconds: number): string {
  return Math.round((tasks * 1_000) / milliseconds).toLocaleString("en");
}
