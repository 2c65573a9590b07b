// Whether a step costs the same at the end of a long run as at its beginning.
import { join } from "node:path";
import { StorageMemory } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { HandWriter } from "../by-hand.ts";
import { withFolder } from "../machine.ts";
import { digits, show, spreadOf } from "../measure.ts";
import type { Row } from "../table.ts";
import { watch } from "../watched-storage.ts";
import { chain, complete } from "../workflows.ts";

const steps = 10_000;
const part = 1_000;

export async function longRunRows(): Promise<Row[]> {
  await inMemory();
  const memory: Ends[] = [];
  for (let index = 0; index < 7; index++) memory.push(await inMemory());
  const file = await onDisk();
  return [
    rowOf("memory", memory, ({ first, last }) => [`${digits(last)} µs of CPU a step`, `first ${digits(first)} µs`]),
    rowOf("file", [file], ({ first, last }) => [`× ${digits(last)} by hand`, `first × ${digits(first)}`]),
  ];
}

/** What a step costs, in the first and in the last thousand. */
interface Ends {
  readonly first: number;
  readonly last: number;
}

/** Microseconds of this process's own time, which does not grow when others use the machine. */
async function inMemory(): Promise<Ends> {
  const cpu = (): number => process.cpuUsage().user + process.cpuUsage().system;
  const marks = new Marks(cpu);
  await complete(chain(new StorageMemory(), steps, () => marks.step()));
  return marks.ends((from, to) => (to - from) / part);
}

/** In times of what the same bytes take by hand just then: the disk alone takes more for some files than for others. */
async function onDisk(): Promise<Ends> {
  const watched = watch(new StorageMemory());
  await complete(chain(watched.storage, steps));
  return withFolder(async (folder) => {
    const hand = new HandWriter(join(folder, "by-hand"), watched.written);
    const marks = new Marks(() => ({ all: performance.now(), hand: hand.spent }));
    const during = (): void => {
      marks.step();
      hand.writeNext();
    };
    await complete(chain(new StorageFile({ folder: join(folder, "dotflow") }), steps, during));
    return marks.ends((from, to) => (to.all - from.all) / (to.hand - from.hand) - 1);
  });
}

/** Reads a clock before and after the first thousand steps, and the last. */
class Marks<Time> {
  readonly #read: () => Time;
  readonly #times = new Map<number, Time>();
  #steps = 0;

  constructor(read: () => Time) {
    this.#read = read;
  }

  step(): void {
    const index = this.#steps++;
    if ([0, part, steps - part - 1, steps - 1].includes(index)) this.#times.set(index, this.#read());
  }

  ends(between: (from: Time, to: Time) => number): Ends {
    const at = (index: number): Time => this.#times.get(index) as Time;
    return { first: between(at(0), at(part)), last: between(at(steps - part - 1), at(steps - 1)) };
  }
}

function rowOf(storage: string, runs: readonly Ends[], describe: (ends: Ends) => [string, string]): Row {
  const ratio = spreadOf(runs.map(({ first, last }) => last / first));
  const median = (end: keyof Ends): number => spreadOf(runs.map((run) => run[end])).median;
  const [ours, raw] = describe({ first: median("first"), last: median("last") });
  return {
    work: `${storage}: 10,000 steps, last 1,000 against first`,
    ours,
    raw,
    compared: `× ${show(ratio, "")}`,
    budget: "the same",
    within: ratio.median < 1.2,
  };
}
