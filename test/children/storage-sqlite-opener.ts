// Opens new files, one after the other, each at a moment that all its rivals know; writes a key of its own and one that
// they want too, and sends for each file whether it got them. Told the first moment, it goes.
import { join } from "node:path";
import { StorageSqlite } from "../../providers/storage/sqlite.ts";

const [folder = "", name = "", rounds = ""] = process.argv.slice(2);

async function go(first: number): Promise<void> {
  const won: boolean[][] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const storage = new StorageSqlite({ file: join(folder, `${round}`, "checkpoints.db") });
    // Waits awake: a timer would be late, each time by something else.
    while (Date.now() < first + round * 100);
    won.push(await Promise.all([`own/${name}`, "all/one"].map((key) => storage.create(key, Buffer.from(name)))));
    await storage.close();
  }
  process.send?.(won, () => process.disconnect());
}

process.once("message", (first) => void go(Number(first)));
process.send?.("ready");
