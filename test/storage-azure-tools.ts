// What the tests of StorageAzure share: calls by name, all that an error shows, SAS tokens, programs in processes of their own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { type ContainerClient, ContainerSASPermissions } from "@azure/storage-blob";
import type { Storage } from "dotflow";
import { keysOf } from "./storages.ts";

export const verbs = ["get", "put", "create", "list", "delete"] as const;
export type Verb = (typeof verbs)[number];

/** A key that no account has. */
export const secret = "dGhlIHNlY3JldCBrZXkgb2YgYSB0ZXN0";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

/** The endpoint of the account that a container is in. */
export const endpointOf = ({ url }: ContainerClient): string => new URL("..", `${url}/`).href;

export async function sasToken(
  container: ContainerClient,
  permissions: string,
  milliseconds = 3_600_000,
): Promise<string> {
  const expiresOn = new Date(Date.now() + milliseconds);
  const url = await container.generateSasUrl({ permissions: ContainerSASPermissions.parse(permissions), expiresOn });
  return new URL(url).search.slice(1);
}

export async function call(storage: Storage, verb: Verb): Promise<unknown> {
  if (verb === "list") return keysOf(storage, "job/");
  if (verb === "put" || verb === "create") return storage[verb]("job/a", bytes("x"));
  return storage[verb]("job/a");
}

export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}

export function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => new Error("It was not rejected."),
    (error: unknown) => error,
  );
}

/** All that a log could show of an error. */
export function everythingIn(error: unknown): string {
  return [inspect(error, { depth: 12 }), JSON.stringify(error), (error as Error).stack].join("\n");
}

/** Runs a module in a process of its own, and gives what it printed once it has ended by itself. */
export async function runNode(
  code: string,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const without = fileURLToPath(new URL("children/without-packages.mjs", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", "--import", without, "--input-type=module", "-e", code], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (output += part.toString()));
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { code: exitCode, output };
}
