// `npm run bench`: prints the table of budgets. Each group of rows runs in a process of its own, one after the other, on
// the built package. It never fails: what is over its budget is printed as such.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describeMachine } from "./machine.ts";
import { formatRow, heading, type Row } from "./table.ts";
import { cloudRows } from "./rows/clouds.ts";
import { postgresRows, redisRows, sqliteRows } from "./rows/databases.ts";
import { importRows } from "./rows/import.ts";
import { largeRows } from "./rows/large.ts";
import { longRunRows } from "./rows/long-run.ts";
import { loopRows, mapRows } from "./rows/map.ts";
import { parallelRows } from "./rows/parallel.ts";
import { requestRows } from "./rows/requests.ts";
import { resumeRows } from "./rows/resume.ts";
import { fileStepRows, memoryStepRows } from "./rows/steps.ts";
import { storageRows } from "./rows/storages.ts";

const groups: Readonly<Record<string, () => Promise<Row[]>>> = {
  import: importRows,
  memory: memoryStepRows,
  file: fileStepRows,
  sqlite: sqliteRows,
  postgres: postgresRows,
  redis: redisRows,
  long: longRunRows,
  resume: resumeRows,
  large: largeRows,
  requests: requestRows,
  parallel: parallelRows,
  map: mapRows,
  loop: loopRows,
  clouds: cloudRows,
  storages: storageRows,
};

const [first, ...rest] = process.argv.slice(2);
if (first === "--group") process.stdout.write(JSON.stringify(await (groups[rest[0] ?? ""] ?? (async () => []))()));
else report(first === undefined ? Object.keys(groups) : [first, ...rest]);

function report(names: readonly string[]): void {
  console.log(`${describeMachine()}\n\n${heading}`);
  for (const name of names) for (const row of rowsOf(name)) console.log(formatRow(row));
}

function rowsOf(name: string): Row[] {
  if (!(name in groups)) return [{ work: name, ours: `no such group; there are ${Object.keys(groups).join(", ")}` }];
  const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--group", name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return status === 0 ? (JSON.parse(stdout) as Row[]) : [{ work: name, ours: "could not be measured, see above" }];
}
