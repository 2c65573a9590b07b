// Tables of a PostgreSQL server.
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { StoragePostgres } from "dotflow/storage/postgres";
import { postgres as server } from "../servers/postgres.ts";
import { sharedServer } from "../servers/shared.ts";
import type { PlaceKind } from "./kind.ts";

interface Place {
  readonly connectionString: string;
  readonly table: string;
}

export const postgres: PlaceKind = {
  shared: true,
  scale: 0.34,
  missing: () => server.missing(),
  server,
  async make(address) {
    const connectionString = address ?? (await sharedServer("postgres"));
    return JSON.stringify({ connectionString, table: `place-${randomUUID()}` } satisfies Place);
  },
  open: (place) => new StoragePostgres(read(place)),
  async remove(place) {
    const { connectionString, table } = read(place);
    const client = new Client({ connectionString });
    await client.connect();
    await client.query(`DROP TABLE IF EXISTS "${table}"`);
    await client.end();
  },
};

function read(place: string): Place {
  return JSON.parse(place) as Place; // Written by `make`.
}
