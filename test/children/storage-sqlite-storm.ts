// Told "go", it creates and puts without an end, many at a time so that they share commits, and sends each write that
// was acknowledged, until it is killed. With a number of turns it ends by itself.
import { StorageSqlite } from "../../providers/storage/sqlite.ts";
import { labelled } from "../../testing/contract/bytes.ts";

export interface StormReport {
  readonly key: string;
  readonly turn: number;
}

const [file = "", name = "", turns = "Infinity"] = process.argv.slice(2);
const storage = new StorageSqlite({ file });

async function write(verb: "create" | "put", key: string, turn: number, size: number): Promise<void> {
  await storage[verb](key, labelled(`${turn}`, size));
  await new Promise<void>((resolve) => process.send?.({ key, turn } satisfies StormReport, () => resolve()));
}

async function go(): Promise<void> {
  for (let turn = 1; turn <= Number(turns); turn++) {
    const small = Array.from({ length: 12 }, (_, index) =>
      write("create", `${name}/steps/${turn}-${index}`, turn, 300),
    );
    await Promise.all([
      ...small,
      write("create", `${name}/large/${turn}`, turn, 200_000),
      write("put", `${name}/progress`, turn, 300),
      write("put", `${name}/large-progress`, turn, 100_000),
    ]);
  }
  process.disconnect();
}

process.once("message", () => void go());
process.send?.("ready");
