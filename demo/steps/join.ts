// The join: sets the delays of the busiest airports against what is usual at the hours at which their flights depart.
import { type Action, action, type Context, type StepContext } from "dotflow";
import type { AirportDelays, Place } from "./airports.ts";
import type { Departures } from "./flights.ts";
import { inSlices } from "./slices.ts";

/** Told how much of the join is done, from 0 to 1, and waited for. */
export type OnProgress = (share: number) => void | Promise<void>;

export interface Joined {
  readonly departures: Departures;
  readonly places: Map<string, Place>;
  readonly busiest: readonly AirportDelays[];
  readonly usual: readonly (number | null)[];
}

export interface AirportReport extends AirportDelays {
  readonly place: string;
  /** The mean delay that flights at these hours have in the whole country, in minutes. */
  readonly expected: number;
}

type Join = (previous: Context<Joined>, step: StepContext) => Promise<AirportReport[]>;

export function joinDelays(onProgress?: OnProgress): Action<Join> {
  return action<Join>(async function join(previous, { signal }) {
    const { departures, places, busiest, usual } = previous.storage;
    const { airports, origin, hour, delay } = departures;
    const sums = airports.map(() => ({ flights: 0, expected: 0 }));
    await inSlices(delay.length, signal, async (from, to) => {
      for (let row = from; row < to; row++) {
        const expected = usual[hour[row]!];
        if (expected === null) continue;
        const sum = sums[origin[row]!]!;
        sum.flights++;
        sum.expected += expected!;
      }
      await onProgress?.(to / delay.length);
    });
    return busiest.map((airport) => {
      const { flights, expected } = sums[airports.indexOf(airport.code)]!;
      const { city, state } = places.get(airport.code) ?? { city: airport.code, state: "?" };
      return { ...airport, place: `${city}, ${state}`, expected: expected / flights };
    });
  });
}
