// Builds dist/ before the tests, for those that use the package as it is published.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Type errors stop nothing here, they are the job of `npm run check`: the compiler writes what it can. */
export function setup(): void {
  // Incremental, and without emptying dist/: test runs side by side must not write under each other.
  run("build:types", "--incremental", "--tsBuildInfoFile", "dist/.tsbuildinfo");
  run("build:code");
}

function run(script: string, ...options: readonly string[]): void {
  const { error, signal } = spawnSync("npm", ["run", "--silent", script, "--", ...options], {
    cwd: root,
    stdio: "ignore",
  });
  if (error || signal) throw new Error(`The build for the tests did not run: ${error?.message ?? signal}`);
}
