// What all comparisons share: a run of 1,000 trivial steps, each synced to disk, and a resume that has one step left.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { action, DotFlow } from "../../dist/src/index.js";
import { StorageSqlite } from "../../dist/providers/storage/sqlite.js";

export const steps = 1_000;
const rounds = 5;

/**
 * Lets dotflow and the peer take turns, and prints their medians. A peer gives, for an empty folder, the milliseconds of a
 * run up to its last step, and those of the resume until that step is called.
 */
export async function compare(name, peer) {
  const ours = { run: [], resume: [] };
  const theirs = { run: [], resume: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [side, measure] of [
      [ours, dotflow],
      [theirs, peer],
    ]) {
      const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), "dotflow-peers-"));
      try {
        const { run, resume } = await measure(folder);
        side.run.push(run / steps);
        side.resume.push(resume);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  for (const what of ["run", "resume"]) {
    const ratio = spread(theirs[what].map((value, round) => value / ours[what][round]));
    console.log(
      `| ${name} | ${what === "run" ? "ms a step" : "ms to resume"} | ${spread(ours[what])} | ${spread(theirs[what])} | × ${ratio} |`,
    );
  }
}

/** The last step fails the first time. */
async function dotflow(folder) {
  const storage = new StorageSqlite({ file: join(folder, "checkpoints.db") });
  let reached = 0;
  const workflowOf = () => {
    const workflow = new DotFlow({ workflowId: "bench", storage });
    const step = action(function step({ storage: before }) {
      return (before ?? 0) + 1;
    });
    const last = action(function last() {
      reached = performance.now();
      throw new Error("not yet");
    });
    for (let index = 0; index < steps; index++) workflow.task.add(step);
    workflow.task.add(last);
    return workflow;
  };
  const time = async (options) => {
    const workflow = workflowOf();
    const start = performance.now();
    await workflow.start(options);
    return reached - start;
  };
  return { run: await time({}), resume: await time({ resume: true }) };
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const digits = (value) => (Number.isFinite(value) ? value.toPrecision(3) : "cannot");
  const middle = digits(sorted[sorted.length >> 1]);
  return middle === "cannot" ? middle : `${middle} (${digits(sorted[0])}–${digits(sorted.at(-1))})`;
}
