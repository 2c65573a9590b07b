// How a driving of a run ended: what the run object can't know and no record says.
import type { StoredRecord } from "../record.ts";

/** An error as text. Its class is gone; it is for people. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
}

export interface EndedTask {
  readonly id: string;
  readonly status: string;
  readonly reason?: string | undefined;
  readonly attempts?: number | undefined;
  /** How many were saved. */
  readonly iterations?: number | undefined;
  readonly error?: ErrorText | undefined;
}

export interface RunEnd {
  readonly status: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** The tasks that have no record: failed, skipped, cancelled, waiting. */
  readonly tasks: readonly EndedTask[];
}

export function encodeEnd(end: RunEnd, writer: string): StoredRecord {
  return {
    kind: "end",
    writer,
    facts: { status: end.status, finishedAt: end.finishedAt },
    payload: Buffer.from(JSON.stringify(end)),
  };
}

export function decodeEnd(record: StoredRecord): RunEnd {
  return JSON.parse(Buffer.from(record.payload).toString("utf8")) as RunEnd;
}

export function errorText(error: Error): ErrorText {
  try {
    const { code } = error as { code?: unknown };
    return { name: error.name, message: error.message, stack: error.stack, ...(typeof code === "string" && { code }) };
  } catch {
    // It is the user's object, and may have been made unreadable since it was thrown.
    return { name: "Error", message: "It can't be read any more." };
  }
}
