// Steps about the hours of departure: their delays, and which hours have enough flights to say what is usual.
import { action, type Context, type StepContext } from "dotflow";
import { type Delays, Tally } from "./delays.ts";
import type { Departures } from "./flights.ts";
import { inSlices } from "./slices.ts";

const enough = 10_000;

/** By hour of departure, from 0 to 23, over all airports. */
export const delays = action(async function delays(
  previous: Context<Departures>,
  { signal }: StepContext,
): Promise<Delays[]> {
  const { hour, delay } = previous.storage;
  const tallies = Array.from({ length: 24 }, () => new Tally());
  await inSlices(delay.length, signal, (from, to) => {
    for (let row = from; row < to; row++) tallies[hour[row]!]!.add(delay[row]!);
  });
  return tallies.map((tally) => tally.delays());
});

/** The mean delay by hour; `null` in the hours of the night in which hardly anything departs. */
export const usual = action(function usual(previous: Context<Delays[]>): (number | null)[] {
  return previous.storage.map(({ flights, mean }) => (flights < enough ? null : mean));
});
