// What a step costs that does nothing: in memory, and on a disk beside the same bytes written by hand.
import { join } from "node:path";
import { StorageMemory } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { besideByHand, HandWriter } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { compare, repeat, scale, show, spreadOf, timed } from "../measure.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { chain, complete } from "../workflows.ts";

const steps = 1_000;
const microseconds = 1_000 / steps;

export async function memoryStepRows(): Promise<Row[]> {
  const run = (): Promise<number> => {
    const workflow = chain(new StorageMemory(), steps);
    return timed(() => complete(workflow));
  };
  const cold = await run();
  await repeat(20, run);
  const warm = scale(await repeat(40, run), microseconds);
  return [
    {
      work: "memory: first run of 1,000 steps of a process",
      ours: `${show(scale(spreadOf([cold]), microseconds), "µs")} a step`,
    },
    { work: "memory: 1,000 steps", ours: `${show(warm, "µs")} a step`, budget: "25 µs", within: warm.median < 25 },
  ];
}

export async function fileStepRows(): Promise<Row[]> {
  const values = await bytesOfRun();
  const compared = await compare(9, () =>
    withFolder((folder) => {
      const hand = new HandWriter(join(folder, "by-hand"), values);
      const workflow = chain(new StorageFile({ folder: join(folder, "dotflow") }), steps, () => hand.writeNext());
      return besideByHand(hand, () => complete(workflow));
    }),
  );
  return [
    {
      work: `file: 1,000 steps, ${values.length} writes`,
      ours: `${show(scale(compared.ours, microseconds), "µs")} a step`,
      raw: `${show(scale(compared.raw, microseconds), "µs")} a step`,
      compared: `× ${show(compared.ratio, "")}`,
      budget: "× 1.3",
      within: compared.ratio.median <= 1.3,
    },
  ];
}

/** All that a run of the chain writes. */
async function bytesOfRun(): Promise<readonly Uint8Array[]> {
  const watched = watch(new StorageMemory());
  await complete(chain(watched.storage, steps));
  return watched.written;
}
