// `pino()`: an observer that hands every event to a logger of the user.
import type { Observer } from "../../src/events.ts";
import { fieldsOf, levelOf, lineOf } from "../shared/event-facts.ts";
import { errorFacts } from "../shared/plain-text.ts";

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
 * Of an error that the logger throws at, it gets what can be read of it instead.
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
      const level = levelOf(event);
      if (error === undefined) return void logger[level](fields, lineOf(event));
      try {
        logger[level]({ ...fields, err: error }, lineOf(event));
      } catch {
        // Errors that contain each other, or a very long chain of causes: more than loggers can write.
        logger[level]({ ...fields, err: errorFacts(error) }, lineOf(event));
      }
    },
  };
}
