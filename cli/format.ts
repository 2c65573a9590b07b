// Times, sizes, tables and values as people read them.
import { inspect } from "node:util";
import type { Style, Terminal } from "./terminal.ts";

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** In the time zone of the terminal: `2026-11-21 14:03:07`. */
export function time(date: Date | undefined): string {
  if (!date) return "";
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(size) / 3));
  return `${(size / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Rows in columns of equal width; the last one is not filled up. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A value for people: all of it, however deep. */
export function pretty(value: unknown, terminal: Terminal): string {
  if (typeof value === "string") return value;
  const options = { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: terminal.columns } as const;
  return inspect(value, options);
}

/** A sign and a colour for each state of a task or a run. */
export function mark(status: string): { readonly sign: string; readonly style: Style } {
  return marks.get(status) ?? { sign: "·", style: "dim" };
}

const marks = new Map<string, { readonly sign: string; readonly style: Style }>([
  ["completed", { sign: "✓", style: "green" }],
  ["restored", { sign: "↺", style: "cyan" }],
  ["restore", { sign: "↺", style: "cyan" }],
  ["failed", { sign: "✗", style: "red" }],
  ["skipped", { sign: "-", style: "dim" }],
  ["skip", { sign: "-", style: "dim" }],
  ["waiting", { sign: "◷", style: "yellow" }],
  ["suspended", { sign: "◷", style: "yellow" }],
  ["cancelled", { sign: "■", style: "yellow" }],
  ["running", { sign: "▶", style: "blue" }],
  ["run", { sign: "▶", style: "blue" }],
  ["retrying", { sign: "↻", style: "yellow" }],
  ["interrupted", { sign: "!", style: "red" }],
]);
