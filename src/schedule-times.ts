// The times that a cron pattern names. Only here the cron library is used.
import { Cron } from "croner";
import { InvalidWorkflowError } from "./errors.ts";
import { show } from "./options.ts";

export class ScheduleTimes {
  readonly #cron: Cron;

  /** Throws an `InvalidWorkflowError` where the pattern is none, or names no time after `now`. */
  static of(cron: string, timezone: string | undefined, now: number): ScheduleTimes {
    const times = new ScheduleTimes(parse(cron, timezone));
    if (times.after(now) === undefined)
      throw new InvalidWorkflowError(`The option cron is ${show(cron)}, and no time to come fits it.`);
    return times;
  }

  private constructor(cron: Cron) {
    this.#cron = cron;
  }

  /** The first time after `now`, in milliseconds since 1970; `undefined` where there is none. */
  after(now: number): number | undefined {
    return this.#cron.nextRun(new Date(now))?.getTime();
  }
}

function parse(cron: string, timezone: string | undefined): Cron {
  try {
    // A list such as "0,30 2 * * *" counts as fixed times when clocks change, as it does for cron.
    return new Cron(cron, { paused: true, fixedTimeRule: "no-wildcard", ...(timezone && { timezone }) });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^CronPattern:\s*/, "") : String(cause);
    throw new InvalidWorkflowError(
      `The option cron is ${show(cron)}, which is not a pattern: ${why} Five fields are minute, hour, day of the month, month and day of the week, such as "0 * * * *" for every hour.`,
      { cause },
    );
  }
}
