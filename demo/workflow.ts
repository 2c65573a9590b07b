// The workflow of the demo, written as a user would write it: nothing in here knows that it is going to be killed.
import { DotFlow, type Observer } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import * as airports from "./steps/airports.ts";
import { drawChart } from "./steps/chart.ts";
import * as flights from "./steps/flights.ts";
import * as hours from "./steps/hours.ts";
import { joinDelays, type OnProgress } from "./steps/join.ts";

export interface FlightDelayOptions {
  /** Where checkpoints lie. */
  readonly checkpoints: string;
  /** The SVG file that the last step writes. */
  readonly chart: string;
  /** Where names and cities of airports come from. */
  readonly airportsUrl: string;
  readonly observers?: readonly Observer[];
  readonly onJoin?: OnProgress;
}

/** How late flights are at the busiest airports, and how much of that their hours of departure explain. */
export function flightDelays({ checkpoints, chart, airportsUrl, observers, onJoin }: FlightDelayOptions): DotFlow {
  const storage = new StorageFile({ folder: checkpoints });
  const workflow = new DotFlow({ workflowId: "flight-delays", storage, observers });
  const { task } = workflow;

  const departures = task.add(flights.read, { groupName: "flights" }).add(flights.clean, { groupName: "flights" });
  const places = task.add(airports.fetchPlaces, { groupName: "airports", initialContext: airportsUrl });
  const busiest = task
    .add(airports.delays, { groupName: "airports", after: departures })
    .add(airports.rank, { groupName: "airports" });
  const usual = task
    .add(hours.delays, { groupName: "hours", after: departures })
    .add(hours.usual, { groupName: "hours" });

  task
    .add(joinDelays(onJoin), { after: { departures, places, busiest, usual } })
    .add(drawChart, { initialContext: chart });
  return workflow;
}
