// What StorageAzure refuses before it sends anything, and what it says where its package is missing.
import { ContainerClient } from "@azure/storage-blob";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StorageAzure, type StorageAzureOptions } from "dotflow/storage/azure";
import { bytes, everythingIn, runNode, secret, thrownBy } from "./storage-azure-tools.ts";

afterEach(() => void vi.unstubAllEnvs());

describe("options", () => {
  const login = { account: "account", credential: { accountKey: secret } };
  const mistakes: Record<string, [StorageAzureOptions, RegExp]> = {
    "no container": [login, /has no container\. Give the name of one/],
    "a container name of two characters": [{ ...login, container: "ab" }, /"ab".*Give 3 to 63 lower-case letters/],
    "a container name of 64 characters": [{ ...login, container: "a".repeat(64) }, /Give 3 to 63/],
    "a container name with a capital": [{ ...login, container: "Checkpoints" }, /Give 3 to 63/],
    "a container name with two hyphens in a row": [{ ...login, container: "check--points" }, /single hyphens/],
    "a container name that ends with a hyphen": [{ ...login, container: "checkpoints-" }, /at both ends/],
    "a container name that leads elsewhere": [{ ...login, container: "../other" }, /Give 3 to 63/],
    "no way to log in": [{ container: "checkpoints" }, /Set AZURE_STORAGE_CONNECTION_STRING, or give connectionString/],
    "an account without credential": [{ container: "checkpoints", account: "account" }, /no usable credential/],
    "an empty key": [{ ...login, container: "abc", credential: { accountKey: "" } }, /no usable credential/],
    "a credential without account": [{ container: "abc", credential: login.credential }, /a credential and no account/],
    "an endpoint without account": [{ container: "abc", endpoint: "http://127.0.0.1" }, /an endpoint and no account/],
    "an account that is an address": [{ ...login, container: "abc", account: "a.b.c" }, /3 to 24 lower-case letters/],
    "an endpoint with a SAS token": [
      { ...login, container: "abc", endpoint: `https://account.blob.core.windows.net?sig=${secret}` },
      /no plain http or https address\. .*sasToken/,
    ],
    "an endpoint that is none": [{ ...login, container: "abc", endpoint: "account" }, /no plain http or https address/],
    "a SAS URL for a SAS token": [
      {
        ...login,
        container: "abc",
        credential: { sasToken: `https://account.blob.core.windows.net/abc?sig=${secret}` },
      },
      /the part after the question mark/,
    ],
    "a key for a SAS token": [
      { ...login, container: "abc", credential: { sasToken: secret } },
      /sasToken that is none/,
    ],
    "two ways to log in": [{ ...login, container: "abc", connectionString: "a" }, /both account and connectionString/],
    "half a connection string": [
      { container: "abc", connectionString: `AccountName=account;AccountKey=${secret}` },
      /not complete: it needs DefaultEndpointsProtocol, AccountName and AccountKey/,
    ],
    "an empty connection string": [{ container: "abc", connectionString: "" }, /Copy it as a whole/],
    "a connection string with a broken address": [
      { container: "abc", connectionString: `BlobEndpoint=account?sig=${secret};SharedAccessSignature=sig=${secret}` },
      /no plain http or https address/,
    ],
    "a prefix that leads out of the container": [
      { ...login, container: "abc", prefix: "../a" },
      /begins or ends with a dot/,
    ],
    "a prefix that begins with a slash": [{ ...login, container: "abc", prefix: "/a" }, /has an empty part/],
    "a prefix that leaves no room": [{ ...login, container: "abc", prefix: "a".repeat(424) }, /has 425 characters/],
    "a client that is none": [{ client: {} as ContainerClient }, /Give a ContainerClient of @azure\/storage-blob/],
    "a client and a container": [
      { client: new ContainerClient("http://127.0.0.1/a/b"), container: "abc" },
      /Leave out container/,
    ],
  };

  it.each(Object.entries(mistakes))("refuses %s, and shows no secret", (_, [options, message]) => {
    vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", undefined);
    const error = thrownBy(() => new StorageAzure(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(everythingIn(error)).not.toContain(secret);
  });

  it("names the variable of a connection string from the environment that is not complete", () => {
    vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", `AccountKey=${secret}`);
    const error = thrownBy(() => new StorageAzure({ container: "abc" }));
    expect(error).toMatchObject({ message: expect.stringContaining("AZURE_STORAGE_CONNECTION_STRING") });
    expect(everythingIn(error)).not.toContain(secret);
  });

  it.each(["", "a//b", "a/", "/a", "../other/a", "a/../b", ".a", "a.", "a\\b", "a\nb", "ä"])(
    "refuses the key %j, which Azure would take for another one, with every verb",
    async (key) => {
      const storage = new StorageAzure({ ...login, container: "abc" });
      for (const refused of [
        () => storage.get(key),
        () => storage.put(key, bytes("")),
        () => storage.create(key, bytes("")),
        () => storage.delete(key),
      ])
        await expect(refused()).rejects.toThrow(/^StorageAzure can't keep ".*": .*Use parts of ASCII text/);
    },
  );

  it("need no package until the storage is used, and then name the one that is missing", async () => {
    const { code, output } = await runNode(
      `import { StorageAzure } from "dotflow/storage/azure";
       const storage = new StorageAzure({ container: "checkpoints", account: "account", credential: { accountKey: "key" } });
       await storage.get("a").catch((error) => console.log(error.code, error.message));`,
      { WITHOUT_PACKAGES: "@azure/storage-blob" },
    );
    expect({ code, output }).toEqual({
      code: 0,
      output:
        "MISSING_PACKAGE StorageAzure needs the package @azure/storage-blob, which is not installed: npm install @azure/storage-blob\n",
    });
  });
});
