// Where the command writes: stdout for what was asked for, stderr for what went wrong, colours and motion only where they are seen.
import { styleText } from "node:util";
import { errorFacts, plainText } from "../providers/shared/plain-text.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan" | "magenta";

type Out = NodeJS.WriteStream;

export class Terminal {
  readonly #out: Out;
  readonly #err: Out;
  /** As they were before the steps' own output was kept apart from ours. */
  readonly #writeOut: (text: string, written?: () => void) => boolean;
  readonly #writeErr: (text: string, written?: () => void) => boolean;
  /** Whether stdout is a terminal in which lines can be drawn anew. */
  readonly isLive: boolean;
  readonly #colours: boolean;
  #isClosed = false;
  #isFinishing = false;

  constructor(out: Out, err: Out, env: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#err = err;
    this.#writeOut = out.write.bind(out);
    this.#writeErr = err.write.bind(err);
    // A reader that is gone, or a terminal that was closed, must not end a run.
    for (const stream of [out, err]) stream.on("error", () => (this.#isClosed = true));
    this.isLive = out.isTTY && env["TERM"] !== "dumb";
    this.#colours = this.isLive && !env["NO_COLOR"];
  }

  /** Whether nobody reads stdout any more, as behind `| head`. A run goes on all the same. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the command has ended, and only what it wrote has still to arrive. */
  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  get columns(): number {
    return this.#out.columns || 80;
  }

  get rows(): number {
    return this.#out.rows || 24;
  }

  /** Colours a text where colours are wanted: on a terminal, and without `NO_COLOR`. */
  style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text) : text;
  }

  /** A text of somebody else with the codes made visible that would move the cursor, ring or recolour. Lines and tabs stay. */
  safe(text: string): string {
    return text.replace(/[^\n\t]+/g, plainText);
  }

  /** The same on one line. */
  line(text: string): string {
    return plainText(text.replace(/\s*\r?\n\s*|\t/g, " "));
  }

  print(text = ""): void {
    this.#writeOut(`${text}\n`);
  }

  /** Bytes as they are, and codes that move the cursor. */
  write(text: string): void {
    this.#writeOut(text);
  }

  complain(text: string): void {
    this.#writeErr(`${text}\n`);
  }

  /** One line of JSON. */
  json(value: unknown): void {
    this.#writeOut(`${JSON.stringify(value, jsonValue)}\n`);
  }

  /** Sends what the program writes to stdout itself, such as `console.log` in a step, through `write`. Gives what undoes it. */
  divert(write: (text: string | Uint8Array) => void): () => void {
    return diverted(this.#out, write);
  }

  /** The same for stderr. */
  divertErrors(write: (text: string | Uint8Array) => void): () => void {
    return diverted(this.#err, write);
  }

  /** Keeps stdout for ours: from now on what the program writes there itself goes to stderr. */
  keepOut(): void {
    this.divert((text) => this.#writeErr(typeof text === "string" ? text : Buffer.from(text).toString()));
  }

  /** Ends the process once everything is written, whatever connections the user's file has left open. */
  async finish(code: number | string | undefined | null): Promise<never> {
    this.#isFinishing = true;
    const writes = [this.#writeOut, this.#writeErr];
    await Promise.all(writes.map((write) => new Promise<void>((resolve) => write("", () => resolve()))));
    process.exit(code ?? 0);
  }
}

function diverted(stream: Out, write: (text: string | Uint8Array) => void): () => void {
  // Where it was not diverted before, it is that of the stream's class.
  const before = Object.getOwnPropertyDescriptor(stream, "write");
  stream.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    write(chunk);
    const done = rest.at(-1);
    if (typeof done === "function") queueMicrotask(() => (done as () => void)());
    return true;
  };
  return () => {
    if (before) Object.defineProperty(stream, "write", before);
    else Reflect.deleteProperty(stream, "write");
  };
}

/** Values that JSON has none for, in a form that can be read. */
function jsonValue(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof RegExp) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Error) return errorFacts(value);
  // `toJSON` of a Buffer has been called by now.
  const holder = (this as Record<string, unknown> | undefined)?.[key];
  return Buffer.isBuffer(holder) ? holder.toString("base64") : value;
}
