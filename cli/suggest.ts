// What somebody may have meant who wrote a name that does not exist.

/** ` Did you mean "transform"?`, or nothing where no name is near. */
export function suggest(given: string, names: readonly string[]): string {
  const near = nearest(given, names);
  return near === undefined ? "" : ` Did you mean "${near}"?`;
}

/** The name that is fewest letters away, and at most a third of them. */
function nearest(given: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = distanceOf(given.toLowerCase(), name.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(given.length, name.length) / 3));
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { name, distance };
  }
  return best?.name;
}

/** How many letters have to be added, taken away, replaced or swapped with the next one (optimal string alignment). */
function distanceOf(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = from[row - 1] === to[column - 1] ? 0 : 1;
      const at = (line: readonly number[], index: number): number => line[index] ?? Infinity;
      let distance = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + replaced);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      current.push(distance);
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? Infinity;
}
