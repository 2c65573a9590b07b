// The entry `dotflow`.
export { type Action, action, type ActionOptions, type StepFunction } from "./action.ts";
export {
  type CheckpointInfo,
  Checkpoints,
  type CheckpointsOptions,
  type RunInfo,
  type SavedStatus,
  type StepInfo,
} from "./checkpoints.ts";
export type { Clock } from "./clock.ts";
export { Context, StepContext } from "./context.ts";
export type { ActionDecorator } from "./decorators.ts";
export { copyRun, type CopyRunOptions } from "./copy-run.ts";
export { DotFlow, RunHandle } from "./dotflow.ts";
export type { Duration } from "./duration.ts";
export * from "./errors.ts";
export type { ObservedStep, Observer, WorkflowEvent } from "./events.ts";
export type { GraphMode } from "./graph.ts";
export type { Transferred } from "./journal/transfer.ts";
export type { Problem } from "./journal/verify.ts";
export type { SavedWorkflow } from "./journal/workflows.ts";
export type { OnChange } from "./restore.ts";
export { RunResult, type RunStatus, type TaskResult, type TaskStatus } from "./result.ts";
export type { BackoffOptions } from "./retry.ts";
export type { Serializer } from "./serializer.ts";
export type { DotFlowOptions, RetentionOptions } from "./settings.ts";
export type { StartOptions } from "./start-options.ts";
export type { Storage } from "./storage.ts";
export { StorageMemory } from "./storage-memory.ts";
export { type After, type TaskOptions, TaskRef, type ValueAfter } from "./tasks.ts";
export type { ClassCodec } from "./values.ts";
