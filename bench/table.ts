// The table as it is printed: Markdown, with columns of a fixed width so that it can also be read as it is.

/** One line of the table, in words. */
export interface Row {
  readonly work: string;
  /** What dotflow takes. */
  readonly ours: string;
  /** What the least that has to be done takes, written by hand. */
  readonly raw?: string;
  /** The two beside each other: median, lowest and highest over the rounds. */
  readonly compared?: string;
  readonly budget?: string;
  /** Whether the budget is kept; missing where there is none. */
  readonly within?: boolean;
}

const widths = [48, 34, 35, 22, 9, 11];

export const heading = `${line(["work", "dotflow", "by hand", "compared", "budget", ""])}\n${line(widths.map((width) => "-".repeat(width)))}`;

export function formatRow({ work, ours, raw = "", compared = "", budget = "", within }: Row): string {
  const verdict = within === undefined ? "" : within ? "ok" : "over budget";
  return line([work, ours, raw, compared, budget, verdict]);
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(" | ")} |`;
}
