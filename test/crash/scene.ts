// The folder of one crash: what the killed processes left there, and whether anything that was done was done again.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Checkpoints } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { workflowId } from "./mixed-workflow.ts";

export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), "crash-scene-"));
  readonly storage = new StorageFile({ folder: join(this.folder, "store") });
  /** How often each task had begun when its record was first seen. */
  readonly #done = new Map<string, number>();

  /** How often each task began. */
  begun(): Map<string, number> {
    const file = join(this.folder, "begun");
    const counts = new Map<string, number>();
    for (const task of existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [])
      counts.set(task, (counts.get(task) ?? 0) + 1);
    return counts;
  }

  /** The tasks that have a record. */
  async recorded(): Promise<string[]> {
    const tasks: string[] = [];
    for await (const key of this.storage.list(`${workflowId}/runs/`))
      if (key.includes("/steps/")) tasks.push(key.slice(key.lastIndexOf("/") + 1));
    return tasks;
  }

  /** Notes what is done, after each process that ended. Gives the tasks that began again though they were done before. */
  async look(): Promise<string[]> {
    const begun = this.begun();
    const repeated = [...this.#done].filter(([task, times]) => begun.get(task) !== times).map(([task]) => task);
    for (const task of await this.recorded()) this.#done.set(task, begun.get(task) ?? 0);
    return repeated;
  }

  /** How many executions there were beyond one for each task: those that were in flight at a crash. */
  repeated(): number {
    return [...this.begun().values()].reduce((sum, times) => sum + times - 1, 0);
  }

  /** What is wrong with the records themselves. */
  async damage(): Promise<string[]> {
    return (await new Checkpoints(this.storage, { workflowId }).verify()).map(({ message }) => message);
  }

  leave(): void {
    rmSync(this.folder, { recursive: true });
  }
}
