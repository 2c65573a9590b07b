// Reads Vitest's JSON report: fails and names them if tests were skipped, or prints the counts with --counts.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [path, option] = process.argv.slice(2);
const files = readReport().testResults;
const tests = files.flatMap(({ name, assertionResults }) =>
  assertionResults.map(({ fullName, status }) => ({ name: `${relative("", name)}: ${fullName}`, status })),
);
const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");

if (option === "--counts") {
  const passed = tests.filter(({ status }) => status === "passed").length;
  const failed = tests.filter(({ status }) => status === "failed").length + files.filter(isBroken).length;
  console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
} else if (tests.length === 0 || skipped.length > 0) {
  console.log(tests.length === 0 ? "No test ran." : `${skipped.length} skipped:`);
  for (const { name } of skipped) console.log(`  ${name}`);
  process.exitCode = 1;
} else {
  console.log(`None of ${tests.length} tests was skipped.`);
}

/** Whether a file failed outside its tests, such as while it was loaded; it counts as one failure. */
function isBroken({ status, assertionResults }) {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
}

function readReport() {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { testResults: [] };
  }
}
