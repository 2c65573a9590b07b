// Builds dist/ before the tests, for those that use the package as it is published.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// Incremental, so that test runs side by side do not write under each other once dist/ is up to date.
const build =
  "node_modules/typescript/bin/tsc -p tsconfig.build.json --incremental --tsBuildInfoFile dist/.tsbuildinfo";

/** Type errors stop nothing here, they are the job of `npm run check`: the compiler writes what it can. */
export function setup(): void {
  const { error, signal } = spawnSync(process.execPath, build.split(" "), { cwd: root, stdio: "ignore" });
  if (error || signal) throw new Error(`The build for the tests did not run: ${error?.message ?? signal}`);
}
