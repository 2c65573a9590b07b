// Sixteen rivals of one process that create the same keys at once. Told "go", it sends what each of them got and then read.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { StorageFile } from "../../providers/storage/file.ts";
import { labelled, labelOf } from "../../testing/contract/bytes.ts";

export interface RivalReport {
  readonly key: string;
  readonly rival: string;
  readonly won: boolean;
  /** The label of the value that the rival read, if it was a whole one. */
  readonly read: string | undefined;
}

const [folder = "", name = "", rounds = "", links = ""] = process.argv.slice(2);
if (links === "without-links") {
  // A file system that has no hard links, as far as this process can tell.
  fs.linkSync = () => {
    throw Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "link" });
  };
  syncBuiltinESMExports();
}

const storage = new StorageFile({ folder });

async function compete(key: string, rival: string, size: number): Promise<RivalReport> {
  const won = await storage.create(key, labelled(rival, size));
  return { key, rival, won, read: labelOf(await storage.get(key)) };
}

async function go(): Promise<void> {
  const reports: RivalReport[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const size = round % 2 === 0 ? 300 : 400_000;
    const rivals = Array.from({ length: 16 }, (_, index) => compete(`race/${round}`, `${name}-${index}`, size));
    reports.push(...(await Promise.all(rivals)));
  }
  process.send?.(reports, () => process.disconnect());
}

process.once("message", () => void go());
process.send?.("ready");
