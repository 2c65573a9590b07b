// From a file to the workflow that it exports, over the storage that the command line asks for.
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, extname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { definitionOf } from "../src/action.ts";
import type { DotFlow, Observer } from "../src/index.ts";
import { show } from "../src/options.ts";
import { UsageError } from "./exit.ts";
import type { FileFlags } from "./file-options.ts";
import { addHint } from "./hints.ts";
import { shellLine } from "./shell.ts";
import { chosenAddress, defaultAddress, listed, openAddress } from "./storage.ts";
import { suggest } from "./suggest.ts";
import { enableTypeScript } from "./typescript.ts";

export interface LoadedWorkflow {
  readonly workflow: DotFlow;
  /** The part of the command line that leads to the same workflow and storage again. */
  readonly again: readonly string[];
  /** The same, where only its id is needed. */
  readonly storageAgain: readonly string[];
}

export async function loadWorkflow(
  file: string,
  flags: FileFlags,
  observers: readonly Observer[] = [],
): Promise<LoadedWorkflow> {
  const path = resolve(file);
  const entry = statSync(path, { throwIfNoEntry: false });
  if (!entry) throw new UsageError(`There is no file ${file}. Give the file that exports the workflow.`);
  if (entry.isDirectory()) throw new UsageError(`${file} is a folder. Give the file that exports the workflow.`);
  const compiler = await enableTypeScript(path);
  const exported = await importFile(path).catch((error: unknown) => {
    throw unloadable(error, file, compiler === "node" && path.endsWith("ts"));
  });
  const found = await choose(exportsOf(exported), file, flags.workflow);
  const chosen = flags.storage ?? undefined;
  const workflow = found.with({
    ...(chosen === undefined
      ? { defaultStorage: await openAddress(chosenAddress({}) ?? defaultAddress) }
      : { storage: await openAddress(chosen) }),
    ...(flags.id !== undefined && { workflowId: flags.id }),
    defaultWorkflowId: basename(path, extname(path)),
    observers,
  });
  const storageAgain = chosen === undefined ? [] : ["--storage", printableAddress(chosen)];
  return {
    workflow,
    storageAgain,
    again: [
      relative(process.cwd(), path) || file,
      ...(flags.workflow === undefined ? [] : ["--workflow", flags.workflow]),
      ...(flags.id === undefined ? [] : ["--id", flags.id]),
      ...storageAgain,
    ],
  };
}

/** What stands in a hint that others may see on the screen: no password. */
function printableAddress(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*:)[^@/]*@/i, "$1…@");
}

/** CommonJS that tsx has to compile is asked for in its own way: imported, it could not require this package. */
async function importFile(path: string): Promise<Record<string, unknown>> {
  if (!path.endsWith(".cts")) return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const exported: unknown = createRequire(path)(path);
  return typeof exported === "object" && exported !== null && !isWorkflow(exported)
    ? (exported as Record<string, unknown>)
    : { default: exported };
}

/** What the file threw, with the file named: the error itself often tells of none. */
function unloadable(thrown: unknown, file: string, isByNode: boolean): unknown {
  const error = thrown instanceof Error ? thrown : new Error(`${file} threw ${show(thrown)}`);
  const { code } = error as { code?: unknown };
  const isSyntax = error instanceof SyntaxError || String(code).endsWith("TYPESCRIPT_SYNTAX");
  return addHint(error, `It came while ${file} was loaded.${isSyntax ? cureOf(file, isByNode) : ""}`);
}

/** Node keeps the place of a syntax error to itself, and by itself takes types away and nothing else. */
function cureOf(file: string, isByNode: boolean): string {
  if (isByNode)
    return " Without tsx, Node reads TypeScript that has no decorators, enums or parameter properties. Install it: npm install --save-dev tsx";
  return file.endsWith("js")
    ? ` Where it is in this file, this shows the place: ${shellLine(["node", "--check", file])}`
    : "";
}

interface Export {
  readonly name: string;
  readonly value: unknown;
}

/** The exports, each value once; those of a CommonJS module stand under `default` too. */
function exportsOf(module: Record<string, unknown>): Export[] {
  const inner = module["default"];
  const isWrapped = typeof inner === "object" && inner !== null && "__esModule" in inner;
  const from = isWrapped ? (inner as Record<string, unknown>) : module;
  const names = Object.keys(from).filter((name) => name !== "module.exports" && name !== "__esModule");
  names.sort((a, b) => Number(b === "default") - Number(a === "default"));
  const seen = new Set<unknown>();
  return names.flatMap((name) => {
    const value = from[name];
    if (seen.has(value)) return [];
    seen.add(value);
    return [{ name, value }];
  });
}

async function choose(all: readonly Export[], file: string, asked: string | undefined): Promise<DotFlow> {
  const workflows = all.filter(({ value }) => isWorkflow(value));
  const makers = all.filter(({ value }) => isMaker(value));
  if (asked !== undefined) {
    const found =
      [...workflows, ...makers].find(({ name }) => name === asked) ??
      workflows.find(({ value }) => (value as DotFlow).workflowId === asked);
    if (found) return made(found, file);
    const names = [...workflows, ...makers].map(({ name }) => name);
    throw new UsageError(
      `${file} exports no workflow "${asked}".${suggest(asked, names) || (names.length > 0 ? ` It exports ${listed(names)}.` : "")}`,
    );
  }
  const candidates = workflows.length > 0 ? workflows : makers;
  const [first] = candidates;
  if (first && (candidates.length === 1 || first.name === "default")) return made(first, file);
  if (first)
    throw new UsageError(
      `${file} exports several workflows: ${listed(candidates.map(({ name }) => name))}. Choose one with --workflow.`,
    );
  throw new UsageError(
    `${file} exports no workflow. Export a DotFlow, such as \`export default workflow\`, or a function that returns one.`,
  );
}

async function made({ name, value }: Export, file: string): Promise<DotFlow> {
  if (isWorkflow(value)) return value;
  const given: unknown = await (value as () => unknown)();
  if (isWorkflow(given)) return given;
  throw new UsageError(`The function ${name} of ${file} returned no workflow. It has to return a DotFlow.`);
}

/** By its members, as the file may have loaded another copy of the package. */
function isWorkflow(value: unknown): value is DotFlow {
  if (typeof value !== "object" || value === null) return false;
  const { workflowId, start, task, with: other } = value as Partial<DotFlow>;
  return (
    typeof workflowId === "string" &&
    typeof start === "function" &&
    typeof task === "object" &&
    typeof other === "function"
  );
}

/** A function that may give a workflow: no class, and no step, which must not be called here. */
function isMaker(value: unknown): boolean {
  if (typeof value !== "function" || value.length > 0 || definitionOf(value)) return false;
  return !/^class\b/.test(Function.prototype.toString.call(value));
}
