// The conformance suite of the storage contract: a list of checks for any test runner.
import { atomicity } from "./contract/atomicity.ts";
import type { Check } from "./contract/check.ts";
import { ContractViolation, Finding } from "./contract/violation.ts";
import { durability } from "./contract/durability.ts";
import { keys } from "./contract/keys.ts";
import { listing } from "./contract/listing.ts";
import type { StorageContractOptions } from "./contract/options.ts";
import type { Place } from "./contract/place.ts";
import { enter } from "./contract/place.ts";
import { sizes } from "./contract/sizes.ts";
import { values } from "./contract/values.ts";

/** One demand of the contract, as a test to run. */
export interface ContractCheck {
  readonly theme: string;
  readonly name: string;
  /** Why it is not run, where it is not. That a storage is not durable is known only once the check has run. */
  skip?: string;
  /**
   * Resolves where the storage does what is asked, or where the check is skipped.
   *
   * Rejects with a `ContractViolation` that says what is wrong and why the engine needs it.
   */
  readonly run: () => Promise<void>;
}

/**
 * Gives the checks that a `Storage` has to pass, each over a new place.
 *
 * They don't depend on each other or on a test runner, and never sleep. Give each up to a minute: some write
 * thousands of keys, or start processes.
 *
 * ```ts
 * for (const check of storageContract({ open: () => new MyStorage() })) {
 *   it.skipIf(check.skip)(`${check.theme}: ${check.name}`, check.run, 60_000);
 * }
 * ```
 */
export function storageContract(options: StorageContractOptions): readonly ContractCheck[] {
  const themes: Record<string, readonly Check[]> = {
    values,
    atomicity,
    listing,
    keys,
    sizes: sizes(options.largest ?? 32 * 1024 * 1024),
    durability,
  };
  return Object.entries(themes).flatMap(([theme, checks]) =>
    checks.map((check) => toContractCheck(theme, check, options)),
  );
}

function toContractCheck(theme: string, check: Check, options: StorageContractOptions): ContractCheck {
  const contractCheck: ContractCheck = {
    theme,
    name: check.name,
    async run() {
      if (contractCheck.skip !== undefined) return;
      await reporting(theme, check, async () => {
        const place = await enter(options);
        if (check.durableOnly && !place.storage.durable)
          contractCheck.skip = "the storage does not call itself durable";
        await leaving(place, contractCheck.skip === undefined ? check.body(place) : Promise.resolve());
      });
    },
  };
  if (check.needs && !options[check.needs])
    contractCheck.skip = `needs \`${check.needs}\` in the options of storageContract`;
  return contractCheck;
}

/** Leaves the place when `work` has settled. A failure of the work is worth more than one of the leaving. */
async function leaving(place: Place, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await place.leave().catch(() => {});
    throw error;
  }
  await place.leave();
}

async function reporting(theme: string, check: Check, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const cause = error instanceof Finding ? error.cause : error;
    throw new ContractViolation(`${theme}: ${check.name}. Found: ${found}. Why it matters: ${check.why}.`, {
      theme,
      check: check.name,
      ...(cause !== undefined && { cause }),
    });
  }
}
