// What the bytes of a write are, read from their first line without the engine: the tests must not trust what they test.

export interface Written {
  /** `lease`, `run`, `end` or `step`. */
  readonly kind: string;
  /** The task that a record of a step belongs to; empty for the others. */
  readonly task: string;
  /** How a run or a step ended; empty for the others. */
  readonly status: string;
  /** Whether all bytes are there that the header announces. */
  readonly whole: boolean;
}

/** Gives `undefined` for bytes that dotflow did not write, or that end within their first line. */
export function writtenIn(bytes: Uint8Array): Written | undefined {
  const end = bytes.indexOf(10);
  const header = end < 0 ? undefined : parse(Buffer.from(bytes.subarray(0, end)).toString("utf8"));
  if (typeof header?.["kind"] !== "string") return undefined;
  const { kind, task, status, size } = header;
  return { kind, task: textOf(task), status: textOf(status), whole: bytes.length - end - 1 >= Number(size) };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(line);
    return typeof header === "object" && header !== null ? (header as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
