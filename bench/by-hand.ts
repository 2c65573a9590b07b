// The least that has to be done to keep values as files, written out by hand: what `StorageFile` is measured against.
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { timed } from "./measure.ts";

/**
 * Writes values once, so that none is ever half there and each survives a crash of the machine: a synced temporary file is
 * linked to the name, which only one can do, and the folder is synced. `rename` would replace, `wx` would show half a file.
 */
export class HandWriter {
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

/**
 * Times `run` beside the same bytes written by hand. Its steps call `hand.writeNext()`, so that the two take turns step by
 * step and a busy disk disturbs both alike; the time of the one is taken off that of the other.
 */
export async function besideByHand(
  hand: HandWriter,
  run: () => Promise<unknown>,
): Promise<{ ours: number; raw: number }> {
  const both = await timed(run);
  const ours = both - hand.spent;
  hand.writeRest();
  return { ours, raw: hand.spent };
}
