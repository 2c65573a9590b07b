// One file that holds a run: a line that says what it is, the objects, and a checksum over all of it.
import { hash } from "node:crypto";
import { CorruptCheckpointError, UnsupportedFormatError } from "./errors.ts";

const formatVersion = 1;

interface Header {
  readonly dotflowExport: number;
  readonly workflowId: string;
  readonly objects: readonly (readonly [key: string, size: number])[];
}

/** A run as it lies in a storage: its objects by key. */
export interface ExportedRun {
  readonly workflowId: string;
  readonly objects: ReadonlyMap<string, Uint8Array>;
}

export function packRun({ workflowId, objects }: ExportedRun): Uint8Array {
  const header: Header = {
    dotflowExport: formatVersion,
    workflowId,
    objects: [...objects].map(([key, bytes]) => [key, bytes.length]),
  };
  const content = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...objects.values()]);
  return new Uint8Array(Buffer.concat([content, Buffer.from(`\n${hash("sha256", content)}\n`)]));
}

/** Rejects what is no export, is damaged, or was made by a newer dotflow. */
export function unpackRun(file: Uint8Array): ExportedRun {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const end = bytes.indexOf(10);
  const header = parseHeader(bytes.subarray(0, Math.max(0, end)).toString("utf8"));
  const checksumAt = bytes.length - 66;
  const content = bytes.subarray(0, Math.max(0, checksumAt));
  if (bytes.subarray(Math.max(0, checksumAt)).toString("latin1") !== `\n${hash("sha256", content)}\n`) throw damaged();
  const objects = new Map<string, Uint8Array>();
  let at = end + 1;
  for (const [key, size] of header.objects) {
    objects.set(key, new Uint8Array(content.subarray(at, at + size)));
    at += size;
  }
  if (at !== content.length) throw damaged();
  return { workflowId: header.workflowId, objects };
}

function parseHeader(line: string): Header {
  let header: Partial<Header> | null;
  try {
    header = JSON.parse(line) as Partial<Header> | null;
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof header?.dotflowExport !== "number" || !Array.isArray(header.objects)) throw damaged();
  if (header.dotflowExport > formatVersion)
    throw new UnsupportedFormatError(
      `This export has format ${header.dotflowExport}, and this dotflow knows ${formatVersion}. Update dotflow.`,
    );
  return header as Header;
}

function damaged(cause?: unknown): CorruptCheckpointError {
  return new CorruptCheckpointError(
    "This is no export of dotflow, or it was damaged on the way. Nothing was imported; make it again with checkpoints.export().",
    { cause },
  );
}
