// What a run and its resume ask of a bucket, counted on the wire: what is paid for there.
import { makePlace, serverOf } from "../storages.ts";
import { type Counts, withCounter, withServer } from "../servers.ts";
import type { Row } from "../table.ts";
import { chain, complete } from "../workflows.ts";

const steps = 1_000;

export async function cloudRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of ["s3", "gcs", "azure"]) {
    rows.push(...(await withServer(serverOf(name) ?? name, (address) => rowsOf(name, address))));
  }
  return rows;
}

function rowsOf(name: string, address: string): Promise<Row[]> {
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(address)?.[1]);
  return withCounter(port, async (counted, take) => {
    const open = await makePlace(name, address.replace(`:${port}`, `:${counted}`));
    take();
    // What is asked once a process, such as whether a store heeds conditions, shows as what the first write needs more than the second.
    await open().put("first/write", new Uint8Array(1));
    const first = total(take());
    await open().put("second/write", new Uint8Array(1));
    const once = first - total(take());
    await complete(chain(open(), steps));
    const run = take();
    const writes = total(run) - (run["GET"] ?? 0);
    await complete(chain(open(), steps), { resume: true });
    const resume = take();
    const title = `${name}: ${steps.toLocaleString("en")} steps`;
    return [
      {
        work: `${title}, requests`,
        ours: `steps + ${writes - steps} writes, ${run["GET"] ?? 0} reads and listings`,
        raw: once > 0 ? `and ${once} once a process` : "",
        budget: "steps + 4",
        within: writes <= steps + 4,
      },
      {
        work: `${title}, requests of the resume when all is done`,
        ours: `${total(resume)}: ${Object.entries(resume)
          .map(([method, count]) => `${count} ${method}`)
          .join(", ")}`,
        budget: "8",
        within: total(resume) <= 8,
      },
    ];
  });
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
