// Containers of a local Azure Blob Storage. A place is JSON: what logs in, and the name of the container.
import { randomUUID } from "node:crypto";
import type { ContainerClient } from "@azure/storage-blob";
import { StorageAzure } from "dotflow/storage/azure";
import { azurite } from "../servers/azurite.ts";
import { sharedServer } from "../servers/shared.ts";
import type { PlaceKind } from "./kind.ts";

export interface AzurePlace {
  readonly connectionString: string;
  readonly container: string;
}

export const azure: PlaceKind = {
  shared: true,
  scale: 0.15,
  missing: () => azurite.missing(),
  server: azurite,
  make: async (address) => JSON.stringify(await makeContainer(address ?? (await sharedServer(azurite.name)))),
  open: (place) => new StorageAzure(JSON.parse(place) as AzurePlace),
  async remove(place) {
    await (await containerOf(JSON.parse(place) as AzurePlace)).delete();
  },
};

/** Creates a container of its own for a test. */
export async function makeContainer(connectionString: string): Promise<AzurePlace> {
  const place = { connectionString, container: `place-${randomUUID()}` };
  await (await containerOf(place)).create();
  return place;
}

/** The SDK's own client, loaded late: every test file knows all kinds of places. */
export async function containerOf({ connectionString, container }: AzurePlace): Promise<ContainerClient> {
  const { ContainerClient } = await import("@azure/storage-blob");
  return new ContainerClient(connectionString, container);
}
