// Waiting without real time: a manual clock that is moved for as long as something takes, and a gate that a test opens.
import type { ManualClock } from "dotflow/testing";

/** Resolves as `work` does. Rejects when it takes more than two hours of the clock's time. */
export async function whileAdvancing<Result>(clock: ManualClock, work: Promise<Result>): Promise<Result> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  work.then(note, note);
  const end = clock.monotonic() + 2 * 60 * 60 * 1_000;
  while (!settled && clock.monotonic() < end) await clock.advance("1s");
  return settled ? work : Promise.reject(new Error("It hangs: two hours went by."));
}

/** Something to wait for until `open` is called. */
export function gateOf(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
