// StorageAzure beside the contract: ways to log in, prefixes, pages, races, and that it leaves nothing running.
import { ContainerClient } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Storage } from "dotflow";
import { StorageAzure } from "dotflow/storage/azure";
import { azure, type AzurePlace, containerOf } from "./places/azure.ts";
import { azurite, azuriteAccount } from "./servers/azurite.ts";
import { bytes, endpointOf, runNode, sasToken, secret, textOf } from "./storage-azure-tools.ts";
import { keysOf } from "./storages.ts";

const missing = azurite.missing();

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(missing)(`on Azurite${missing ? `, skipped: ${missing}` : ""}`, () => {
  let place: AzurePlace;
  let container: ContainerClient;

  beforeAll(async () => {
    place = JSON.parse(await azure.make()) as AzurePlace;
    container = await containerOf(place);
  });
  afterAll(() => azure.remove(JSON.stringify(place)));

  describe("logs in", () => {
    it("with the connection string of the environment", async () => {
      vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", place.connectionString);
      await expectToWork(new StorageAzure({ container: place.container, prefix: "environment" }));
    });

    it("with an account and its key", async () => {
      const credential = { accountKey: azuriteAccount.key };
      await expectToWork(new StorageAzure({ ...ownAccount(), credential, prefix: "key" }));
    });

    it.each(["", "?"])("with an account and a SAS token that begins with %j", async (start) => {
      const credential = { sasToken: start + (await sasToken(container, "rcwdl")) };
      await expectToWork(new StorageAzure({ ...ownAccount(), credential, prefix: `sas${start.length}` }));
    });

    it("with a SAS connection string", async () => {
      const connectionString = `BlobEndpoint=${endpointOf(container)};SharedAccessSignature=${await sasToken(container, "rcwdl")}`;
      await expectToWork(new StorageAzure({ connectionString, container: place.container, prefix: "sas-string" }));
    });

    it("with a credential of an identity, whose tokens never go over http", async () => {
      let asked = 0;
      const getToken = async (): Promise<{ token: string; expiresOnTimestamp: number }> => {
        asked++;
        return { token: secret, expiresOnTimestamp: Date.now() + 3_600_000 };
      };
      const storage = new StorageAzure({ ...ownAccount(), credential: { getToken } });
      await expect(storage.get("a")).rejects.toThrow("Bearer token authentication is not permitted for non-TLS");
      expect(asked).toBe(0);
    });

    it("with a client of one's own", async () => {
      await expectToWork(new StorageAzure({ client: container, prefix: "client" }));
      expect(await container.exists()).toBe(true);
    });

    function ownAccount(): { account: string; endpoint: string; container: string } {
      return { account: azuriteAccount.name, endpoint: endpointOf(container), container: place.container };
    }
  });

  async function expectToWork(storage: Storage): Promise<void> {
    expect(await storage.create("job/a", bytes("1"))).toBe(true);
    expect(await storage.create("job/a", bytes("2"))).toBe(false);
    expect(textOf(await storage.get("job/a"))).toBe("1");
    await storage.put("job/a", bytes("3"));
    expect(textOf(await storage.get("job/a"))).toBe("3");
    expect(await keysOf(storage, "job/")).toEqual(["job/a"]);
    await storage.delete("job/a");
    expect(await storage.get("job/a")).toBeUndefined();
  }

  it("keeps storages with different prefixes of one container apart", async () => {
    const [first, second] = ["team/a", "team/a-b/"].map((prefix) => new StorageAzure({ ...place, prefix }));
    await first?.put("job/x", bytes("first"));
    await second?.put("job/x", bytes("second"));
    expect(await keysOf(first as Storage)).toEqual(["job/x"]);
    expect(await keysOf(second as Storage)).toEqual(["job/x"]);
    expect(textOf(await first?.get("job/x"))).toBe("first");
    const names = await keysOf(new StorageAzure(place), "team/");
    expect(names).toEqual(["team/a-b/job/x", "team/a/job/x"]);
  });

  it("takes block blobs of other programs in its place as values", async () => {
    const client = container.getBlockBlobClient("others/job/x");
    await client.upload("by hand", 7);
    const storage = new StorageAzure({ ...place, prefix: "others" });
    expect(textOf(await storage.get("job/x"))).toBe("by hand");
    expect(await storage.create("job/x", bytes("mine"))).toBe(false);
  });

  it("does not list the folders of a Data Lake, which look like blobs to it", async () => {
    const folder = { metadata: { hdi_isfolder: "true" } };
    await container.getBlockBlobClient("lake/job").upload("", 0, folder);
    await container.getBlockBlobClient("lake/job/steps").upload("", 0, folder);
    const storage = new StorageAzure({ ...place, prefix: "lake" });
    await storage.put("job/steps/a", bytes("a"));
    await container.getBlockBlobClient("lake/job/tagged").upload("by hand", 7, { metadata: { team: "b" } });
    expect(await keysOf(storage)).toEqual(["job/steps/a", "job/tagged"]);
  });

  it("lists page after page, also while what it showed is deleted", async () => {
    let pages = 0;
    const client = {
      containerName: container.containerName,
      getBlockBlobClient: (name: string) => container.getBlockBlobClient(name),
      listBlobsFlat: (options: { prefix: string; includeMetadata: boolean; abortSignal: AbortSignal }) => ({
        byPage(settings: { continuationToken?: string }) {
          pages++;
          return container.listBlobsFlat(options).byPage({ ...settings, maxPageSize: 7 });
        },
      }),
    };
    const storage = new StorageAzure({ client, prefix: "pages" });
    const keys = Array.from({ length: 30 }, (_, index) => `job/${index}`).sort();
    await Promise.all(keys.map((key) => storage.put(key, bytes(key))));
    expect(await keysOf(storage, "job/")).toEqual(keys);
    expect(pages).toBe(5);
    const shown: string[] = [];
    for await (const key of storage.list("job/")) {
      shown.push(key);
      await storage.delete(key);
    }
    expect(shown.sort()).toEqual(keys);
    expect(await keysOf(storage, "job/")).toEqual([]);
  });

  it("lets one of 64 creates win that race over 8 clients, and all read the winner's value", async () => {
    const storages = Array.from(
      { length: 8 },
      () => new StorageAzure({ client: new ContainerClient(place.connectionString, place.container) }),
    );
    for (let round = 0; round < 5; round++) {
      const key = `race/${round}`;
      const rivals = await Promise.all(
        Array.from({ length: 64 }, async (_, index) => {
          const storage = storages[index % 8] as Storage;
          const won = await storage.create(key, bytes(`rival ${index}`));
          return { name: `rival ${index}`, won, read: textOf(await storage.get(key)) };
        }),
      );
      const winners = rivals.filter(({ won }) => won).map(({ name }) => name);
      expect(winners).toHaveLength(1);
      expect(new Set(rivals.map(({ read }) => read))).toEqual(new Set(winners));
    }
  });

  it("has 100 requests under way at once, however many are called for", async () => {
    let [now, most] = [0, 0];
    const client = {
      containerName: container.containerName,
      listBlobsFlat: container.listBlobsFlat.bind(container),
      getBlockBlobClient(name: string) {
        const blob = container.getBlockBlobClient(name);
        const upload: typeof blob.upload = async (...given) => {
          most = Math.max(most, ++now);
          return blob.upload(...given).finally(() => now--);
        };
        return { upload, download: blob.download.bind(blob), delete: blob.delete.bind(blob) };
      },
    };
    const storage = new StorageAzure({ client, prefix: "many" });
    const calls = Array.from({ length: 1_000 }, (_, index) => storage.create(`job/${index}`, bytes("x")));
    expect((await Promise.all(calls)).every(Boolean)).toBe(true);
    expect(most).toBe(100);
    expect(await keysOf(storage, "job/")).toHaveLength(1_000);
  });

  it("lets the process end by itself, although nobody closes the storage", async () => {
    const { code, output } = await runNode(
      `import { action, DotFlow } from "dotflow";
       import { StorageAzure } from "dotflow/storage/azure";
       const storage = new StorageAzure({ ...JSON.parse(process.env.PLACE), prefix: "exit" });
       const workflow = new DotFlow({ workflowId: "exit", storage });
       workflow.task.add(action(async function step() { return 42; }));
       const result = await workflow.start();
       console.log(result.status, await result.output());`,
      { PLACE: JSON.stringify(place) },
    );
    expect({ code, output }).toEqual({ code: 0, output: "completed 42\n" });
  });
});
