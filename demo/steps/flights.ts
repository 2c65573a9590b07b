// Steps that read and clean the flights: three million rows as columns of numbers, which are small to save.
import { fileURLToPath } from "node:url";
import { action, type Context, type StepContext } from "dotflow";
import { asyncBufferFromFile, type ColumnData, parquetMetadataAsync, parquetRead } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { inSlices } from "./slices.ts";

const path = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
const firstMinute = Date.UTC(2001, 0, 1) / 60_000;

export interface FlightTable {
  /** The codes that `origin` and `destination` are indexes of. */
  readonly airports: readonly string[];
  /** Of the departure, since the beginning of 2001. */
  readonly minute: Uint32Array;
  readonly origin: Uint8Array;
  readonly destination: Uint8Array;
  /** Of the arrival, in minutes; negative when early. */
  readonly delay: Int16Array;
}

export interface Departures {
  readonly airports: readonly string[];
  readonly origin: Uint8Array;
  readonly hour: Uint8Array;
  readonly delay: Int16Array;
  readonly dropped: { readonly repeated: number; readonly implausible: number };
}

export const read = action(async function read(_: Context, { signal }: StepContext): Promise<FlightTable> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const rows = Number(metadata.num_rows);
  const { airports, indexOf } = airportList();
  const columns = {
    date: { into: new Uint32Array(rows), from: (date: unknown) => Number(date) / 60_000 - firstMinute },
    origin: { into: new Uint8Array(rows), from: indexOf },
    destination: { into: new Uint8Array(rows), from: indexOf },
    delay: { into: new Int16Array(rows), from: Number },
  };
  const onChunk = ({ columnName, columnData, rowStart }: ColumnData): void => {
    const { into, from } = columns[columnName as keyof typeof columns];
    for (let index = 0; index < columnData.length; index++) into[rowStart + index] = from(columnData[index]);
  };
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    await parquetRead({ file, metadata, compressors, columns: Object.keys(columns), rowStart, rowEnd, onChunk });
    signal.throwIfAborted();
    rowStart = rowEnd;
  }
  const { date, origin, destination, delay } = columns;
  return { airports, minute: date.into, origin: origin.into, destination: destination.into, delay: delay.into };
});

/** Drops rows that stand there twice, and delays that no flight has: two hours early, or more than a day late. */
export const clean = action(async function clean(
  previous: Context<FlightTable>,
  { signal }: StepContext,
): Promise<Departures> {
  const { airports, minute, origin, destination, delay } = previous.storage;
  const dropped = { repeated: 0, implausible: 0 };
  const kept: number[] = [];
  const thisMinute = new Set<number>();
  await inSlices(delay.length, signal, (from, to) => {
    for (let row = from; row < to; row++) {
      // The rows are in the order of departure: what stands there twice stands in the same minute.
      if (minute[row] !== minute[row - 1]) thisMinute.clear();
      const flight = (delay[row]! * 256 + origin[row]!) * 256 + destination[row]!;
      if (delay[row]! < -120 || delay[row]! > 1440) dropped.implausible++;
      else if (thisMinute.has(flight)) dropped.repeated++;
      else kept.push(row);
      thisMinute.add(flight);
    }
  });
  return {
    airports,
    origin: Uint8Array.from(kept, (row) => origin[row]!),
    hour: Uint8Array.from(kept, (row) => Math.floor(minute[row]! / 60) % 24),
    delay: Int16Array.from(kept, (row) => delay[row]!),
    dropped,
  };
});

/** Numbers the codes of airports as they come; a number has to fit into one byte. */
function airportList(): { airports: string[]; indexOf: (code: unknown) => number } {
  const airports: string[] = [];
  const indexes = new Map<unknown, number>();
  const indexOf = (code: unknown): number => {
    const index = indexes.get(code) ?? airports.push(String(code)) - 1;
    if (index > 255) throw new Error("There are more than 256 airports.");
    indexes.set(code, index);
    return index;
  };
  return { airports, indexOf };
}
