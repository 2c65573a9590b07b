// Callers that create the same key at once, and what must be true of them afterwards.
import type { Storage } from "../../src/storage.ts";
import { describe, labelled, labelOf } from "./bytes.ts";
import { demand } from "./violation.ts";

/** What became of one caller. `seen` is the label of the value that it read as soon as it had its answer. */
export interface Rival {
  readonly name: string;
  readonly won: boolean;
  readonly seen: string | undefined;
  /** What it read, for people. */
  readonly read: string;
}

export const rivalCount = 64;
const rivalSize = 4_000;

/** Has every one of `names` create `key` at once; they take turns with the storages given. */
export function race(storages: readonly Storage[], key: string, names: readonly string[]): Promise<Rival[]> {
  return Promise.all(
    names.map(async (name, index) => {
      const storage = storages[index % storages.length] as Storage;
      const won = await storage.create(key, labelled(name, rivalSize));
      const bytes = await storage.get(key);
      return { name, won, seen: labelOf(bytes), read: describe(bytes) };
    }),
  );
}

/** Demands one winner whose bytes everyone read, and which `storage` still gives. */
export async function judge(storage: Storage, key: string, rivals: readonly Rival[]): Promise<void> {
  const winners = rivals.filter((rival) => rival.won).map((rival) => rival.name);
  demand(winners.length === 1, `of ${rivals.length} callers that created "${key}" at once, ${winners.length} got true`);
  const winner = winners[0];
  for (const rival of rivals) {
    demand(
      rival.seen === winner,
      `"${winner}" created "${key}", but a caller that had its answer (${rival.won}) then read ${rival.read}`,
    );
  }
  const kept = await storage.get(key);
  demand(labelOf(kept) === winner, `"${winner}" created "${key}", but afterwards it holds ${describe(kept)}`);
}

export function rivalNames(group: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${group}-${index}`);
}
