// Writes a small project: a workflow, a test of it, and what it takes to run both. It overwrites nothing.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { ask } from "./confirm.ts";
import { UsageError } from "./exit.ts";
import { type ProjectChoices, projectFiles } from "./project-files.ts";
import { shellLine } from "./shell.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

export interface InitFlags {
  readonly id?: string;
  readonly language?: ProjectChoices["language"];
  readonly style?: ProjectChoices["style"];
  readonly yes?: boolean;
}

export async function newProject(terminal: Terminal, given: string | undefined, flags: InitFlags): Promise<void> {
  const asks = !flags.yes && process.stdin.isTTY && process.stdout.isTTY;
  const question = async (text: string, fallback: string): Promise<string> =>
    asks ? (await ask(`${text} [${fallback}] `)).trim() || fallback : fallback;
  const folder = resolve(given ?? (await question("Folder?", ".")));
  const workflowId = flags.id ?? (await question("Id of the workflow?", basename(folder) || "my-workflow"));
  const language = flags.language ?? oneOf(await question("Language, ts or js?", "ts"), ["ts", "js"] as const);
  const style =
    flags.style ??
    (language === "js"
      ? "functions"
      : oneOf(await question("Steps as functions or decorators?", "functions"), ["functions", "decorators"] as const));
  if (language === "js" && style === "decorators")
    throw new UsageError(
      "JavaScript has no decorators yet that Node can read. Take --language ts, or --style functions.",
    );
  const files = projectFiles({ workflowId, language, style, version: version() });
  const present = [...files.keys()].filter((path) => existsSync(join(folder, path)));
  if (present.length > 0)
    throw new UsageError(
      `Nothing was written: ${present.join(", ")} ${present.length > 1 ? "are" : "is"} there already. Give another folder.`,
    );
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Also what came between the look and now is not overwritten.
    writeFileSync(join(folder, path), text, { flag: "wx" });
    terminal.print(`${terminal.style("green", "✓")} ${relative(process.cwd(), join(folder, path))}`);
  }
  const enter = relative(process.cwd(), folder);
  const steps = [
    ...(enter === "" ? [] : [shellLine(["cd", enter])]),
    "npm install",
    "npm test",
    `npx dotflow run workflow.${language}`,
  ];
  terminal.print(`\nGo on with: ${terminal.style("bold", steps.join(" && "))}`);
}

function oneOf<Choice extends string>(answer: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === answer);
  if (found !== undefined) return found;
  throw new UsageError(`"${answer}" is no answer to that: ${choices.join(" or ")}. Nothing was written.`);
}
