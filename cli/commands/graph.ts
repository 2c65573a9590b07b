// `dotflow graph`: draws the tasks of a workflow and what orders them.
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { example } from "../example.ts";
import { fileOptions, type FileFlags } from "../file-options.ts";
import { modeOption, type StartFlags } from "../start-options.ts";
import type { Terminal } from "../terminal.ts";

interface Flags extends FileFlags, Pick<StartFlags, "mode"> {
  readonly mermaid?: boolean;
  readonly dot?: boolean;
  readonly svg?: string;
}

export function graphCommand(terminal: Terminal): Command {
  const command = new Command("graph")
    .description("draw the tasks and what orders them")
    .argument("<file>", "TypeScript or JavaScript that exports a DotFlow, or a function that returns one")
    .addOption(modeOption())
    .option("--mermaid", "print it as a Mermaid diagram")
    .option("--dot", "print it for Graphviz")
    .option("--svg <file>", "write it as an SVG picture; needs the package @hpcc-js/wasm-graphviz")
    .action((file: string, flags: Flags) => graph(terminal, file, flags));
  return example(fileOptions(command), "dotflow graph etl.ts", "dotflow graph etl.ts --svg etl.svg");
}

async function graph(terminal: Terminal, file: string, flags: Flags): Promise<void> {
  const [{ loadWorkflow }, drawings] = await Promise.all([import("../workflow-file.ts"), import("../drawings.ts")]);
  const { workflow } = await loadWorkflow(file, flags);
  const described = workflow.graph({ mode: flags.mode });
  if (flags.mermaid) terminal.print(drawings.mermaid(described));
  if (flags.dot) terminal.print(drawings.dot(described));
  if (flags.svg !== undefined) {
    writeFileSync(flags.svg, await drawings.svg(described));
    terminal.print(`Wrote ${flags.svg}.`);
  }
  if (!flags.mermaid && !flags.dot && flags.svg === undefined)
    for (const line of drawings.tree(described, terminal)) terminal.print(line);
}
