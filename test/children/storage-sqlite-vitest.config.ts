// Runs tests of StorageSqlite within a test, with the Node that calls it: without the set-up of the whole test run, of which they need nothing.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import config from "../../vitest.config.ts";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: config.resolve,
  test: { pool: "forks", testTimeout: 60_000, hookTimeout: 60_000 },
});
