// From what users hand to `task.add` to single steps: actions, lists, instances of classes, texts that name an export.
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import callsites from "callsites";
import { type ActionDefinition, definitionOf, plainDefinition } from "./action.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { show } from "./options.ts";
import { type SubWorkflow, subWorkflowOf } from "./sub-workflow.ts";

export interface StepSource {
  readonly name: string;
  /** Set where one `id` option has to serve several tasks. */
  readonly id: string | undefined;
  /** What `this` is when the step is called. */
  readonly self: unknown;
  /** A method of an instance follows the one before it. */
  readonly followsOneBefore: boolean;
  /** Whether the step is a workflow. */
  readonly isWorkflow?: true;
  /** Gives the action, loading its module where a text named it. */
  readonly load: () => Promise<ActionDefinition>;
}

export function expandStep(step: unknown, id: string | undefined): StepSource[] {
  if (Array.isArray(step)) return expandList(step, id);
  if (typeof step === "string") return [fromText(step)];
  const definition = definitionOf(step);
  if (definition) return [fromAction(definition)];
  if (typeof step === "function") {
    throw new InvalidWorkflowError(`${show(step)} is not an action. Wrap it: action(${step.name || "fn"}).`);
  }
  if (typeof step === "object" && step !== null) {
    const workflow = subWorkflowOf(step);
    return workflow ? [fromWorkflow(workflow, id)] : fromInstance(step, id);
  }
  throw new InvalidWorkflowError(
    `A task can't be made of ${show(step)}. Give an action, a list of actions, an instance of a class with @action methods, or a text such as "./steps.js#transform".`,
  );
}

function expandList(steps: readonly unknown[], id: string | undefined): StepSource[] {
  if (steps.length === 0) throw new InvalidWorkflowError("task.add was given an empty list.");
  if (id !== undefined && steps.length > 1)
    throw new InvalidWorkflowError(
      `One id, "${id}", can't serve ${steps.length} tasks. Add them one by one, or leave the ids to their names.`,
    );
  return steps.flatMap((step) => expandStep(step, undefined));
}

function fromAction(definition: ActionDefinition): StepSource {
  return {
    name: definition.name,
    id: undefined,
    self: undefined,
    followsOneBefore: false,
    load: async () => definition,
  };
}

/** A workflow runs as a step: what the engine does with it stands in `StepContext.runWorkflow`. */
function fromWorkflow(workflow: SubWorkflow, id: string | undefined): StepSource {
  if (workflow.hasRandomId && id === undefined)
    throw new InvalidWorkflowError(
      "A workflow without a workflowId can't be a task: no resume would know it again. Give it one, new DotFlow({ workflowId }), or give the task an id.",
    );
  const definition: ActionDefinition = {
    ...plainDefinition(workflow.hasRandomId ? (id ?? "") : workflow.workflowId),
    call: (_self, previous, step) => step.runWorkflow(workflow, previous.storage),
  };
  return { ...fromAction(definition), isWorkflow: true };
}

/** Every method that is an action, inherited ones first; one that a subclass replaces keeps its place. */
function fromInstance(instance: object, id: string | undefined): StepSource[] {
  const className = instance.constructor?.name || "Object";
  const names = new Set<PropertyKey>();
  for (const prototype of prototypesOf(instance)) for (const name of Reflect.ownKeys(prototype)) names.add(name);
  const sources: StepSource[] = [];
  for (const name of names) {
    const definition = name === "constructor" ? undefined : definitionOf(methodOf(instance, name));
    if (!definition) continue;
    const { name: actionName } = definition;
    sources.push({
      name: `${className}.${actionName || String(name)}`,
      id: id === undefined ? undefined : `${id}.${actionName || String(name)}`,
      self: instance,
      followsOneBefore: sources.length > 0,
      load: async () => definition,
    });
  }
  if (sources.length > 0) return sources;
  throw new InvalidWorkflowError(
    `The instance of ${className} has no method with @action, so there is nothing to add.`,
  );
}

/** The prototypes of an instance, the most distant first, without that of Object. */
function prototypesOf(instance: object): object[] {
  const prototypes: object[] = [];
  for (let at = prototypeOf(instance); at && prototypeOf(at); at = prototypeOf(at)) prototypes.unshift(at);
  return prototypes;
}

function prototypeOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

/** Looks without calling getters, which may do anything. */
function methodOf(instance: object, name: PropertyKey): unknown {
  for (const prototype of prototypesOf(instance).reverse()) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor) return descriptor.value;
  }
  return undefined;
}

function fromText(text: string): StepSource {
  const hash = text.lastIndexOf("#");
  const [module, name] = [text.slice(0, hash), text.slice(hash + 1)];
  if (hash < 1 || name === "")
    throw new InvalidWorkflowError(
      `The step ${show(text)} names no export. Write "./steps.js#transform": a path or file URL, then # and the name of an exported action.`,
    );
  const url = urlOf(module);
  return { name, id: undefined, self: undefined, followsOneBefore: false, load: () => loadExport(url, name, text) };
}

function urlOf(module: string): string {
  if (module.startsWith("file:")) return module;
  return pathToFileURL(isAbsolute(module) ? module : resolve(callerFolder(), module)).href;
}

/** The folder of the file that called into this package. */
function callerFolder(): string {
  const own = dirname(fileURLToPath(import.meta.url));
  for (const site of callsites()) {
    const file = site.getFileName();
    if (!file || file.startsWith("node:")) continue;
    const path = file.startsWith("file:") ? fileURLToPath(file) : file;
    if (isAbsolute(path) && dirname(path) !== own) return dirname(path);
  }
  return process.cwd();
}

async function loadExport(url: string, name: string, text: string): Promise<ActionDefinition> {
  let module: Record<string, unknown>;
  try {
    module = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw new InvalidWorkflowError(
      `The step ${show(text)} can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const definition = definitionOf(module[name]);
  if (definition) return definition;
  const what =
    name in module
      ? "is not an action: wrap it with action(…)"
      : `is not exported: the module has ${Object.keys(module).join(", ") || "no exports"}`;
  throw new InvalidWorkflowError(`The step ${show(text)} can't be used: "${name}" ${what}.`);
}
