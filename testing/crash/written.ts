// What the bytes of a write are, read from their first line without the engine: the tests must not trust what they test.

export interface Written {
  /** `lease`, `run`, `end`, `step`, `part`, `batch`, `signal` or `snapshot`. */
  readonly kind: string;
  /** The task that a record of a step belongs to; empty for the others. */
  readonly task: string;
  /** How a run or a step ended; empty for the others. */
  readonly status: string;
  /** How its value is encoded; empty where it has none. */
  readonly form: string;
  /** The workflow of a run; empty for the others. */
  readonly workflow: string;
  /** Whether all bytes are there that the header announces. */
  readonly whole: boolean;
  /** The records that were gathered in a batch; `undefined` where it is encrypted or compressed. Empty for the others. */
  readonly gathered: readonly GatheredRecord[] | undefined;
}

/** A record within a batch, with the key that it would have alone. */
export interface GatheredRecord extends Pick<Written, "kind" | "task" | "status" | "form"> {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** Gives `undefined` for bytes that dotflow did not write, or that end within their first line. */
export function writtenIn(bytes: Uint8Array): Written | undefined {
  const end = bytes.indexOf(newline);
  const header = end < 0 ? undefined : (parse(textAt(bytes, 0, end)) as Record<string, unknown> | undefined);
  if (typeof header?.["kind"] !== "string") return undefined;
  const { kind, size } = header;
  const whole = bytes.length - end - 1 >= Number(size);
  const isPlain = header["encryption"] === undefined && header["compression"] === undefined;
  const gathered = kind !== "batch" || !whole ? [] : isPlain ? recordsIn(bytes.subarray(end + 1)) : undefined;
  return { kind, ...factsOf(header), workflow: textOf(header["workflow"]), whole, gathered };
}

const newline = 10;

type Entry = readonly [key: string, kind: string, writer: string, facts: Record<string, unknown>, size: number];

/** A line that lists the records, then their bytes. */
function recordsIn(payload: Uint8Array): GatheredRecord[] {
  const end = payload.indexOf(newline);
  const entries = parse(textAt(payload, 0, end)) as Entry[] | undefined;
  if (!Array.isArray(entries)) return [];
  let at = end + 1;
  return entries.map(([key, kind, , facts, size]) => {
    const bytes = payload.slice(at, (at += size));
    return { key, kind, ...factsOf(facts), bytes };
  });
}

function factsOf({ task, status, form }: Record<string, unknown>): Pick<Written, "task" | "status" | "form"> {
  return { task: textOf(task), status: textOf(status), form: textOf(form) };
}

function parse(line: string): object | undefined {
  try {
    const found: unknown = JSON.parse(line);
    return typeof found === "object" && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

function textAt(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString("utf8");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
