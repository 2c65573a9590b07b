// crashTest over one workflow that uses everything at once: whatever is struck, it ends with the same values, and nothing
// that was saved is done again, be it a step, an iteration, an item or a `once`.
import { describe, expect, it } from "vitest";
import { type CheckpointOptions, type DotFlowOptions, type Storage, StorageMemory } from "dotflow";
import { type CrashOperation, type CrashReport, crashTest, type CrashTestOptions } from "dotflow/testing";
import { openPlace, placeKinds } from "../places.ts";
import { everything } from "./everything.ts";
import { Ledger } from "./ledger.ts";

interface Torture extends Omit<CrashTestOptions, "storage"> {
  readonly storage?: () => Storage | Promise<Storage>;
  readonly options?: Partial<DotFlowOptions>;
}

/** Gives the report, with what the ledgers of all rounds say must not have happened. */
async function torture({ storage = () => new StorageMemory(), options = {}, ...rest }: Torture = {}): Promise<{
  report: CrashReport;
  wrong: readonly string[];
}> {
  const ledgers: Ledger[] = [];
  const report = await crashTest(
    (struck, start) => {
      const ledger = ledgers.at(-1) as Ledger;
      ledger.begin(start);
      return everything({ storage: struck, start, ledger, ...options });
    },
    {
      ...rest,
      async storage() {
        const ledger = new Ledger(await storage());
        ledgers.push(ledger);
        return ledger.watched();
      },
    },
  );
  return { report, wrong: ledgers.flatMap((ledger) => ledger.wrong) };
}

function expectSound({ report, wrong }: Awaited<ReturnType<typeof torture>>, name: string): void {
  console.log(`${name}: ${String(report)}`);
  expect(report.problems, String(report)).toEqual([]);
  expect(wrong).toEqual([]);
  expect(report.rivals).toBeGreaterThan(0);
}

describe("everything at once", () => {
  it("survives a crash at every operation, before, within and after it", { timeout: 120_000 }, async () => {
    const found = await torture({ twice: false });
    expectSound(found, "everything at once, in memory");
    expect(found.report.missed).toBe(0);
    expect(found.report.crashes).toBeGreaterThan(200);
  });

  it("survives a second crash, and writes of the first start that arrive late", { timeout: 120_000 }, async () => {
    expectSound(await torture({ every: 13, twice: true }), "everything at once, crashed twice, every 13th operation");
  });

  it.each<[name: string, checkpoint: CheckpointOptions, every: number]>([
    ["everySteps: 4", { everySteps: 4 }, 1],
    ["everySteps: 100", { everySteps: 100 }, 2],
    ["afterTasks", { afterTasks: ["loop", "pay"] }, 2],
  ])("survives it with records that are gathered, %s", { timeout: 120_000 }, async (name, checkpoint, every) => {
    const found = await torture({ every, twice: false, options: { checkpoint } });
    expectSound(found, `everything at once, gathered, ${name}, every ${every}`);
    expect(found.report.missed).toBe(0);
  });

  it(
    "survives a second crash with records that are gathered, and batches that arrive late",
    { timeout: 120_000 },
    async () => {
      const options = { checkpoint: { everySteps: 3 } };
      const operations = ({ writes }: CrashOperation): boolean => writes === "batch";
      const found = await torture({ operations, every: 5, twice: true, options });
      expectSound(found, "everything at once, gathered, crashed twice, every fifth batch");
    },
  );

  it.each(["file", "sqlite"])("survives it over %s", { timeout: 120_000 }, async (kind) => {
    const places: string[] = [];
    const storage = async (): Promise<Storage> => {
      const place = (await placeKinds[kind]?.make()) ?? "";
      places.push(place);
      return openPlace(kind, place);
    };
    for (const options of [{}, { checkpoint: { everySteps: 4 } }])
      expectSound(await torture({ storage, every: 11, twice: false, options }), `everything at once, over ${kind}`);
    for (const place of places) await placeKinds[kind]?.remove(place);
  });
});
