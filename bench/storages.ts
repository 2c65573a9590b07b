// Every storage over an empty place: in a folder, or on a server that is started for it.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Storage, StorageMemory } from "dotflow";
import { StorageAzure } from "dotflow/storage/azure";
import { StorageFile } from "dotflow/storage/file";
import { StorageGCS } from "dotflow/storage/gcs";
import { StoragePostgres } from "dotflow/storage/postgres";
import { StorageRedis } from "dotflow/storage/redis";
import { StorageS3 } from "dotflow/storage/s3";
import { StorageSqlite } from "dotflow/storage/sqlite";
import { withFolder } from "./machine.ts";
import { withServer } from "./servers.ts";

/** Opens the place once more, as another process would. */
export type Open = () => Storage;

const memories = new Map<string, Storage>();

/** What makes an empty place in a folder, or on a server at `address`. */
const places: Readonly<Record<string, { server?: string; place: (address: string) => Promise<Open> | Open }>> = {
  memory: {
    place() {
      const id = randomUUID();
      memories.set(id, new StorageMemory());
      return () => memories.get(id) as Storage;
    },
  },
  file: { place: (folder) => () => new StorageFile({ folder: join(folder, "store") }) },
  sqlite: { place: (folder) => () => new StorageSqlite({ file: join(folder, "checkpoints.db") }) },
  postgres: {
    server: "postgres",
    place: (connectionString) => {
      const table = `bench-${randomUUID()}`;
      return () => new StoragePostgres({ connectionString, table });
    },
  },
  redis: {
    server: "redis",
    place: (url) => {
      const prefix = `bench-${randomUUID()}:`;
      return () => new StorageRedis({ url, prefix });
    },
  },
  s3: {
    server: "r2",
    place: (endpoint) => {
      const prefix = randomUUID();
      const credentials = { accessKeyId: "AKIDTEST", secretAccessKey: "secret" };
      return () => new StorageS3({ bucket: "checkpoints", prefix, endpoint, region: "auto", credentials });
    },
  },
  gcs: {
    server: "gcs",
    place: (apiEndpoint) => {
      const prefix = randomUUID();
      return () => new StorageGCS({ bucket: "dotflow-test", prefix, apiEndpoint });
    },
  },
  azure: {
    server: "azurite",
    async place(connectionString) {
      const { ContainerClient } = await import("@azure/storage-blob");
      const container = `bench-${randomUUID()}`;
      await new ContainerClient(connectionString, container).create();
      return () => new StorageAzure({ connectionString, container });
    },
  },
};

export const storageNames = Object.keys(places);

/** The server of a storage; `undefined` where it needs none. */
export function serverOf(name: string): string | undefined {
  return places[name]?.server;
}

/** Makes an empty place of a kind of storage, in a folder or on the server at `address`. */
export async function makePlace(name: string, address: string): Promise<Open> {
  const kind = places[name];
  if (!kind) throw new Error(`There is no storage called ${name}.`);
  return kind.place(address);
}

/** Calls `use` with a folder or the address of a server, as the kind of storage needs it. */
export function withGround<Result>(name: string, use: (address: string) => Promise<Result>): Promise<Result> {
  const server = serverOf(name);
  return server === undefined ? withFolder(use) : withServer(server, use);
}
