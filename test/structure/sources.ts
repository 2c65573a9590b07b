// Reads the sources for the structure tests: their text, their imports, and where in them something stands.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor, type VisitorObject } from "vite";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Import {
  /** As written, such as `./errors.ts` or `node:fs`. */
  readonly name: string;
  /** The file of this repository that it means, such as `src/errors.ts`; `undefined` for packages. */
  readonly file: string | undefined;
  /** Whether it leaves nothing in the built code. */
  readonly typeOnly: boolean;
}

export interface Source {
  /** From the root of the repository, with `/`, such as `src/errors.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Walks the syntax tree; a visitor function gets each node of its type. */
  visit(visitor: VisitorObject): void;
  /** Gives `src/errors.ts:12` for a node, as editors open it. */
  at(node: { start: number }): string;
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The TypeScript files of some folders at the root; a folder that does not exist has none. */
export function sourcesOf(...folders: string[]): Source[] {
  return folders.flatMap(filesOf).map(sourceOf);
}

function filesOf(folder: string): string[] {
  if (!readdirSync(root).includes(folder)) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .toSorted();
}

function sourceOf(path: string): Source {
  const text = read(path);
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path} can't be parsed: ${errors[0].message}`);
  const visit = (visitor: VisitorObject): void => new Visitor(visitor).visit(program);
  const at = (node: { start: number }): string => `${path}:${text.slice(0, node.start).split("\n").length}`;
  return { path, text, imports: importsOf(path, visit), visit, at };
}

function importsOf(path: string, visit: Source["visit"]): Import[] {
  const imports: Import[] = [];
  const add = (name: unknown, kind: string | undefined): void => {
    if (typeof name !== "string") return;
    const file = name.startsWith(".") ? posix.join(posix.dirname(path), name) : undefined;
    imports.push({ name, file, typeOnly: kind === "type" });
  };
  visit({
    ImportDeclaration: (node) => add(node.source.value, node.importKind),
    ExportNamedDeclaration: (node) => add(node.source?.value, node.exportKind),
    ExportAllDeclaration: (node) => add(node.source.value, node.exportKind),
    ImportExpression: (node) => add("value" in node.source && node.source.value, undefined),
    TSImportType: (node) => add(node.source.value, "type"),
    // `require(…)` and `process.getBuiltinModule(…)`.
    CallExpression({ callee, arguments: [first] }) {
      const called = callee.type === "MemberExpression" ? callee.property : callee;
      const loads = called.type === "Identifier" && /^(require|getBuiltinModule)$/.test(called.name);
      if (loads && first?.type === "Literal") add(first.value, undefined);
    },
  });
  return imports;
}
