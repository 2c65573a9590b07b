// Durations as users write them, in milliseconds.
import ms from "ms";
import { InvalidWorkflowError } from "./errors.ts";
import { show } from "./options.ts";

/** Milliseconds as a number, or a text such as `"250ms"`, `"2s"`, `"5m"`, `"1h"`. */
export type Duration = number | (string & {});

/** Gives `duration` in milliseconds; `what` names the option in the error. */
export function toMilliseconds(duration: Duration, what: string): number {
  const value =
    typeof duration === "string" && /^\s*\S/.test(duration) && duration.length <= 100 ? parse(duration) : duration;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidWorkflowError(
    `${what} is ${show(duration)}, which is not a duration. Give milliseconds as a number, or a text such as "250ms", "2s" or "5m".`,
  );
}

function parse(text: string): number | undefined {
  return ms(text as ms.StringValue);
}
