// Runs the storage contract without a test runner, such as in a script or at the start of a service.
import { ContractViolation } from "./contract/violation.ts";
import type { StorageContractOptions } from "./contract/options.ts";
import { storageContract } from "./storage-contract.ts";

/** What `verifyStorage` found; checks are named `theme: name`. */
export interface ContractReport {
  readonly passed: readonly string[];
  /** Empty where the storage keeps the contract. */
  readonly violations: readonly ContractViolation[];
  readonly skipped: readonly { readonly check: string; readonly reason: string }[];
}

/** Runs all checks of `storageContract` one after the other. Violations are in the report: it rejects for none of them. */
export async function verifyStorage(options: StorageContractOptions): Promise<ContractReport> {
  const passed: string[] = [];
  const violations: ContractViolation[] = [];
  const skipped: { check: string; reason: string }[] = [];
  for (const check of storageContract(options)) {
    const title = `${check.theme}: ${check.name}`;
    try {
      await check.run();
      if (check.skip === undefined) passed.push(title);
      else skipped.push({ check: title, reason: check.skip });
    } catch (error) {
      if (!(error instanceof ContractViolation)) throw error;
      violations.push(error);
    }
  }
  return { passed, violations, skipped };
}
