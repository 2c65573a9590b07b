// Ctrl-C, and the signals by which service managers end a process: the first cancels and saves, the second ends at once.
import { exitCodes } from "./exit.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runners such as npm pass on the Ctrl-C that the terminal has sent already: what comes so soon is the same one. */
const sameOne = 300;

/** Calls `first` at the first signal. Gives what stops listening. */
export function onInterrupt(first: () => void): () => void {
  let at: number | undefined;
  const heard = (): void => {
    if (at === undefined) {
      at = performance.now();
      first();
    } else if (performance.now() - at > sameOne) process.exit(exitCodes.cancelled);
  };
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
