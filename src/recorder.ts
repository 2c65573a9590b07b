// Where the runner has things saved and finds them again: the journal, as the runner sees it.
import type { SnapshotRequest } from "./journal/journal.ts";
import type { TaskParts } from "./journal/task-parts.ts";
import type { Facts } from "./record.ts";
import type { Changes, EncodedValue } from "./serializer.ts";
import type { RecordReader } from "./task-values.ts";

/** What tasks save on their way, before they are done. */
export interface PartsOfTasks {
  /** Finds out which tasks saved something in an earlier driving of the run. */
  lookUp(): Promise<void>;
  /** Whether there may be something of a task, so that it has to be looked for. */
  mayHave(taskId: string): boolean;
  /** The run in which a task began. */
  beganIn(taskId: string): string;
  /** What a task has saved. */
  saved(taskId: string): Promise<TaskParts>;
  /** Where one that begins now saves things. */
  of(taskId: string): TaskParts;
}

export interface Recorder extends RecordReader {
  /** Whether records that nothing follows from yet may be torn. */
  readonly mayBeTorn: boolean;
  /** Makes sure, at once or when the promise resolves, that no other process drives the run: what it has completed must not be called again. */
  ensure(): Promise<void> | undefined;
  isSaved(taskId: string): boolean;
  /** Gives the record that counts where another process was first. */
  record(
    taskId: string,
    facts: Facts,
    value: EncodedValue,
  ): Promise<{ readonly facts: Facts; readonly value: EncodedValue } | undefined>;
  /** Brings together what the items of a map gave. */
  gather(taskId: string, value: EncodedValue): Promise<EncodedValue>;
  hasSignal(name: string): Promise<boolean>;
  snapshot(request: SnapshotRequest): Promise<void>;
  readonly usesState: boolean;
  changesOf(taskId: string): Promise<Changes | undefined>;
  readonly parts: PartsOfTasks;
  forget(taskId: string): void;
}
