// Creates and puts without an end, and tells its parent of each write that was acknowledged, until it is killed.
import { StorageFile } from "../../providers/storage/file.ts";
import { labelled } from "../../testing/contract/bytes.ts";

export interface StormReport {
  readonly key: string;
  readonly label: string;
}

const [folder = "", name = ""] = process.argv.slice(2);
const storage = new StorageFile({ folder });

async function write(verb: "create" | "put", key: string, label: string, size: number): Promise<void> {
  await storage[verb](key, labelled(label, size));
  process.send?.({ key, label } satisfies StormReport);
}

for (let turn = 0; ; turn++) {
  await Promise.all([
    write("create", `${name}/steps/${turn}`, `created-${turn}`, 300),
    write("create", `${name}/large/${turn}`, `created-${turn}`, 400_000),
    write("put", `${name}/progress`, `${turn}`, 300),
    write("put", `${name}/large-progress`, `${turn}`, 400_000),
  ]);
}
