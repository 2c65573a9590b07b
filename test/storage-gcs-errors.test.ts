// What StorageGCS makes of refusals: which may pass, what people are told to do, and that no token or key is shown.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { Storage as Client } from "@google-cloud/storage";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { StorageGCS, type StorageGCSOptions } from "dotflow/storage/gcs";
import { countGcsRequests, gcs, gcsBucket, gcsLogin, gcsToken, setGcsFaults } from "./servers/gcs.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const value = new TextEncoder().encode("value");

let server: Server;
let folder: string;
let prefix: string;

beforeAll(async () => {
  server = await startServer(gcs);
}, 60_000);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "dotflow-gcs-"));
  prefix = randomUUID();
  await setGcsFaults(server.address);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
afterAll(() => server.stop());

function open(options: Partial<StorageGCSOptions> = {}): StorageGCS {
  const endpoint = options.client ? {} : { apiEndpoint: server.address };
  return new StorageGCS({ bucket: gcsBucket, prefix, ...endpoint, ...options });
}

const verbs = {
  get: (storage: StorageGCS) => storage.get("job/a"),
  put: (storage: StorageGCS) => storage.put("job/a", value),
  create: (storage: StorageGCS) => storage.create("job/a", value),
  delete: (storage: StorageGCS) => storage.delete("job/a"),
  list: (storage: StorageGCS) => keysOf(storage),
} satisfies Record<string, (storage: StorageGCS) => Promise<unknown>>;

/** The error of each verb. */
async function failures(storage: StorageGCS, names = Object.keys(verbs) as (keyof typeof verbs)[]): Promise<unknown[]> {
  const results = await Promise.allSettled(names.map((name) => verbs[name](storage)));
  return results.map((each) => (each.status === "rejected" ? (each.reason as unknown) : "no error"));
}

describe("a refusal", () => {
  it.each([
    [408, "timeout"],
    [429, "userRateLimitExceeded"],
    [500, "internalError"],
    [502, "backendError"],
    [503, "backendError"],
    [504, "gatewayTimeout"],
  ])("%i %s may pass", async (status, reason) => {
    const names = ["get", "list", ...(status === 429 ? [] : ["put", "create", "delete"])] as (keyof typeof verbs)[];
    await setGcsFaults(server.address, { refuse: { status, reason, count: names.length } });
    for (const error of await failures(open(), names))
      expect(error).toMatchObject({ code: status, retryable: true, message: `Refused on purpose: ${reason}` });
    // One request a verb: trying again is left to the guard.
    const requests = Object.values(await countGcsRequests(server.address));
    expect(requests.reduce((sum, count) => sum + count)).toBe(names.length);
  });

  it("is known by its reason before its status", async () => {
    await setGcsFaults(server.address, { refuse: { status: 403, reason: "userRateLimitExceeded", count: 1 } });
    await expect(open().put("job/a", value)).rejects.toMatchObject({ code: 403, retryable: true });
  });

  it.each([
    [400, "invalid", /^Refused on purpose: invalid$/],
    [
      403,
      "forbidden",
      /^The account may not do this in the bucket "dotflow-test". Give it the role roles\/storage.objectUser/,
    ],
    [412, "conditionNotMet", /^Refused on purpose: conditionNotMet$/],
  ])("%i %s stays, and is said so", async (status, reason, message) => {
    const names = ["get", "put", "delete", "list"] as const;
    await setGcsFaults(server.address, { refuse: { status, reason, count: names.length } });
    for (const error of await failures(open(), [...names]))
      expect(error).toMatchObject({ code: status, retryable: false, message: expect.stringMatching(message) });
  });

  it("by a retention policy is named", async () => {
    await setGcsFaults(server.address, { refuse: { status: 403, reason: "retentionPolicyNotMet", count: 2 } });
    for (const error of await failures(open(), ["put", "delete"]))
      expect(error).toMatchObject({ message: expect.stringContaining("A retention policy or a hold of the bucket") });
  });

  it("by a policy of the organization is none because the key is taken, though it has the same status", async () => {
    await setGcsFaults(server.address, { refuse: { status: 412, reason: "orgPolicyConstraintFailed", count: 1 } });
    await expect(open().create("job/a", value)).rejects.toMatchObject({ code: 412, retryable: false });
  });

  it("of bytes that were damaged on the way may pass", async () => {
    // A client whose checksum is not that of its bytes stands for a line that damages them.
    const client = new Client({
      apiEndpoint: server.address,
      projectId: "test",
      crc32cGenerator: () => ({ update: () => {}, validate: () => true, toString: () => "AAAAAA==" }),
    });
    await expect(open({ client }).create("job/a", value)).rejects.toMatchObject({ code: 400, retryable: true });
    expect(await open().get("job/a")).toBeUndefined();
  });
});

describe("a download that was damaged on the way", () => {
  it("is no value, and may pass", async () => {
    await open().put("job/a", value);
    await setGcsFaults(server.address, { corrupt: 1 });
    await expect(open().get("job/a")).rejects.toMatchObject({ code: "CONTENT_DOWNLOAD_MISMATCH", retryable: true });
    expect(await open().get("job/a")).toEqual(value);
  });
});

