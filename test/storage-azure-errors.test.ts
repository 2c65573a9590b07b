// What StorageAzure makes of Azure's errors, and of answers that come late, in part or not at all.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ContainerClient } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { action, DotFlow } from "dotflow";
import { StorageAzure } from "dotflow/storage/azure";
import { azure, type AzurePlace, containerOf } from "./places/azure.ts";
import { azurite, azuriteAccount } from "./servers/azurite.ts";
import {
  bytes,
  call,
  endpointOf,
  everythingIn,
  rejectionOf,
  sasToken,
  secret,
  type Verb,
  verbs,
} from "./storage-azure-tools.ts";

const missing = azurite.missing();

afterEach(() => void vi.useRealTimers());

describe.skipIf(missing)(`an error of Azurite${missing ? `, skipped: ${missing}` : ""}`, () => {
  let place: AzurePlace;
  let container: ContainerClient;

  beforeAll(async () => {
    place = JSON.parse(await azure.make()) as AzurePlace;
    container = await containerOf(place);
  });
  afterAll(() => azure.remove(JSON.stringify(place)));

  it.each(verbs)("says in %s how to create the container that is missing, and creates none", async (verb) => {
    const storage = new StorageAzure({ ...place, container: "not-there" });
    await expect(call(storage, verb)).rejects.toMatchObject({
      code: "ContainerNotFound",
      retryable: false,
      message: expect.stringMatching(
        /^container "not-there": it does not exist; create it: az storage container create .*--name not-there \(ContainerNotFound, 404, request /,
      ),
    });
    expect(await (await containerOf({ ...place, container: "not-there" })).exists()).toBe(false);
  });

  it("of a missing container ends a start as a StorageError", async () => {
    const workflow = new DotFlow({
      workflowId: "job",
      storage: new StorageAzure({ ...place, container: "not-there" }),
    });
    workflow.task.add(action(async function step() {}));
    await expect(workflow.start()).rejects.toMatchObject({
      code: "STORAGE",
      retryable: false,
      message: expect.stringContaining("az storage container create"),
    });
  });

  it.each(verbs)("of a wrong key says so in %s, and shows no secret", async (verb) => {
    const connectionString = place.connectionString.replace(azuriteAccount.key, secret);
    const error = await rejectionOf(call(new StorageAzure({ ...place, connectionString }), verb));
    expect(error).toMatchObject({
      statusCode: 403,
      retryable: false,
      message: expect.stringMatching(/check the key/),
    });
    expect(everythingIn(error)).not.toContain(secret);
  });

  it.each([
    [
      "that may only read",
      "rl",
      3_600_000,
      /needs the role "Storage Blob Data Contributor".*permissions r, c, w, d and l/,
    ],
    ["that is over", "rcwdl", -60_000, /check the key or the SAS token/],
  ])("of a SAS token %s says so, and shows no signature", async (_, permissions, milliseconds, message) => {
    const sas = await sasToken(container, permissions, milliseconds);
    const signature = new URLSearchParams(sas).get("sig") ?? "";
    const connectionString = `BlobEndpoint=${endpointOf(container)};SharedAccessSignature=${sas}`;
    const error = await rejectionOf(call(new StorageAzure({ ...place, connectionString }), "create"));
    expect(error).toMatchObject({ statusCode: 403, retryable: false, message: expect.stringMatching(message) });
    expect(everythingIn(error)).not.toContain(signature);
    expect(everythingIn(error)).not.toContain(encodeURIComponent(signature));
  });

  it("of an account that does not exist is not taken for a missing value", async () => {
    const connectionString = place.connectionString.replaceAll(azuriteAccount.name, "nobody");
    await expect(new StorageAzure({ ...place, connectionString }).get("a")).rejects.toMatchObject({
      statusCode: 404,
    });
  });
});

describe("an answer that only the real Azure gives", () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  let answer: Answer;
  let requests: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      requests.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
  });
  let storage: StorageAzure;

  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`;
    storage = new StorageAzure({ account: "account", credential: { accountKey: secret }, endpoint, container: "abc" });
  });
  afterEach(() => void (requests = []));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const failing =
    (status: number, code: string): Answer =>
    (_, response) => {
      const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Azure's text.\nRequestId:1</Message></Error>`;
      response.writeHead(status, {
        "x-ms-error-code": code,
        "x-ms-request-id": "id-1",
        "content-type": "application/xml",
      });
      response.end(body);
    };

  it.each([
    [503, "ServerBusy", true],
    [500, "InternalError", true],
    [500, "OperationTimedOut", true],
    [429, "TooManyRequests", true],
    [408, "RequestTimeout", true],
    [502, "", true],
    [409, "BlobImmutableDueToPolicy", false],
    [409, "ContainerBeingDeleted", false],
    [412, "LeaseIdMissing", false],
    [403, "KeyBasedAuthenticationNotPermitted", false],
    [403, "UnauthorizedBlobOverwrite", false],
    [413, "RequestBodyTooLarge", false],
    [404, "ResourceNotFound", false],
  ])("%i %s is thrown after one request of each verb, with retryable %s", async (status, code, retryable) => {
    answer = failing(status, code);
    for (const verb of verbs) {
      const message = expect.stringMatching(
        new RegExp(`^container "abc": .*\\((${code}, )?${status}, request id-1\\)$`),
      );
      await expect(call(storage, verb), verb).rejects.toMatchObject({ statusCode: status, retryable, message });
    }
    expect(requests).toHaveLength(verbs.length);
  });

  it.each([
    [409, "BlobAlreadyExists"],
    [412, "ConditionNotMet"],
  ])("%i %s is the refusal of a create, and of nothing else", async (status, code) => {
    answer = failing(status, code);
    expect(await storage.create("a", bytes("x"))).toBe(false);
    await expect(storage.put("a", bytes("x"))).rejects.toMatchObject({ code, retryable: false });
    await expect(storage.delete("a")).rejects.toMatchObject({ code });
  });

  it("says how to get at a blob that was archived", async () => {
    answer = failing(409, "BlobArchived");
    await expect(storage.get("a")).rejects.toThrow("the blob was moved to the archive tier");
  });

  it("may end in the middle of a value: that is an error that passes, never half a value", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "100", etag: '"1"' });
      response.write("half", () => response.destroy());
    };
    await expect(storage.get("a")).rejects.toMatchObject({
      retryable: true,
      message: "the answer of Azure ended after 4 of 100 bytes",
    });
    expect(requests).toHaveLength(1);
  });

  it("may end in the middle of a listing: that is an error that passes", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "1000", "content-type": "application/xml" });
      response.write("<EnumerationResults>", () => response.destroy());
    };
    await expect(call(storage, "list")).rejects.toMatchObject({ retryable: true });
  });

  it.each(verbs)("may not come: %s is given up after 10 seconds", async (verb) => {
    await expectGivenUp(verb, () => {});
  });

  it("may stop in the middle of a value: get is given up", async () => {
    await expectGivenUp("get", (_, response) => {
      response.writeHead(200, { "content-length": "100", etag: '"1"' });
      response.write("half");
    });
  });

  async function expectGivenUp(verb: Verb, silent: Answer): Promise<void> {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = new Promise<void>((resolve) => {
      answer = (request, response) => {
        silent(request, response);
        setImmediate(resolve);
      };
    });
    let error: unknown;
    void rejectionOf(call(storage, verb)).then((reason) => (error = reason));
    await asked;
    let seconds = 0;
    while (error === undefined && seconds < 60) {
      await vi.advanceTimersByTimeAsync(1_000);
      seconds++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const message = expect.stringMatching(/^Azure gave no answer within 1[05] seconds$/);
    expect(error).toMatchObject({ retryable: true, message });
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(20);
    expect(vi.getTimerCount()).toBe(0);
  }
});
