// Which storage a command works on, and the secrets for it: from flags and the environment, never secrets as flags.
import { type Command, Option } from "commander";
import type { Checkpoints, Storage } from "../src/index.ts";
import { UsageError } from "./exit.ts";

export interface StorageFlags {
  readonly storage?: string;
  readonly secretEnv?: string;
}

export const defaultAddress = "file:.dotflow";

const secretVariable = "DOTFLOW_SECRET";
const keyVariable = "DOTFLOW_ENCRYPTION_KEY";

/** Adds `--storage`. */
export function storageOption(command: Command): Command {
  return command.option(
    "--storage <url>",
    "file:.dotflow, sqlite:etl.db, s3://bucket/prefix, gs://…, az://…, postgres://…, redis://…",
  );
}

/** Adds `--storage` and what reads signed records. Encrypted ones need the key in DOTFLOW_ENCRYPTION_KEY. */
export function storageOptions(command: Command): Command {
  return storageOption(command).addOption(
    new Option("--secret-env <name>", `the environment variable that has the secret (default: ${secretVariable})`),
  );
}

/** What `--storage` says, else the environment; `undefined` where neither does. */
export function chosenAddress({ storage }: StorageFlags): string | undefined {
  return storage ?? (process.env["DOTFLOW_STORAGE"] || undefined);
}

export async function openAddress(address: string): Promise<Storage> {
  const { openStorage } = await import("../providers/storage/open.ts");
  try {
    return openStorage(address);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** The checkpoints of a workflow, without its file. */
export async function openCheckpoints(workflowId: string, flags: StorageFlags): Promise<Checkpoints> {
  const { Checkpoints } = await import("../src/index.ts");
  const storage = await openAddress(chosenAddress(flags) ?? defaultAddress);
  return new Checkpoints(storage, { workflowId, ...secrets(flags) });
}

/**
 * The checkpoints of a workflow that is there. Of one that is not, the error names those that are.
 */
export async function openSaved(workflowId: string, flags: StorageFlags): Promise<Checkpoints> {
  const checkpoints = await openCheckpoints(workflowId, flags);
  if ((await checkpoints.info()).exists) return checkpoints;
  const { suggest } = await import("./suggest.ts");
  const known = (await checkpoints.workflows()).map((workflow) => workflow.workflowId);
  const has =
    known.length === 0 ? "It holds no workflows." : suggest(workflowId, known) || ` It holds ${listed(known)}.`;
  throw new UsageError(
    `There is no run of workflow "${workflowId}" in ${describeStorage(flags)}.${has.startsWith(" ") ? "" : " "}${has}`,
  );
}

/** The storage as it may be printed: an address can hold a password. */
export function describeStorage(flags: StorageFlags): string {
  const address = chosenAddress(flags) ?? defaultAddress;
  return /^(file|sqlite|memory|s3|gs|az):/i.test(address) ? `the storage ${address}` : "this storage";
}

export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `"${name}"`);
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}

function secrets({ secretEnv }: StorageFlags): { secret?: string; encryptionKey?: string } {
  const secret = process.env[secretEnv ?? secretVariable];
  if (secretEnv !== undefined && !secret)
    throw new UsageError(`The environment variable ${secretEnv}, which --secret-env names, is not set.`);
  const encryptionKey = process.env[keyVariable];
  return { ...(secret && { secret }), ...(encryptionKey && { encryptionKey }) };
}
