// Figures: medians with their spread, and comparisons in which both sides take turns, so that a busy machine disturbs both.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Comparison {
  readonly ours: Spread;
  readonly raw: Spread;
  /** Of each round, ours divided by raw. */
  readonly ratio: Spread;
  /** Of each round, ours less raw. */
  readonly difference: Spread;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), min: at(0), max: at(1) };
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export async function repeat(rounds: number, measure: (round: number) => Promise<number>): Promise<Spread> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) values.push(await measure(round));
  return spreadOf(values);
}

/** Measures both sides once a round, first the one, then the other, and the next round the other way round. */
export function inTurns(rounds: number, ours: () => Promise<number>, raw: () => Promise<number>): Promise<Comparison> {
  return compare(rounds, async (round) => {
    const before = round % 2 === 0 ? undefined : await raw();
    const own = await ours();
    return { ours: own, raw: before ?? (await raw()) };
  });
}

/** Compares two sides that `measure` takes the time of, once a round. */
export async function compare(
  rounds: number,
  measure: (round: number) => Promise<{ ours: number; raw: number }>,
): Promise<Comparison> {
  const pairs: { ours: number; raw: number }[] = [];
  for (let round = 0; round < rounds; round++) pairs.push(await measure(round));
  return {
    ours: spreadOf(pairs.map((pair) => pair.ours)),
    raw: spreadOf(pairs.map((pair) => pair.raw)),
    ratio: spreadOf(pairs.map((pair) => pair.ours / pair.raw)),
    difference: spreadOf(pairs.map((pair) => pair.ours - pair.raw)),
  };
}

/** `12.3 ms (11.0–15.2)`, or `12.3 ms` where it was measured once. */
export function show({ median, min, max }: Spread, unit: string): string {
  const value = `${digits(median)}${unit && ` ${unit}`}`;
  return min === max ? value : `${value} (${digits(min)}–${digits(max)})`;
}

export function scale({ median, min, max }: Spread, factor: number): Spread {
  return { median: median * factor, min: min * factor, max: max * factor };
}

/** Three digits tell enough. */
export function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
