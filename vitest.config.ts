// Three test projects: `main`, and the same decorator tests once for each decorator dialect.
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import type { Plugin } from "vite";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import tsconfig from "./tsconfig.json" with { type: "json" };

// Tests read the sources as users read the package; tsconfig.json has the one table of names.
const alias = Object.entries(tsconfig.compilerOptions.paths).map(([name, [file]]) => ({
  find: new RegExp(`^${name}$`),
  replacement: fileURLToPath(new URL(file ?? "", import.meta.url)),
}));

const decoratorTests = "test/decorators/**/*.test.ts";

export default defineConfig({
  resolve: { alias },
  test: {
    pool: "forks",
    // Tests of storages wait for servers and disks more than they compute.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      project("main", {
        plugins: [lowerDecorators()],
        test: {
          include: ["test/**/*.test.ts"],
          exclude: [decoratorTests],
          globalSetup: ["test/build.ts", "test/servers/keeper.ts"],
        },
      }),
      project("decorators-tc39", {
        plugins: [lowerDecorators()],
        test: { include: [decoratorTests], env: { DIALECT: "tc39" } },
      }),
      project("decorators-legacy", {
        oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
        test: { include: [decoratorTests], env: { DIALECT: "legacy" } },
      }),
    ],
  },
});

function project(name: string, config: TestProjectInlineConfiguration): TestProjectInlineConfiguration {
  return { ...config, extends: true, test: { ...config.test, name } };
}

/** Vite 8 leaves TC39 decorators in the code, where Node can't read them; esbuild lowers them. */
function lowerDecorators(): Plugin {
  return {
    name: "lower-decorators",
    enforce: "pre",
    async transform(code, id) {
      if (!id.endsWith(".ts") || !/^\s*@\w/m.test(code)) return null;
      const lowered = await transform(code, { loader: "ts", target: "es2022", sourcefile: id, sourcemap: true });
      return { code: lowered.code, map: lowered.map };
    },
  };
}
