// What an item of a map and an iteration of a loop cost, and whether the last ones cost what the first ones did.
import { join } from "node:path";
import { action, type Context, DotFlow, type StepContext, type Storage, StorageMemory } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { StorageSqlite } from "dotflow/storage/sqlite";
import { withFolder } from "../machine.ts";
import { digits, repeat, show, spreadOf, timed } from "../measure.ts";
import type { Row } from "../table.ts";
import { complete } from "../workflows.ts";

const count = 10_000;
const concurrency = 64;
const part = 1_000;

export async function mapRows(): Promise<Row[]> {
  await overItems(new StorageMemory());
  const memory = await repeat(5, () => overItems(new StorageMemory()));
  const sqlite = await repeat(5, () => withFolder((folder) => overItems(sqliteIn(folder))));
  const file = await repeat(1, () => withFolder((folder) => overItems(new StorageFile({ folder }))));
  const rate = perSecond(sqlite.median);
  return [
    {
      work: "memory: map over 10,000 items, 64 at a time",
      ours: show(memory, "ms"),
      raw: rateText(memory.median),
    },
    {
      work: "sqlite: the same",
      ours: show(sqlite, "ms"),
      raw: rateText(sqlite.median),
      budget: "5,000/s",
      within: rate >= 5_000,
    },
    { work: "file: the same, once", ours: show(file, "ms"), raw: rateText(file.median) },
  ];
}

export async function loopRows(): Promise<Row[]> {
  await loopOver(new StorageMemory(), processTime);
  const memory: Ends[] = [];
  for (let index = 0; index < 7; index++) memory.push(await loopOver(new StorageMemory(), processTime));
  const sqlite: Ends[] = [];
  for (let index = 0; index < 3; index++)
    sqlite.push(await withFolder((folder) => loopOver(sqliteIn(folder), () => performance.now() * 1_000)));
  return [rowOf("memory", memory, "µs of CPU an iteration"), rowOf("sqlite", sqlite, "µs an iteration")];
}

function sqliteIn(folder: string): Storage {
  return new StorageSqlite({ file: join(folder, "checkpoints.db") });
}

async function overItems(storage: Storage): Promise<number> {
  const workflow = new DotFlow({ workflowId: "bench", storage });
  const square = action(function square(item: Context<number>) {
    return item.storage * item.storage;
  });
  workflow.task.map(square, { over: () => Array.from({ length: count }, (_, index) => index), concurrency });
  const milliseconds = await timed(() => complete(workflow));
  await storage.close?.();
  return milliseconds;
}

/** What an iteration costs, in the first and in the last thousand. */
interface Ends {
  readonly first: number;
  readonly last: number;
}

/** Microseconds of this process's own time, which does not grow when others use the machine. */
function processTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function loopOver(storage: Storage, read: () => number): Promise<Ends> {
  const marks: number[] = [];
  const workflow = new DotFlow({ workflowId: "bench", storage });
  const loop = action(function loop(previous: Context<number | null>, step: StepContext) {
    if ((step.iteration - 1) % part === 0) marks.push(read());
    const next = (previous.storage ?? 0) + 1;
    // One more than is counted: the last one writes the record of the task.
    return next <= count ? step.again(next) : next;
  });
  workflow.task.add(loop);
  await complete(workflow);
  await storage.close?.();
  const cost = (at: number): number => ((marks[at + 1] ?? 0) - (marks[at] ?? 0)) / part;
  return { first: cost(0), last: cost(count / part - 1) };
}

function rowOf(storage: string, runs: readonly Ends[], unit: string): Row {
  const ratio = spreadOf(runs.map(({ first, last }) => last / first));
  const median = (end: keyof Ends): number => spreadOf(runs.map((run) => run[end])).median;
  return {
    work: `${storage}: loop of 10,000, last 1,000 against first`,
    ours: `${digits(median("last"))} ${unit}`,
    raw: `first ${digits(median("first"))} µs`,
    compared: `× ${show(ratio, "")}`,
    budget: "the same",
    within: ratio.median < 1.2,
  };
}

function perSecond(milliseconds: number): number {
  return (count * 1_000) / milliseconds;
}

function rateText(milliseconds: number): string {
  return `${Math.round(perSecond(milliseconds)).toLocaleString("en")} items/s`;
}
