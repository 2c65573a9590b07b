// `npm run bench:peers`: dotflow beside other packages that embed, in a run of 1,000 trivial steps, all synced to disk.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// OpenWorkflow needs node:sqlite; better-sqlite3 is compiled for the Node that installed it.
const newerNode = fileURLToPath(new URL("node_modules/node/bin/node", import.meta.url));
const peers = [
  ["openworkflow.mjs", newerNode],
  ["langgraph.mjs", process.execPath],
];

console.log("Medians of 5 rounds, with lowest and highest. All keep SQLite, synchronous = FULL.\n");
console.log("| peer | figure | dotflow | peer | peer ÷ dotflow |\n| --- | --- | --- | --- | --- |");
for (const [program, node] of peers) {
  const { status } = spawnSync(node, [fileURLToPath(new URL(program, import.meta.url))], { stdio: "inherit" });
  if (status !== 0) console.log(`| ${program} | could not be measured, see above | | | |`);
}
