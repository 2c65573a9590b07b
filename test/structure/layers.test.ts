// The layers of src/: every module imports only modules that stand before it in this table, types included.
import { expect, it } from "vitest";
import { sourcesOf } from "./sources.ts";

const layers = `
  errors clock defaults parallel storage options duration stop item-counts events
  storage-memory guard values serializer seal record export-file items-value run-state
  graph fingerprint
  journal/keys journal/run-id journal/identity journal/store journal/lease-body journal/lease-errors journal/lease-judge journal/lease-store journal/lease
  journal/payload journal/batches journal/gatherer journal/items journal/signals journal/snapshots journal/task-parts
  journal/plan journal/end journal/run-records journal/run-parts journal/journal journal/workflows journal/history journal/verify journal/removal journal/transfer journal/restoring
  step-parts step-waits sub-workflow context
  decorators schema retry action
  restore observer-line observers turns execution attempt-control step-scope attempt iterations performance item-source map-tally map-items perform
  result task-states task-values recorder resumed snapshot-taker waiting-tasks runner
  step-source task-list tasks workflow-graph
  settings start-options prepare settle start explain
  copy-run checkpoint-views checkpoints schedule-options schedule-times schedule dotflow index
`;

const order = layers.trim().split(/\s+/);
const sources = sourcesOf("src").map(({ path, imports }) => ({
  name: moduleName(path),
  uses: imports.flatMap(({ file }) => (file?.startsWith("src/") ? moduleName(file) : [])),
}));

it("has a place for every module", () => {
  const names = sources.map(({ name }) => name);
  const missing = names.filter((name) => !order.includes(name));
  const what = "Put these modules into the table in test/structure/layers.test.ts, behind all that they import";
  expect(missing, `${what}: ${missing.join(", ")}`).toEqual([]);
  const gone = order.filter((name) => !names.includes(name));
  expect(gone, `Take these out of the table in test/structure/layers.test.ts: ${gone.join(", ")}`).toEqual([]);
});

it("lets every module import only what stands before it", () => {
  const upward = sources.flatMap(({ name, uses }) =>
    uses
      .filter((used) => order.includes(name) && order.indexOf(used) >= order.indexOf(name))
      .map((used) => `${name} imports ${used}, which does not stand before it`),
  );
  expect(upward).toEqual([]);
});

function moduleName(path: string): string {
  return path.replace(/^src\//, "").replace(/\.ts$/, "");
}
