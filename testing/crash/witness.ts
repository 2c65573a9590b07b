// Watches the steps of one start from outside: which were started, and whose function has given its result.
import type { ObservedStep, Observer, WorkflowEvent } from "../../src/events.ts";
import type { Disk } from "./disk.ts";
import type { GatheredRecord, Written } from "./written.ts";

export class Witness implements Observer {
  readonly #disk: Disk;
  readonly #everyStepIsRecorded: boolean;
  readonly #finished = new Set<string>();
  /** Steps that were reported as completed, by workflow. */
  readonly #completed = new Map<string, string[]>();

  constructor(disk: Disk, everyStepIsRecorded: boolean) {
    this.#disk = disk;
    this.#everyStepIsRecorded = everyStepIsRecorded;
  }

  onEvent(event: WorkflowEvent): void {
    if (event.type === "step.started" && this.#disk.isKnown(event.workflowId, event.taskId)) {
      this.#disk.report(
        "ran again",
        `"${event.taskId}" was started, though its record was in the storage. Reason given: ${event.reason}.`,
      );
    }
    if (event.type === "step.completed" && this.#everyStepIsRecorded) {
      const { workflowId, taskId } = event;
      if (!this.#disk.isRecorded(workflowId, taskId)) {
        this.#disk.reportUnrecorded(`"${taskId}" was reported as completed, but has no record in the storage.`);
      }
      this.#completed.set(workflowId, [...(this.#completed.get(workflowId) ?? []), taskId]);
    }
  }

  aroundStep({ workflowId, taskId }: ObservedStep, next: () => Promise<unknown>): void {
    next().then(
      () => this.#finished.add(nameOf(workflowId, taskId)),
      () => {},
    );
  }

  /** Looks at a write that is about to happen: nothing may be recorded early, and all must be when a run ends. */
  sees(verb: string, key: string, written: Written): void {
    if (written.kind === "step") this.#requireFinished(verb, { ...written, key });
    for (const record of written.gathered ?? []) if (record.kind === "step") this.#requireFinished(verb, record);
    if (written.kind !== "end") return;
    const workflow = this.#disk.workflowOf(key);
    for (const task of this.#completed.get(workflow) ?? []) {
      if (this.#disk.isRecorded(workflow, task)) continue;
      this.#disk.report("not recorded", `The run was about to end, and "${task}", which had completed, had no record.`);
    }
  }

  /** A task that its condition skipped, and a map whose items were saved before, have no function to wait for. */
  #requireFinished(verb: string, { key, task, status }: Omit<GatheredRecord, "bytes" | "kind">): void {
    if (
      status === "skipped" ||
      this.#disk.hasItems(key) ||
      this.#finished.has(nameOf(this.#disk.workflowOf(key), task))
    )
      return;
    this.#disk.report(
      "recorded early",
      `${verb} of "${key}" came before the function of "${task}" had given its result.`,
    );
  }
}

function nameOf(workflow: string, task: string): string {
  return JSON.stringify([workflow, task]);
}
