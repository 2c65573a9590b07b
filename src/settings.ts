// The options of a workflow, checked once and with every default filled in.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type Clock, systemClock } from "./clock.ts";
import { defaults } from "./defaults.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { InvalidWorkflowError } from "./errors.ts";
import type { Observer } from "./events.ts";
import type { CheckpointPolicy } from "./journal/gatherer.ts";
import { type GuardedStorage, guardStorage } from "./guard.ts";
import { Store } from "./journal/store.ts";
import { refuseUnknown, requireOneOf, requireWhole, show } from "./options.ts";
import { makeSeal, type Seal, type SealOptions } from "./seal.ts";
import { type Serializer, type ValueCodec, valueCodec } from "./serializer.ts";
import type { Storage } from "./storage.ts";
import { StorageMemory } from "./storage-memory.ts";
import type { ClassCodec } from "./values.ts";

/** How values become bytes: the same for a workflow and for whoever looks at its checkpoints. */
export interface CodecOptions extends SealOptions {
  /** Classes of your own whose instances steps give. @default none */
  classes?: readonly ClassCodec[];
  /** Replaces the built-in serializer for the values of steps. @default JSON, with a form for everything listed in docs/concepts.md */
  serializer?: Serializer;
}

/** When gathered records are written: as soon as any of these is met. */
export interface CheckpointOptions {
  /** After this many records. @default no such limit */
  everySteps?: number;
  /** This long after the first record that was held back, also while a long step runs. @default no such limit */
  everySeconds?: number;
  /** After each of these tasks, by id. @default none */
  afterTasks?: readonly string[];
}

/** Which runs are removed when a run ends. Whole runs, never one whose records another run uses, never the one that just ended in failure. */
export interface RetentionOptions {
  /** How many runs are kept, the newest first. @default all */
  maxRuns?: number;
  /** How long a run is kept after it began. @default for ever */
  maxAge?: Duration;
  /** `"delete"` removes a run as soon as it has completed: its result stays readable, a resume begins anew. @default "keep" */
  onSuccess?: "keep" | "delete";
}

export interface DotFlowOptions extends CodecOptions {
  /** Under which the runs are found again: keep it the same from start to start. @default WORKFLOW_ID of the environment, else a random one */
  workflowId?: string;
  /** Where checkpoints live. @default the memory of this process */
  storage?: Storage;
  /** Who drives the run, for people. @default the host name */
  name?: string;
  retention?: RetentionOptions;
  /**
   * Gathers the records of steps, iterations and items, and writes them as one object when any of its conditions is met, and
   * always when the run ends, whatever its end. Fewer writes; but a crash repeats what was not written yet.
   *
   * @default every record is written at once
   */
  checkpoint?: CheckpointOptions;
  /**
   * How long a run stays with its process after that process was last heard of.
   *
   * Too short, and a busy process loses its run while it still works; too long, and a crashed run on another machine waits
   * that long for its successor. Keep it well above the longest time that a step blocks the event loop.
   *
   * @default "30s"
   */
  lease?: Duration;
  /** Receive the events of every run. They can't change it. @default none */
  observers?: readonly Observer[];
  /** Reads time; for tests, see `manualClock` of `dotflow/testing`. @default the clock of this machine */
  clock?: Clock;
}

export interface Retention {
  readonly maxRuns: number;
  readonly maxAge: number;
  readonly deleteOnSuccess: boolean;
}

export interface Settings {
  readonly workflowId: string;
  /** Whether nobody chose the id, so that no later process can find its runs. */
  readonly hasRandomId: boolean;
  readonly name: string;
  /** Whether somebody chose the storage. */
  readonly hasOwnStorage: boolean;
  readonly storage: GuardedStorage;
  readonly store: Store;
  readonly codec: ValueCodec;
  readonly seal: Seal;
  readonly retention: Retention | undefined;
  readonly policy: CheckpointPolicy | undefined;
  readonly lease: number;
  readonly observers: Observer[];
  readonly clock: Clock;
}

const codecOptionNames = ["classes", "serializer", "secret", "encryptionKey", "compression"];
const optionNames = [
  "workflowId",
  "storage",
  "name",
  "retention",
  "checkpoint",
  "lease",
  "observers",
  "clock",
  ...codecOptionNames,
];

export function resolveSettings(options: DotFlowOptions): Settings {
  refuseUnknown(options, optionNames, "new DotFlow");
  const { clock = systemClock, name = hostname() } = options;
  const chosenId = options.workflowId ?? process.env["WORKFLOW_ID"];
  const workflowId = checkWorkflowId(chosenId ?? randomUUID());
  const lease = toMilliseconds(options.lease ?? defaults.lease, "The option lease");
  if (lease < 100)
    throw new InvalidWorkflowError(
      `The option lease is ${lease} ms. It must be at least 100 ms: it has to be renewed in that time.`,
    );
  const shared = { storage: options.storage ?? new StorageMemory(), clock, ...pickCodec(options) };
  return {
    workflowId,
    hasRandomId: chosenId === undefined,
    name,
    lease,
    hasOwnStorage: options.storage !== undefined,
    observers: checkObservers(options.observers),
    clock,
    retention: resolveRetention(options.retention),
    policy: resolvePolicy(options.checkpoint),
    ...resolveStore(workflowId, shared),
  };
}

