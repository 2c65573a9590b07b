// The graph of a workflow as a drawing for the terminal, as a Mermaid diagram, for Graphviz, and as a picture.
import type { GraphTaskInfo, WorkflowGraph } from "../src/index.ts";
import { MissingPackageError } from "../src/errors.ts";
import type { Terminal } from "./terminal.ts";

/** A tree: a task stands below the one that it follows. One that follows several stands below the last of them, and says so. */
export function tree({ workflowId, mode, tasks }: WorkflowGraph, terminal: Terminal): string[] {
  const position = new Map(levelOrder(tasks).map((id, at) => [id, at]));
  const parentOf = (task: GraphTaskInfo): string | undefined =>
    [...task.after].sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0)).at(-1);
  const children = new Map<string | undefined, GraphTaskInfo[]>();
  for (const task of tasks) children.set(parentOf(task), [...(children.get(parentOf(task)) ?? []), task]);
  const lines = [`${terminal.style("bold", terminal.line(workflowId))}  ${terminal.style("dim", mode)}`];
  const draw = (parent: string | undefined, indent: string): void => {
    const below = children.get(parent) ?? [];
    // A chain goes straight down, so that a hundred tasks in a row fit on the screen.
    for (const [at, task] of below.entries()) {
      const isLast = at === below.length - 1;
      const isChain = parent !== undefined && below.length === 1;
      const branch = isChain ? "│" : isLast ? "└─" : "├─";
      const others = task.after.filter((id) => id !== parent);
      if (isChain) lines.push(`${indent}${terminal.style("dim", "↓")}`);
      lines.push(`${indent}${isChain ? "" : `${terminal.style("dim", branch)} `}${labelOf(task, others, terminal)}`);
      draw(task.id, isChain ? indent : `${indent}${isLast ? "   " : `${terminal.style("dim", "│")}  `}`);
    }
  };
  draw(undefined, "");
  return lines;
}

function labelOf(task: GraphTaskInfo, others: readonly string[], terminal: Terminal): string {
  const facts = [
    ...(others.length > 0 ? [`also after ${others.map((id) => terminal.line(id)).join(", ")}`] : []),
    ...(task.map ? ["for each item"] : []),
    ...(task.conditional ? ["if its condition holds"] : []),
    ...(task.group === "default" ? [] : [`group ${terminal.line(task.group)}`]),
  ];
  const more = facts.length > 0 ? `  ${terminal.style("dim", `(${facts.join("; ")})`)}` : "";
  return terminal.line(task.id) + more;
}

/** The ids, each after all that it follows. */
function levelOrder(tasks: readonly GraphTaskInfo[]): string[] {
  const depths = new Map<string, number>();
  const byId = new Map(tasks.map((task) => [task.id, task]));
  // The graph has no cycles: it was checked when it was built. Without recursion, as a chain may be long.
  const open = tasks.map(({ id }) => id);
  while (open.length > 0) {
    const id = open.at(-1) as string;
    const before = byId.get(id)?.after ?? [];
    const missing = before.filter((each) => !depths.has(each));
    if (missing.length > 0 && !depths.has(id)) open.push(...missing);
    else {
      depths.set(id, 1 + Math.max(0, ...before.map((each) => depths.get(each) ?? 0)));
      open.pop();
    }
  }
  return tasks.map(({ id }) => id).sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0));
}

export function mermaid({ tasks }: WorkflowGraph): string {
  const names = new Map(tasks.map(({ id }, at) => [id, `t${at}`]));
  // Entities are the only escapes that Mermaid knows.
  const label = (text: string): string => text.replace(/["#<>&;\n]/g, (sign) => `#${sign.charCodeAt(0)};`);
  const nodes = tasks.map(({ id, map, conditional }) => {
    const [open, close] = conditional ? ['{{"', '"}}'] : map ? ['[["', '"]]'] : ['["', '"]'];
    return `  ${names.get(id)}${open}${label(id)}${close}`;
  });
  const edges = tasks.flatMap(({ id, after }) => after.map((before) => `  ${names.get(before)} --> ${names.get(id)}`));
  return ["flowchart TD", ...nodes, ...edges].join("\n");
}

export function dot({ workflowId, tasks }: WorkflowGraph): string {
  const nodes = tasks.map(({ id, map, conditional }) => {
    const looks = [...(conditional ? ["shape=hexagon"] : []), ...(map ? ["peripheries=2"] : [])];
    return `  ${quoted(id)}${looks.length > 0 ? ` [${looks.join(", ")}]` : ""};`;
  });
  const edges = tasks.flatMap(({ id, after }) => after.map((before) => `  ${quoted(before)} -> ${quoted(id)};`));
  const style = '  node [shape=box, style=rounded, fontname="sans-serif"];';
  return [`digraph ${quoted(workflowId)} {`, style, ...nodes, ...edges, "}"].join("\n");
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Laid out by Graphviz itself, compiled to WebAssembly. */
export async function svg(graph: WorkflowGraph): Promise<string> {
  let module: typeof import("@hpcc-js/wasm-graphviz");
  try {
    module = await import("@hpcc-js/wasm-graphviz");
  } catch (cause) {
    throw new MissingPackageError(
      "--svg needs the package @hpcc-js/wasm-graphviz. Install it: npm install --save-dev @hpcc-js/wasm-graphviz",
      { cause },
    );
  }
  return (await module.Graphviz.load()).dot(dot(graph));
}
