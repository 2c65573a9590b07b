// Steps that hand on 100 KB each: what writing them costs, and what a resume reads of them.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { action, DotFlow, type Storage, StorageMemory } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { besideByHand, HandWriter } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { compare, show } from "../measure.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { complete } from "../workflows.ts";

const steps = 100;
const text = randomBytes(75_000).toString("base64");

export async function largeRows(): Promise<Row[]> {
  const watched = watch(new StorageMemory());
  await complete(workflowOf(watched.storage));
  const compared = await compare(15, () =>
    withFolder((folder) => {
      const hand = new HandWriter(join(folder, "by-hand"), watched.written);
      const workflow = workflowOf(new StorageFile({ folder: join(folder, "dotflow") }), {
        during: () => hand.writeNext(),
      });
      return besideByHand(hand, () => complete(workflow));
    }),
  );
  return [
    {
      work: "file: 100 steps of 100 KB",
      ours: show(compared.ours, "ms"),
      raw: show(compared.raw, "ms"),
      compared: `× ${show(compared.ratio, "")}`,
      budget: "× 1.5",
      within: compared.ratio.median <= 1.5,
    },
    await resumeRow(),
  ];
}

/** The last of the steps failed, and takes the value of the one before it. */
async function resumeRow(): Promise<Row> {
  const storage = new StorageMemory();
  await workflowOf(storage, { fails: true }).start();
  const watched = watch(storage);
  await complete(workflowOf(watched.storage), { resume: true });
  const { get } = watched.requests;
  return {
    work: "resume of it, for one step: what is read",
    ours: `${get} values, ${Math.round(watched.bytesRead / 1_000)} KB`,
    raw: "lease, plan and one value",
    budget: "3 values",
    within: get <= 3,
  };
}

function workflowOf(storage: Storage, options: { during?: () => void; fails?: boolean } = {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "bench", storage });
  const large = action(function large(): string {
    options.during?.();
    return text;
  });
  const last = action(function last(): string {
    if (options.fails) throw new Error("not yet");
    return text;
  });
  for (let index = 1; index < steps; index++) workflow.task.add(large);
  workflow.task.add(last);
  return workflow;
}
