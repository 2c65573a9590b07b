// `log()`: an observer that writes one line for every event, for people or as JSON.
import { once } from "node:events";
import { styleText } from "node:util";
import type { Observer, WorkflowEvent } from "../../src/events.ts";
import { fieldsOf, type Level, levelOf, lineOf } from "../shared/event-facts.ts";
import { chosen } from "../shared/observer-options.ts";
import { errorFacts, plainText } from "../shared/plain-text.ts";

/** Where lines go; a stream of Node is one. */
export interface LogStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface LogOptions {
  /**
   * The least that is written. `debug` has every event, `info` what a person wants to follow, `warn` what may need one, `error` what does.
   *
   * @default "info"
   */
  level?: "debug" | "info" | "warn" | "error";
  /** `"pretty"` for people, `"json"` for machines: one object a line. @default "auto": pretty in a terminal, else JSON */
  format?: "auto" | "pretty" | "json";
  /** @default process.stderr, so that what the program itself prints stays clean */
  stream?: LogStream;
}

const order: readonly Level[] = ["debug", "info", "warn", "error"];
const colors = { debug: "gray", info: "green", warn: "yellow", error: "red" } as const;

/**
 * Writes one line for every event, however its texts look: line breaks and escape codes in names and errors are made visible.
 *
 * Colors only in a terminal, and not where `NO_COLOR` is set. A stream that is slower than the run is waited for at the end, for
 * five seconds at most; one that fails does not end the process.
 */
export function log(options: LogOptions = {}): Observer {
  const { level, format, stream } = chosen<Required<LogOptions>>("log", options, {
    level: { oneOf: order, default: "info" },
    format: { oneOf: ["auto", "pretty", "json"], default: "auto" },
    stream: { method: "write", default: process.stderr },
  });
  const isPretty = format === "pretty" || (format === "auto" && stream.isTTY === true);
  const isColored = isPretty && stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  const lineFor = isPretty ? (event: WorkflowEvent): string => prettyLine(event, isColored) : jsonLine;
  const output = new Output(stream);
  return {
    name: "log",
    onEvent(event) {
      if (order.indexOf(levelOf(event)) < order.indexOf(level)) return undefined;
      return output.write(`${lineFor(event)}\n`);
    },
  };
}

/** A stream whose failures stay here, and whose fullness can be waited for. */
class Output {
  readonly #stream: LogStream;
  #drained: Promise<unknown> | undefined;

  constructor(stream: LogStream) {
    this.#stream = stream;
    // Without a listener the error of a broken pipe ends the process, and the run with it.
    if (isEmitter(stream) && !guarded.has(stream)) {
      guarded.add(stream);
      stream.on("error", () => {});
    }
  }

  /** Gives a promise where the stream asks to be waited for. */
  write(text: string): Promise<unknown> | undefined {
    if (this.#stream.write(text) !== false || !isEmitter(this.#stream)) return undefined;
    this.#drained ??= once(this.#stream, "drain").finally(() => (this.#drained = undefined));
    return this.#drained;
  }
}

const guarded = new WeakSet<object>();

function isEmitter(stream: object): stream is NodeJS.EventEmitter {
  return "on" in stream && typeof stream.on === "function";
}

function prettyLine(event: WorkflowEvent, isColored: boolean): string {
  const level = levelOf(event);
  const time = event.time.toTimeString().slice(0, 8);
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    isColored ? styleText(style, text, { validateStream: false }) : text;
  const workflow = plainText(event.workflowId);
  return `${paint("gray", time)} ${paint(colors[level], level.toUpperCase().padEnd(5))} ${paint("cyan", workflow)} ${lineOf(event)}`;
}

function jsonLine(event: WorkflowEvent): string {
  const fields = fieldsOf(event);
  if ("error" in fields) fields["error"] = errorFacts(fields["error"]);
  const text = JSON.stringify({ time: event.time, level: levelOf(event), ...fields, message: lineOf(event) });
  // JSON leaves some control characters as they are; they can stand within its texts only.
  return text.replace(/[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu, (character) => plainText(character));
}
