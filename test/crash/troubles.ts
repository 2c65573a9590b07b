// What happens to a server, or between it and its clients, while a run is under way.
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "./random.ts";
import type { ServedPlaces } from "./own-places.ts";

export interface TroubleOptions {
  readonly places: ServedPlaces;
  readonly random: Random;
  /** Aborted when the start has ended. */
  readonly over: AbortSignal;
}

/** Begins with the first step of a start. When it resolves, the server runs and is reached as before. Gives how often it struck. */
export type Trouble = (options: TroubleOptions) => Promise<number>;

export const troubles: Readonly<Record<string, Trouble>> = {
  async "is killed and started again"({ places: { server }, random }) {
    await sleep(random.below(500));
    await server.kill();
    await sleep(random.below(800));
    await server.start();
    return 1;
  },
  async "is stopped for two to five seconds"({ places: { server }, random }) {
    await sleep(random.below(500));
    server.pause();
    await sleep(2_000 + random.below(3_000));
    server.resume();
    return 1;
  },
  "has its connections cut": whileRunning(({ cut }) => cut(), 150),
  "loses answers": whileRunning(({ dropAnswers }, random) => dropAnswers(1 + Math.floor(random.below(2))), 80),
  async "refuses connections, and is back a little later"({ places: { proxy }, random }) {
    await sleep(random.below(500));
    proxy.refuse(true);
    proxy.cut();
    await sleep(random.below(2_000));
    proxy.refuse(false);
    return 1;
  },
};

/** Strikes again and again at random moments, some twenty times in a start at most: then the start is left in peace. */
function whileRunning(strike: (proxy: ServedPlaces["proxy"], random: Random) => void, milliseconds: number): Trouble {
  return async ({ places: { proxy }, random, over }) => {
    let struck = 0;
    const droppedBefore = proxy.dropped;
    for (; struck < 20 && !over.aborted; struck++) {
      strike(proxy, random);
      await sleep(random.below(2 * milliseconds));
    }
    proxy.dropAnswers(0);
    return proxy.dropped > droppedBefore ? proxy.dropped - droppedBefore : struck;
  };
}
