// What the suite asks of a child process, and what comes back. Both ends are ours and of one version.
import type { Storage } from "../../src/storage.ts";

/** The default export of the module that a user names in `processes.module`. */
export type OpenStorage = (place: string) => Storage | Promise<Storage>;

export type Order =
  | { readonly do: "race"; readonly key: string; readonly names: readonly string[] }
  | {
      readonly do: "write";
      readonly verb: "put" | "create";
      readonly key: string;
      readonly label: string;
      readonly size: number;
    }
  /** Writes as `write` does, and kills its own process as soon as the write is acknowledged. */
  | {
      readonly do: "write and die";
      readonly verb: "put" | "create";
      readonly key: string;
      readonly label: string;
      readonly size: number;
    }
  /** Writes without end, and reports every acknowledged write. */
  | { readonly do: "storm"; readonly prefix: string };

export interface NumberedOrder {
  readonly number: number;
  readonly order: Order;
}

/** A write of a storm that was acknowledged. */
export interface Acknowledged {
  readonly verb: "put" | "create";
  readonly key: string;
  /** How often its lane had written: a later put of the same key has a higher one. */
  readonly sequence: number;
}

export type Report =
  | { readonly ready: true }
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly error: string }
  | { readonly acknowledged: Acknowledged };

/**
 * The sizes that a storm writes, one lane each, all lanes at once.
 *
 * While the lanes of small values are acknowledged, those of large ones are in the middle of a write: that is where
 * the kill shall meet them.
 */
export const stormSizes = [300, 20_000, 300_000, 1_000_000] as const;

export function stormLabel(key: string, sequence: number): string {
  return `${key} ${sequence}`;
}
