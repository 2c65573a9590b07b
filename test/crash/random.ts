// Random numbers that a seed brings back: a test prints its seed, and `SEED=… npx vitest …` runs it again.

export interface Random {
  readonly seed: number;
  /** From 0 up to, but not including, `limit`. */
  below(limit: number): number;
}

export function seededRandom(seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)): Random {
  let state = seed >>> 0;
  return {
    seed,
    below(limit) {
      // mulberry32
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit;
    },
  };
}
