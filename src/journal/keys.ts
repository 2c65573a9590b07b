// Where everything lies. Every part of a key is encoded so that no name can leave its place, collide with another one,
// or depend on the file system heeding case.
import { hash } from "node:crypto";
import { limits } from "../defaults.ts";

/** Behind the key of a lease. */
const cancelEnding = ".cancel";

const plain = /^[a-z0-9_-][a-z0-9._-]*$/;
/** Names that Windows keeps for devices, with any ending. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * Encodes one part of a key into `a–z 0–9 - _ . =`.
 *
 * `=x` stands for the capital X, `=047` for the byte 47 of the UTF-8 form, `=` alone for the empty text, and a long part
 * ends with `==` and a hash of the whole.
 */
export function encodePart(part: string): string {
  if (part.length <= limits.keyPart && plain.test(part) && !part.endsWith(".") && !reserved.test(part)) return part;
  if (part === "") return "=";
  let encoded = part.replace(/^\.|[^a-z0-9._-]/gu, (character) =>
    /[A-Z]/.test(character) ? `=${character.toLowerCase()}` : escapeBytes(character),
  );
  if (encoded.endsWith(".")) encoded = encoded.slice(0, -1) + escapeBytes(".");
  if (reserved.test(encoded)) encoded = escapeBytes(encoded.charAt(0)) + encoded.slice(1);
  if (encoded.length <= limits.keyPart) return encoded;
  const digest = hash("sha256", part).slice(0, 40);
  return `${encoded.slice(0, limits.keyPart - digest.length - 2)}==${digest}`;
}

/** Gives the name that `encodePart` encoded, or `undefined` for one that was shortened. */
export function decodePart(encoded: string): string | undefined {
  if (encoded.includes("==")) return undefined;
  if (!encoded.includes("=")) return encoded;
  const bytes: number[] = [];
  for (const [piece, letter, byte] of encoded.matchAll(/=([a-z])|=(\d{3})|[^=]/g)) {
    if (byte !== undefined) bytes.push(Number(byte));
    else bytes.push((letter?.toUpperCase() ?? piece).charCodeAt(0));
  }
  return Buffer.from(bytes).toString("utf8");
}

function escapeBytes(character: string): string {
  const code = character.charCodeAt(0);
  let escaped = "";
  for (const byte of code < 128 ? [code] : Buffer.from(character)) escaped += `=${String(byte).padStart(3, "0")}`;
  return escaped;
}

/** The keys of one workflow. */
export class Keys {
  readonly workflow: string;
  readonly leases: string;
  readonly runs: string;
  readonly snapshots: string;

  constructor(workflowId: string) {
    this.workflow = `${encodePart(workflowId)}/`;
    this.leases = `${this.workflow}leases/`;
    this.runs = `${this.workflow}runs/`;
    this.snapshots = `${this.workflow}snapshots/`;
  }

  lease(generation: number): string {
    return this.leases + String(generation).padStart(8, "0");
  }

  /** The request that the owner of a generation end its run. */
  cancel(generation: number): string {
    return this.lease(generation) + cancelEnding;
  }

  runFolder(runId: string): string {
    return `${this.runs}${encodePart(runId)}/`;
  }

  /** The run in whose folder a key lies. */
  runOf(key: string): string {
    return decodePart(key.slice(this.runs.length).split("/")[0] ?? "") ?? "";
  }

  run(runId: string): string {
    return `${this.runFolder(runId)}run`;
  }

  plan(runId: string, generation: number): string {
    return `${this.runFolder(runId)}plans/${String(generation).padStart(8, "0")}`;
  }

  ends(runId: string): string {
    return `${this.runFolder(runId)}ends/`;
  }

  end(runId: string, generation: number): string {
    return this.ends(runId) + String(generation).padStart(8, "0");
  }

  steps(runId: string): string {
    return `${this.runFolder(runId)}steps/`;
  }

  /** What all tasks of a run save on their way. */
  allParts(runId: string): string {
    return `${this.runFolder(runId)}parts/`;
  }

  /** What a task saves on its way, before it is done. */
  parts(runId: string, taskId: string): string {
    return `${this.allParts(runId)}${encodePart(taskId)}/`;
  }

  iteration(runId: string, taskId: string, number: number): string {
    return this.parts(runId, taskId) + iterationName(number);
  }

  /** Signals of a name, in the order in which they were sent. */
  signals(runId: string, name: string): string {
    return `${this.runFolder(runId)}signals/${encodePart(name)}/`;
  }

  /** Which signals were taken, and by whom. */
  taken(runId: string, name: string): string {
    return `${this.runFolder(runId)}taken/${encodePart(name)}/`;
  }

  /** Records that were written together. */
  batches(runId: string): string {
    return `${this.runFolder(runId)}batches/`;
  }

  batch(runId: string, generation: number, number: number): string {
    const [owner, place] = [generation, number].map((part) => String(part).padStart(8, "0"));
    return `${this.batches(runId)}${owner}-${place}`;
  }

  step(runId: string, taskId: string): string {
    return this.steps(runId) + encodePart(taskId);
  }
}

/** The generation whose owner is asked to end its run; 0 for the key of anything else. */
export function cancelledGeneration(key: string): number {
  return key.endsWith(cancelEnding) ? generationOf(key.slice(0, -cancelEnding.length)) : 0;
}

/** The last part of the key of an iteration. */
export function iterationName(number: number): string {
  return `iterations/${String(number).padStart(8, "0")}`;
}

/** The generation in the key of a lease, a plan or an end; 0 for what somebody else put beside them. */
export function generationOf(key: string): number {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return /^\d{8,}$/.test(name) ? Number(name) : 0;
}
