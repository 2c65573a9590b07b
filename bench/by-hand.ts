// The least that has to be done to keep values, written out by hand: what the storages are measured against.
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { timed } from "./measure.ts";

/** Writes a list of values one by one. */
export interface ByHand {
  /** Milliseconds that the writes took. */
  readonly spent: number;
  writeNext(): unknown;
  writeRest(): unknown;
}

/**
 * Writes values once, so that none is ever half there and each survives a crash of the machine: a synced temporary file is
 * linked to the name, which only one can do, and the folder is synced. `rename` would replace, `wx` would show half a file.
 */
export class HandWriter implements ByHand {
  /** Milliseconds that the writes took. */
  spent = 0;
  readonly #folder: string;
  readonly #values: readonly Uint8Array[];
  readonly #handle: number;
  #written = 0;

  constructor(folder: string, values: readonly Uint8Array[]) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#values = values;
    this.#handle = openSync(folder, "r");
  }

  writeNext(): void {
    const value = this.#values[this.#written++];
    if (!value) return;
    const start = performance.now();
    const path = join(this.#folder, `value-${this.#written}`);
    const temporary = join(this.#folder, `.temporary-${this.#written}`);
    const file = openSync(temporary, "wx", 0o600);
    writeSync(file, value);
    fsyncSync(file);
    closeSync(file);
    linkSync(temporary, path);
    unlinkSync(temporary);
    fsyncSync(this.#handle);
    this.spent += performance.now() - start;
  }

  writeRest(): void {
    while (this.#written < this.#values.length) this.writeNext();
    closeSync(this.#handle);
  }
}

/** Writes values with one call each, of a driver. */
export class HandCalls implements ByHand {
  spent = 0;
  readonly #values: readonly Uint8Array[];
  readonly #write: (name: string, value: Uint8Array) => unknown;
  #written = 0;

  constructor(values: readonly Uint8Array[], write: (name: string, value: Uint8Array) => unknown) {
    this.#values = values;
    this.#write = write;
  }

  /** A promise where the driver gives one. */
  writeNext(): unknown {
    const value = this.#values[this.#written++];
    if (!value) return undefined;
    const start = performance.now();
    const note = (): void => {
      this.spent += performance.now() - start;
    };
    const written = this.#write(`bench/runs/by-hand/steps/value-${this.#written}`, value);
    if (written instanceof Promise) return written.then(note);
    note();
    return undefined;
  }

  async writeRest(): Promise<void> {
    while (this.#written < this.#values.length) await this.writeNext();
  }
}

/**
 * Times `run` beside the same bytes written by hand. Its steps call `hand.writeNext()`, so that the two take turns step by
 * step and a busy disk disturbs both alike; the time of the one is taken off that of the other.
 */
export async function besideByHand(hand: ByHand, run: () => Promise<unknown>): Promise<{ ours: number; raw: number }> {
  const both = await timed(run);
  const ours = both - hand.spent;
  await hand.writeRest();
  return { ours, raw: hand.spent };
}
