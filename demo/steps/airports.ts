// Steps about airports: their names from a web service, their delays, and which are the busiest.
import { action, type Context, type StepContext } from "dotflow";
import { csvParse } from "d3-dsv";
import { type Delays, Tally } from "./delays.ts";
import type { Departures } from "./flights.ts";
import { inSlices } from "./slices.ts";

export interface Place {
  readonly city: string;
  readonly state: string;
}

export interface AirportDelays extends Delays {
  readonly code: string;
}

const howMany = 15;

/** Web services are busy at times: worth three attempts. */
export const fetchPlaces = action(
  { name: "fetch", retry: 3, retryDelay: "200ms", backoff: true, timeout: "10s" },
  async function fetchPlaces(_: Context, step: StepContext<string>): Promise<Map<string, Place>> {
    const answer = await fetch(step.initial.storage, { signal: step.signal });
    if (!answer.ok) throw new Error(`the airport service answered ${answer.status} ${answer.statusText}`);
    const rows = csvParse<keyof Place | "iata">(await answer.text());
    return new Map(rows.map(({ iata, city, state }) => [iata, { city, state }]));
  },
);

export const delays = action(async function delays(
  previous: Context<Departures>,
  { signal }: StepContext,
): Promise<AirportDelays[]> {
  const { airports, origin, delay } = previous.storage;
  const tallies = airports.map(() => new Tally());
  await inSlices(delay.length, signal, (from, to) => {
    for (let row = from; row < to; row++) tallies[origin[row]!]!.add(delay[row]!);
  });
  return tallies.map((tally, index) => ({ code: airports[index]!, ...tally.delays() }));
});

export const rank = action(function rank(previous: Context<AirportDelays[]>): AirportDelays[] {
  return previous.storage.toSorted((a, b) => b.flights - a.flights).slice(0, howMany);
});
