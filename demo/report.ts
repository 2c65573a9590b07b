// What the demo prints: plain text of at most 100 columns.
import Table from "cli-table3";
import type { StepInfo, TaskResult } from "dotflow";
import type { AirportReport } from "./steps/join.ts";

export function heading(text: string): string {
  return `\n${text}\n${"─".repeat(text.length)}\n`;
}

/** One line a step. What stands in brackets is recorded: it was not spent again. */
export function stepTable(tasks: readonly TaskResult[], steps: readonly StepInfo[]): string {
  const rows = tasks.map(({ id, status, attempts, durationMs = 0, reason }) => {
    if (status !== "restored") {
      return [id, status === "completed" ? "executed" : status, `${attempts} `, `${seconds(durationMs)} `, reason];
    }
    const step = steps.find((saved) => saved.id === id);
    return [id, status, `(${step?.attempts})`, `(${seconds(step ? durationOf(step) : 0)})`, reason];
  });
  return table(["step", "", "attempts", "time ", "why"], rows, ["left", "left", "right", "right", "left"]);
}

export function airportTable(airports: readonly AirportReport[]): string {
  const rows = airports
    .toSorted((a, b) => b.mean - b.expected - (a.mean - a.expected))
    .map(({ place, code, flights, mean, expected, median, late }) => [
      `${code}  ${place}`,
      flights.toLocaleString("en"),
      `${(late * 100).toFixed(0)} %`,
      signed(median, 0, "auto"),
      mean.toFixed(1),
      expected.toFixed(1),
      signed(mean - expected, 1, "always"),
    ]);
  const head = ["from", "flights", "15 min late", "median", "mean", "usual", "more than usual"];
  return table(head, rows, ["left", ...head.slice(1).map(() => "right" as const)]);
}

/** How long a saved step took when it was executed, in milliseconds. */
export function durationOf({ startedAt, finishedAt }: StepInfo): number {
  return startedAt && finishedAt ? finishedAt.getTime() - startedAt.getTime() : 0;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

type Cell = string | number;

function table(head: string[], rows: Cell[][], colAligns: Table.HorizontalAlignment[]): string {
  const lines = ["top", "bottom", "left", "right", "mid"].flatMap((side) => [
    side,
    `${side}-left`,
    `${side}-mid`,
    `${side}-right`,
  ]);
  const chars = { ...Object.fromEntries(lines.map((line) => [line, ""])), left: "  ", middle: "  " };
  const grid = new Table({ chars, colAligns, style: { head: [], border: [], "padding-left": 0, "padding-right": 0 } });
  grid.push(head, ...rows);
  return grid.toString().replace(/ +$/gm, "");
}

function signed(value: number, digits: number, signDisplay: "auto" | "always"): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay };
  return value.toLocaleString("en", options).replace("-", "−");
}
