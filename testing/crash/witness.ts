// Watches the steps of one start from outside: which were started, and whose function has given its result.
import type { ObservedStep, Observer, WorkflowEvent } from "../../src/events.ts";
import type { Disk } from "./disk.ts";

export class Witness implements Observer {
  readonly #disk: Disk;
  readonly #everyStepIsRecorded: boolean;
  readonly #finished = new Set<string>();

  constructor(disk: Disk, everyStepIsRecorded: boolean) {
    this.#disk = disk;
    this.#everyStepIsRecorded = everyStepIsRecorded;
  }

  finished(task: string): boolean {
    return this.#finished.has(task);
  }

  onEvent(event: WorkflowEvent): void {
    if (event.type === "step.started" && this.#disk.isKnown(event.taskId)) {
      this.#disk.report(
        "ran again",
        `"${event.taskId}" was started, though its record was in the storage. Reason given: ${event.reason}.`,
      );
    }
    if (event.type === "step.completed" && this.#everyStepIsRecorded && !this.#disk.isRecorded(event.taskId)) {
      this.#disk.report(
        "not recorded",
        `"${event.taskId}" was reported as completed, but has no record in the storage.`,
      );
    }
  }

  aroundStep({ taskId }: ObservedStep, next: () => Promise<unknown>): void {
    next().then(
      () => this.#finished.add(taskId),
      () => {},
    );
  }
}
