// Runs the TypeScript compiler over small programs, and gives what it says about each.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rightUses = fileURLToPath(new URL("*.test-d.ts", import.meta.url));

export interface Verdicts {
  /** What the compiler says about each program, by its name; empty where it is content. */
  readonly about: ReadonlyMap<string, string>;
  /** What it says about everything else: the sources and the `.test-d.ts` files beside this one. */
  readonly others: string;
}

/** Compiles the programs, by name, together with the `.test-d.ts` files beside this one. */
export function compile(programs: Readonly<Record<string, string>>): Verdicts {
  const folder = mkdtempSync(join(tmpdir(), "dotflow-types-"));
  try {
    const names = Object.keys(programs);
    for (const [index, name] of names.entries()) writeFileSync(join(folder, `${index}.ts`), programs[name] ?? "");
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout, error } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
    });
    if (error) throw error;
    return verdicts(stdout, names);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const settings = {
  extends: join(root, "tsconfig.json"),
  compilerOptions: {
    typeRoots: [join(root, "node_modules/@types")],
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ["*.ts", rightUses],
};

function verdicts(output: string, names: readonly string[]): Verdicts {
  const about = new Map(names.map((name) => [name, ""]));
  let others = "";
  // A message begins with the file; its further lines are indented.
  for (const message of output.split(/\n(?=\S)/)) {
    const name = names[Number(/^(\d+)\.ts\(/.exec(message)?.[1] ?? Number.NaN)];
    if (name === undefined) others += message;
    else about.set(name, `${about.get(name)}${message}\n`);
  }
  return { about, others };
}
