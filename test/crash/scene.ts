// The folder of one crash: what the killed processes left there.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageFile } from "dotflow/storage/file";
import { RunWatch } from "./run-watch.ts";

export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), "crash-scene-"));
  readonly watch = new RunWatch(new StorageFile({ folder: join(this.folder, "store") }), () => this.begun());

  /** How often each task began. */
  begun(): Map<string, number> {
    const file = join(this.folder, "begun");
    const counts = new Map<string, number>();
    for (const task of existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [])
      counts.set(task, (counts.get(task) ?? 0) + 1);
    return counts;
  }

  leave(): void {
    rmSync(this.folder, { recursive: true });
  }
}
