// The contract finds every mistake that it is there for, in storages that have just the one.
import { expect, it } from "vitest";
import { storageContract, verifyStorage } from "dotflow/testing";
import * as listings from "../broken-listings.ts";
import * as values from "../broken-storages.ts";
import { SoundStorage } from "../broken-storages.ts";

const broken = { ...values, ...listings };

const options = (Broken: typeof SoundStorage) => ({
  open: () => new Broken(),
  reopen: (storage: unknown) => new Broken((storage as SoundStorage).map),
});

/** The checks that must find each mistake; others may find it as well. */
const caughtBy: Record<Exclude<keyof typeof broken, "SoundStorage">, string | string[]> = {
  LooksFirstAndWritesAfter: [
    "atomicity: lets one of 64 rivals create a key",
    "atomicity: lets a put win over every create",
  ],
  TearsPuts: "atomicity: shows a reader the old value or the new one during a put",
  ReservesKeyBeforeItWrites: "atomicity: shows a reader nothing or everything during a create",
  ListsTheNewestKeyTooLate: "listing: shows every key that was acknowledged before it began, and none that was deleted",
  FoldsCase: "keys: keeps keys apart that differ in case, or refuses upper case",
  CreateReplaces: "values: never replaces with create",
  GivesItsOwnBuffer: "values: keeps its value when a reader changes what get gave it",
  KeepsTheCallersBuffer: "values: keeps its value when the caller changes its buffer afterwards",
  TakesASliceForACopy: "values: keeps its value when the caller changes its buffer afterwards",
  StoresTheWholeBuffer: "values: stores the view, not the buffer behind it",
  LeavesTheTailOfTheOldValue: "values: replaces the whole value with put",
  KeepsText: "values: gives back what was written, byte for byte",
  TakesEmptyForMissing: "values: keeps a value of 0 bytes",
  GivesNullForMissing: "values: gives undefined for a key that is not there",
  ThrowsOnDeleteOfMissing: "values: takes the delete of a missing key as done",
  ForgetsDeletes: "values: removes with delete, and can create again",
  RemembersWhatItRead: "values: shows a second storage at once what the first one did",
  ListsTheEndOfEachPageTwice: "listing: shows 2600 keys, each once",
  ListsOnlyTheFirstPage: "listing: shows 2600 keys, each once",
  CountsItsWayThroughPages: "listing: misses no key while the keys shown are deleted",
  ListsWithoutTheSlash: "listing: shows the keys under a prefix, and no neighbours",
  ListsByPattern: "listing: takes the characters of a prefix as they are",
  ListsWhatIsNotThere: "listing: shows nothing where there is nothing",
  IsBusyWhileItLists: "listing: goes on while keys are written and deleted",
  LeavesItsCursorOpen: "listing: can be left early, and run beside another listing",
  DropsTheEndingOfKeys: "keys: takes odd but legal keys",
  CutsLongKeys: "keys: takes keys of 600 characters",
  CutsLongParts: "keys: takes parts of 150 characters",
  TakesDashAndUnderscoreForOne: "keys: keeps keys apart that differ by one character",
  RefusesLargeValues: "sizes: keeps 8 MB",
  LosesAllWhenClosed: "durability: keeps values when it is closed and opened again",
};

const mistakes = Object.entries(caughtBy).flatMap(([name, checks]) =>
  [checks].flat().map((check) => [name, check] as const),
);

it.each(mistakes)("finds that %s with: %s", async (name, wanted) => {
  const checks = storageContract(options(broken[name as keyof typeof broken]));
  const check = checks.find((each) => `${each.theme}: ${each.name}` === wanted);
  expect(check, wanted).toBeDefined();
  await expect(check?.run()).rejects.toMatchObject({
    name: "ContractViolation",
    check: check?.name,
    theme: check?.theme,
  });
});

it("has no check of one process that none of these fails, but for the many sizes", () => {
  const found = mistakes.map(([, check]) => check);
  const checks = storageContract(options(SoundStorage)).filter(({ theme, skip }) => theme !== "sizes" && !skip);
  expect(checks.map(({ theme, name }) => `${theme}: ${name}`).filter((check) => !found.includes(check))).toEqual([]);
});

it("finds nothing in the sound storage under all of these", async () => {
  const report = await verifyStorage({ ...options(SoundStorage), largest: 2 ** 21 });
  expect(report.violations).toEqual([]);
  expect(report.passed).toContain("sizes: keeps 2 MB");
  expect(report.passed).not.toContain("sizes: keeps 8 MB");
});

it("finds mistakes wherever they show, and says of each what was found and why it matters", async () => {
  const { violations, passed } = await verifyStorage(options(broken.TakesEmptyForMissing));
  expect(violations.map(({ theme, check }) => `${theme}: ${check}`)).toEqual([
    "values: keeps a value of 0 bytes",
    "values: replaces the whole value with put",
    "sizes: keeps 0 bytes",
  ]);
  expect(violations[0]?.message).toBe(
    'values: keeps a value of 0 bytes. Found: get("job/put") should give 0 bytes, and gave nothing. ' +
      "Why it matters: an empty value is a value: taken for a missing one, it would be written a second time.",
  );
  expect(passed).toContain("values: never replaces with create");
});

it("names the call that failed, and keeps its error as the cause", async () => {
  const { violations } = await verifyStorage(options(broken.ThrowsOnDeleteOfMissing));
  expect(violations[0]?.message).toContain('delete of "job/runs/1/steps/extract" failed: no such key');
  expect(violations[0]?.cause).toMatchObject({ message: "no such key: job/runs/1/steps/extract" });
});

it("says which checks it skips, and why", async () => {
  const { skipped } = await verifyStorage(options(SoundStorage));
  expect(skipped).toContainEqual({
    check: "atomicity: lets one of 64 rivals in 4 processes create a key",
    reason: "needs `processes` in the options of storageContract",
  });
  expect(skipped).toContainEqual({
    check: "durability: keeps values when it is closed and opened again",
    reason: "the storage does not call itself durable",
  });
});

it("opens a new place for every check, closes every storage and cleans up, also after a violation", async () => {
  const counts = { opened: 0, closed: 0, cleaned: 0 };
  class Counting extends broken.CreateReplaces {
    async close(): Promise<void> {
      counts.closed++;
    }
  }
  const report = await verifyStorage({
    open: () => {
      counts.opened++;
      return new Counting();
    },
    cleanUp: (storage) => {
      expect(storage).toBeInstanceOf(Counting);
      counts.cleaned++;
    },
  });
  expect(report.violations).not.toEqual([]);
  expect(counts.opened).toBe(report.passed.length + report.violations.length);
  expect(counts).toEqual({ opened: counts.opened, closed: counts.opened, cleaned: counts.opened });
});

it("reports a place that can't be opened or cleaned as a violation of its check", async () => {
  const open = await verifyStorage({ open: () => Promise.reject(new Error("no such server")) });
  expect(open.passed).toEqual([]);
  expect(open.violations[0]?.message).toContain("no such server");
  const cleanUp = (): never => {
    throw new Error("folder is busy");
  };
  const { violations } = await verifyStorage({ open: () => new SoundStorage(), cleanUp });
  expect(violations[0]?.message).toContain("folder is busy");
});
