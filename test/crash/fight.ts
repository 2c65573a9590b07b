// Processes that fight for one run until it is done, while they are killed and stopped.
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "./programs.ts";
import type { Random } from "./random.ts";
import { RivalLog } from "./rival-log.ts";

/** How many fight; one that is killed is replaced. */
export const rivals = 4;
const blows = 12;

export class Fight {
  readonly #start: () => Running;
  readonly #folder: string;
  readonly #lease: number;
  readonly #random: Random;
  readonly #alive = new Set<Running>();
  readonly #stopped = new Set<Running>();
  readonly #results: string[] = [];
  kills = 0;
  stops = 0;

  /** `start` starts a rival that notes what it does in `folder`. */
  constructor(start: () => Running, folder: string, lease: number, random: Random) {
    this.#start = start;
    this.#folder = folder;
    this.#lease = lease;
    this.#random = random;
  }

  /** Gives what those printed that came to the end. */
  async fight(): Promise<readonly string[]> {
    const random = this.#random;
    const pauses: Promise<void>[] = [];
    for (let count = 0; count < rivals; count++) this.#enter();
    // They are not hit before one drives: until then they only start up.
    while (new RivalLog(this.#folder).driver === undefined && this.#alive.size > 0) await sleep(20);
    while (this.kills + this.stops < blows && this.#results.length === 0) {
      await sleep(this.#lease * (0.1 + random.below(0.6)));
      const victim = this.#choose();
      if (!victim) continue;
      if (random.below(3) < 1) {
        victim.child.kill("SIGKILL");
        // One that came to its end at this very moment needs no successor.
        if ((await victim.ended).how !== "SIGKILL") continue;
        this.kills++;
        this.#enter();
      } else {
        this.stops++;
        pauses.push(this.#stop(victim));
      }
    }
    await Promise.all(pauses);
    while (this.#alive.size > 0) await Promise.all([...this.#alive].map(({ ended }) => ended));
    return this.#results;
  }

  async #stop(victim: Running): Promise<void> {
    victim.child.kill("SIGSTOP");
    this.#stopped.add(victim);
    await sleep(this.#lease * (0.5 + this.#random.below(2.5)));
    this.#stopped.delete(victim);
    victim.child.kill("SIGCONT");
  }

  #enter(): void {
    const running = this.#start();
    this.#alive.add(running);
    void running.ended.then(({ how, lines, complaint }) => {
      this.#alive.delete(running);
      if (how !== "SIGKILL") this.#results.push(how === 0 ? (lines.at(-1) ?? "") : `ended with ${how}: ${complaint}`);
    });
  }

  /** Mostly the process that drives. While that one is stopped, mostly none: another one is to take over. */
  #choose(): Running | undefined {
    const awake = [...this.#alive].filter((each) => !this.#stopped.has(each));
    const { driver } = new RivalLog(this.#folder);
    const driving = awake.find(({ child }) => child.pid === driver);
    if (this.#random.below(4) < 1) return awake[Math.floor(this.#random.below(awake.length))];
    return driving;
  }
}
