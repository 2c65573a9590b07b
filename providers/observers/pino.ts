// `pino()`: an observer that hands every event to a logger of the user.
import type { Observer } from "../../src/events.ts";
import { fieldsOf, levelOf, lineOf } from "../shared/event-facts.ts";

type Write = (fields: object, message: string) => unknown;

/** A pino logger, or another one that takes an object and a text in this order. */
export interface PinoLogger {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
}

/**
 * Hands every event to `logger`, at the level that `log()` gives it too. The logger decides what is written and where.
 *
 * The fields are those of the event, its type as `event`, the action's name as `step`, and an error as `err`, which pino writes with its stack.
 */
export function pino(logger: PinoLogger): Observer {
  for (const level of ["debug", "info", "warn", "error"] as const) {
    if (typeof (logger as Partial<PinoLogger> | undefined)?.[level] !== "function")
      throw new TypeError(`pino() takes a logger with the functions debug, info, warn and error; ${level} is missing.`);
  }
  return {
    name: "pino",
    onEvent(event) {
      const { error, ...fields } = fieldsOf(event);
      logger[levelOf(event)](error === undefined ? fields : { ...fields, err: error }, lineOf(event));
    },
  };
}