/** What another face of the same workflow has of its own. */
export interface WithOptions {
  /** Takes the place of the workflow's storage. */
  storage?: Storage;
  /** The storage where the workflow was given none. */
  defaultStorage?: Storage;
  /** Takes the place of the workflow's id. */
  workflowId?: string;
  /** The id where the workflow was given none. */
  defaultWorkflowId?: string;
  /** Come behind the workflow's own. */
  observers?: readonly Observer[];
}

/** The same settings but for what `options` has. */
export function settingsWith(settings: Settings, options: WithOptions): Settings {
  refuseUnknown(
    options,
    ["storage", "defaultStorage", "workflowId", "defaultWorkflowId", "observers"],
    "workflow.with",
  );
  const { clock, seal, hasOwnStorage } = settings;
  const given = options.storage ?? (hasOwnStorage ? undefined : options.defaultStorage);
  const storage = given ? guardStorage(given, clock, Math.random) : settings.storage;
  const chosenId = options.workflowId ?? (settings.hasRandomId ? options.defaultWorkflowId : undefined);
  const workflowId = chosenId === undefined ? settings.workflowId : checkWorkflowId(chosenId);
  return {
    ...settings,
    workflowId,
    hasRandomId: settings.hasRandomId && chosenId === undefined,
    hasOwnStorage: hasOwnStorage || given !== undefined,
    storage,
    store: new Store(workflowId, storage, seal),
    observers: [...settings.observers, ...checkObservers(options.observers)],
  };
}

/** What is needed to read and write checkpoints, without a workflow. */
export function resolveStore(
  workflowId: string,
  options: CodecOptions & { storage: Storage; clock: Clock },
): Pick<Settings, "storage" | "store" | "codec" | "seal"> {
  const { serializer } = options;
  if (
    serializer !== undefined &&
    (typeof serializer?.encode !== "function" || typeof serializer.decode !== "function")
  ) {
    throw new InvalidWorkflowError("The option serializer needs the functions encode and decode.");
  }
  const storage = guardStorage(options.storage, options.clock, Math.random);
  const seal = makeSeal(options);
  return {
    storage,
    seal,
    store: new Store(workflowId, storage, seal),
    codec: valueCodec(options.classes ?? [], serializer),
  };
}

export function checkWorkflowId(id: unknown): string {
  if (typeof id !== "string" || id === "") {
    throw new InvalidWorkflowError(
      `The option workflowId is ${show(id)}. Give a text that is the same at every start: the checkpoints are found by it.`,
    );
  }
  if (/\p{Surrogate}/u.test(id))
    throw new InvalidWorkflowError(`The option workflowId, ${show(id)}, is not well-formed Unicode.`);
  return id;
}

function checkObservers(observers: unknown = []): Observer[] {
  if (!Array.isArray(observers) || observers.some((observer) => typeof observer !== "object" || observer === null)) {
    throw new InvalidWorkflowError("The option observers is a list of objects with onEvent, aroundStep, or both.");
  }
  return [...(observers as Observer[])];
}

function pickCodec({ classes, serializer, secret, encryptionKey, compression }: CodecOptions): CodecOptions {
  return { classes, serializer, secret, encryptionKey, compression };
}

function resolvePolicy(options: CheckpointOptions | undefined): CheckpointPolicy | undefined {
  if (options === undefined) return undefined;
  refuseUnknown(options, ["everySteps", "everySeconds", "afterTasks"], "The option checkpoint");
  const { everySteps, everySeconds, afterTasks = [] } = options;
  requireWhole(everySteps, 1, "checkpoint.everySteps");
  if (everySeconds !== undefined && !(Number.isFinite(everySeconds) && everySeconds > 0))
    throw new InvalidWorkflowError(
      `checkpoint.everySeconds is ${show(everySeconds)}. It must be a number of seconds above 0.`,
    );
  if (!Array.isArray(afterTasks) || afterTasks.some((id) => typeof id !== "string"))
    throw new InvalidWorkflowError("checkpoint.afterTasks must be a list of ids of tasks.");
  if (everySteps === undefined && everySeconds === undefined && afterTasks.length === 0)
    throw new InvalidWorkflowError(
      "The option checkpoint needs everySteps, everySeconds, afterTasks, or several of them.",
    );
  return {
    everySteps: everySteps ?? Infinity,
    every: everySeconds === undefined ? Infinity : everySeconds * 1_000,
    afterTasks: new Set(afterTasks),
  };
}

function resolveRetention(options: RetentionOptions | undefined): Retention | undefined {
  if (options === undefined) return undefined;
  refuseUnknown(options, ["maxRuns", "maxAge", "onSuccess"], "The option retention");
  requireWhole(options.maxRuns, 1, "retention.maxRuns");
  requireOneOf(options.onSuccess, ["keep", "delete"], "retention.onSuccess");
  return {
    maxRuns: options.maxRuns ?? Infinity,
    maxAge: options.maxAge === undefined ? Infinity : toMilliseconds(options.maxAge, "retention.maxAge"),
    deleteOnSuccess: options.onSuccess === "delete",
  };
}
