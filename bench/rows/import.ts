// What it costs a program to import the package.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { inTurns, show, timed } from "../measure.ts";
import type { Row } from "../table.ts";

const budgetMs = 30;

/** What everybody installs; SDKs are optional peers, and not among these. */
const { dependencies } = createRequire(import.meta.url)("dotflow/package.json") as { dependencies: object };

export async function importRows(): Promise<Row[]> {
  const { ours, raw, difference } = await inTurns(
    25,
    () => processTime('import("dotflow")'),
    () => processTime(""),
  );
  const { files, packages } = loadedBy("dotflow");
  return [
    {
      work: `import "dotflow": ${files} files`,
      ours: show(ours, "ms"),
      raw: `empty process ${show(raw, "ms")}`,
      compared: `+${show(difference, "ms")}`,
      budget: `+${budgetMs} ms`,
      within: difference.median < budgetMs,
    },
    {
      work: "packages that this loads",
      ours: packages.join(", ") || "none",
      budget: "no SDK",
      within: packages.every((name) => name in dependencies),
    },
  ];
}

function processTime(code: string): Promise<number> {
  return timed(() => {
    const { status, stderr } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  });
}

/** What Node loads for an import, as it is asked for: whole files of the package, and the names of other packages. */
function loadedBy(name: string): { files: number; packages: string[] } {
  const hook = `import { writeSync } from "node:fs";
    export async function load(url, context, next) { writeSync(1, url + "\\n"); return next(url, context); }`;
  const code = `require("node:module").register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    import(${JSON.stringify(name)});`;
  const { stdout } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
  const files = stdout.split("\n").filter((url) => url.startsWith("file:"));
  const foreign = files.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  return { files: files.length - foreign.length, packages: [...new Set(foreign)] };
}
