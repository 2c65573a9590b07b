// How long a resume takes until the one step that is left is called, on files beside the least that has to be done.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Storage } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { HandWriter } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { inTurns, repeat, show, timed } from "../measure.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { unfinished } from "../workflows.ts";

const lengths = [10, 100, 1_000, 10_000];
const rounds = 15;

export async function resumeRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const length of lengths) rows.push(...(await withFolder((folder) => fileRows(folder, length))));
  return rows;
}

/** Milliseconds from `start` until the last step is called. Processes started below call it too. @public */
export async function timeToLastStep(storage: Storage, length: number): Promise<number> {
  let called = Number.NaN;
  const workflow = unfinished(storage, length, () => (called = performance.now()));
  const start = performance.now();
  await workflow.start({ resume: true });
  return called - start;
}

async function fileRows(folder: string, length: number): Promise<Row[]> {
  const ours = join(folder, "ours");
  const raw = join(folder, "raw");
  const watched = watch(new StorageFile({ folder: ours }));
  await unfinished(watched.storage, length).start();
  mkdirSync(raw);
  for (const [index, value] of watched.written.entries()) writeFileSync(join(raw, `done-${index}`), value);

  const again = (): Promise<number> => timeToLastStep(new StorageFile({ folder: ours }), length);
  await repeat(5, again);
  const compared = await inTurns(rounds, again, () => resumeByHand(raw));
  const budget = length === 1_000 ? { budget: "10 ms" } : {};
  const row = (work: string, times: typeof compared.ours): Row => ({
    work,
    ours: show(times, "ms"),
    ...budget,
    ...(length === 1_000 && { within: times.median <= 10 }),
  });
  const warm = {
    ...row(`file: resume behind ${length.toLocaleString("en")} steps`, compared.ours),
    raw: show(compared.raw, "ms"),
  };
  if (length !== 1_000) return [warm];
  return [warm, row("file: the same in a process of its own", await repeat(rounds, () => inNewProcess(ours, length)))];
}

let resumes = 0;

/** The least that a resume has to do: take the lease, see what is done, read the plan and the value that is asked for. */
function resumeByHand(folder: string): Promise<number> {
  const turn = join(folder, `turn-${resumes++}`);
  return timed(() => {
    new HandWriter(turn, [readFileSync(join(folder, "done-0"))]).writeRest();
    const done = readdirSync(folder);
    const plan = readFileSync(join(folder, "done-1"), "utf8");
    JSON.parse(plan.slice(plan.indexOf("\n") + 1));
    readFileSync(join(folder, done.includes("done-2") ? "done-2" : "done-1"));
  });
}

async function inNewProcess(folder: string, length: number): Promise<number> {
  const code = `import { StorageFile } from "dotflow/storage/file";
    import { timeToLastStep } from ${JSON.stringify(import.meta.url)};
    console.log(await timeToLastStep(new StorageFile({ folder: ${JSON.stringify(folder)} }), ${length}));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
