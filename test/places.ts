// The kinds of storage that behaviour is tested over. Also for child processes.
import type { Storage } from "dotflow";
import { azure } from "./places/azure.ts";
import { file } from "./places/file.ts";
import { gcs } from "./places/gcs.ts";
import type { PlaceKind } from "./places/kind.ts";
import { memory } from "./places/memory.ts";
import { postgres } from "./places/postgres.ts";
import { redis } from "./places/redis.ts";
import { s3 } from "./places/s3.ts";
import { sqlite } from "./places/sqlite.ts";

export type { PlaceKind } from "./places/kind.ts";

/** A storage that is to keep the guarantees is added here, and nowhere else. */
export const placeKinds: Readonly<Record<string, PlaceKind>> = {
  memory,
  file,
  s3,
  gcs,
  redis,
  azure,
  sqlite,
  postgres,
};

/** Opens a place by the name of its kind, as a child process is given it. */
export function openPlace(kind: string, place: string): Storage {
  const found = placeKinds[kind];
  if (!found) throw new Error(`There is no kind of storage called ${kind}.`);
  return found.open(place);
}