describe("a missing bucket", () => {
  it("is an error for every verb, and no missing value", async () => {
    const bucket = `none-${randomUUID()}`;
    const errors = await failures(open({ bucket }));
    for (const error of errors)
      expect(error).toMatchObject({
        code: 404,
        retryable: false,
        message: `There is no bucket "${bucket}". Create it, or correct the option bucket: The specified bucket does not exist`,
      });
  });
});

describe("the login", () => {
  /** Credentials whose login is the text of a file, and whose token comes from the server of the test. */
  function credentials(login: string): object {
    const file = join(folder, "login");
    writeFileSync(file, login);
    return {
      type: "external_account",
      audience: "//iam.googleapis.com/test",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${server.address}/token`,
      credential_source: { file },
    };
  }

  it("is made with the credentials, also at an address of one's own", async () => {
    await setGcsFaults(server.address, { token: gcsToken });
    const storage = open({ credentials: credentials(gcsLogin) });
    expect(await storage.create("job/a", value)).toBe(true);
    expect(await storage.get("job/a")).toEqual(value);
    writeFileSync(join(folder, "key.json"), JSON.stringify(credentials(gcsLogin)));
    expect(await open({ keyFilename: join(folder, "key.json") }).get("job/a")).toEqual(value);
  });

  it("is not tried at an address of one's own without credentials", async () => {
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", join(folder, "none.json"));
    expect(await open().create("job/a", value)).toBe(true);
    await setGcsFaults(server.address, { token: gcsToken });
    for (const error of await failures(open()))
      expect(error).toMatchObject({
        code: 401,
        retryable: false,
        message: expect.stringContaining("Give StorageGCS keyFilename or credentials"),
      });
  });

  it("that is refused says what to check, and is tried anew at the next call", async () => {
    await setGcsFaults(server.address, { token: gcsToken });
    const storage = open({ credentials: credentials("wrong login") });
    for (const error of await failures(storage))
      expect(error).toMatchObject({
        retryable: false,
        message: expect.stringMatching(
          /^Google refused the credentials\. Check that the key was not deleted.*invalid_grant/,
        ),
      });
    writeFileSync(join(folder, "login"), gcsLogin);
    expect(await storage.create("job/a", value)).toBe(true);
  });

  it("is given up where nobody answers, and is tried anew at the next call", async () => {
    const storage = open({ credentials: credentials(gcsLogin) });
    server.pause();
    try {
      await expect(storage.get("job/a")).rejects.toMatchObject({
        retryable: true,
        message: "The login to Google Cloud got no answer within 10 seconds",
      });
    } finally {
      server.resume();
    }
    expect(await storage.create("job/a", value)).toBe(true);
  });

  it("fails for credentials that are missing, with the ways to give them", async () => {
    vi.stubEnv("METADATA_SERVER_DETECTION", "none");
    vi.stubEnv("HOME", folder);
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", "");
    // No address of one's own: the client would ask Google, if it had credentials.
    for (const error of await failures(new StorageGCS({ bucket: gcsBucket })))
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^No Google Cloud credentials were found\. Set GOOGLE_APPLICATION_CREDENTIALS.*gcloud auth application-default login.*keyFilename or credentials/,
        ),
      });
  });

  it.each<[string, Partial<StorageGCSOptions>, RegExp]>([
    [
      "a key file that is not there",
      { keyFilename: "none.json" },
      /^The key file for Google Cloud is not there\. Correct.*none\.json'$/,
    ],
    [
      "a key file that is no JSON",
      { keyFilename: "key.json" },
      /^The key file or private key for Google Cloud can't be read.*: it is no valid JSON$/,
    ],
    [
      "a private key that is none",
      { credentials: { client_email: "a@b.c", private_key: "hunter2" } },
      /private key for Google Cloud can't be read/,
    ],
    ["credentials without a key", { credentials: { client_email: "a@b.c" } }, /private_key/],
  ])("fails for %s, and quotes nothing of it", async (_, options, message) => {
    writeFileSync(join(folder, "key.json"), '{ "private_key": hunter2 }');
    const keyFilename = options.keyFilename && join(folder, options.keyFilename);
    for (const error of await failures(open({ ...options, keyFilename }))) {
      expect(error).toMatchObject({ message: expect.stringMatching(message) });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
    }
  });

  it("leaves no token in any error", async () => {
    const storage = open({ credentials: credentials(gcsLogin) });
    await setGcsFaults(server.address, { token: "another token" });
    const wrongToken = await failures(storage);
    await setGcsFaults(server.address, { refuse: { status: 503, reason: "backendError", count: 5 } });
    const unavailable = await failures(storage);
    await setGcsFaults(server.address, { dropAnswers: 5 });
    const dropped = await failures(storage);
    const refusedLogin = await failures(open({ credentials: credentials("hunter2") }));
    for (const error of [...wrongToken, ...unavailable, ...dropped, ...refusedLogin]) {
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(new RegExp(`${gcsToken}|hunter2`));
    }
  });
});
