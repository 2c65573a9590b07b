// The entry `dotflow/testing`: proofs for storages of one's own, faults and time for tests.
export type { Clock } from "../src/clock.ts";
export { ContractViolation } from "./contract/violation.ts";
export type { ContractProcesses, StorageContractOptions } from "./contract/options.ts";
export * from "./crash-test.ts";
export type { Fault, FaultError, FaultKind, FaultTarget, StorageOperation } from "./fault.ts";
export type { FaultyStorage, FaultyStorageOptions, LoggedOperation } from "./faulty-storage.ts";
export { faultyStorage } from "./faulty-storage.ts";
export type { ManualClock } from "./manual-clock.ts";
export { manualClock } from "./manual-clock.ts";
export { stepContext, type StepContextOptions } from "./step-context.ts";
export type { ContractCheck } from "./storage-contract.ts";
export { storageContract } from "./storage-contract.ts";
export type { ContractReport } from "./verify-storage.ts";
export { verifyStorage } from "./verify-storage.ts";
