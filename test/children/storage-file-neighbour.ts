// Writes and deletes in a folder that another process uses in the same way, so that it is empty again and again.
// Told "go", it sends how many of its values were there between the two.
import { StorageFile } from "../../providers/storage/file.ts";

const [folder = "", name = "", times = ""] = process.argv.slice(2);
const storage = new StorageFile({ folder });

async function go(): Promise<void> {
  let found = 0;
  for (let turn = 0; turn < Number(times); turn++) {
    const key = `shared/deep/${name}-${turn}`;
    await storage.create(key, Buffer.from(name));
    if (await storage.get(key)) found++;
    await storage.delete(key);
  }
  process.send?.(found, () => process.disconnect());
}

process.once("message", () => void go());
process.send?.("ready");
