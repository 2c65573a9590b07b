// How StorageS3 fails: what its errors say, which of them pass, and what never stands in them. The answers that no local
// server gives come from a gateway in front of a real one.
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { action, DotFlow, type Storage } from "dotflow";
import { StorageS3, type StorageS3Options } from "dotflow/storage/s3";
import { bucket, credentials } from "./servers/r2.ts";
import { type Gateway, type GatewayRequest, respond, s3Error, startGateway } from "./servers/s3-gateway.ts";
import { sharedServer } from "./servers/shared.ts";
import { keysOf } from "./storages.ts";

const value = new TextEncoder().encode("value");
const verbs = {
  get: (storage: Storage) => storage.get("job/a"),
  put: (storage: Storage) => storage.put("job/a", value),
  create: (storage: Storage) => storage.create("job/b", value),
  list: (storage: Storage) => keysOf(storage),
  delete: (storage: Storage) => storage.delete("job/a"),
};
type Verb = keyof typeof verbs;
const allVerbs = Object.keys(verbs) as Verb[];

let gateway: Gateway;
let storage: StorageS3;

beforeEach(async () => {
  gateway = await startGateway(await sharedServer("r2"));
  storage = open();
  await storage.put("job/a", value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await gateway.stop();
});

function open(options: Partial<StorageS3Options> = {}): StorageS3 {
  return new StorageS3({
    bucket,
    prefix: randomUUID(),
    endpoint: gateway.endpoint,
    region: "auto",
    credentials,
    ...options,
  });
}

/** Answers the requests for values, not those of the check. */
function answer(reply: (response: ServerResponse, request: GatewayRequest) => true | undefined): void {
  gateway.answer((request, response) => reply(response, request));
}

describe("a store that says no", () => {
  it.each<[Verb, RegExp]>([
    ["get", /need s3:GetObject on its objects and s3:ListBucket on the bucket/],
    ["put", /need s3:PutObject on its objects.*kms:GenerateDataKey.*A bucket policy that demands s3:if-none-match/],
    ["create", /need s3:PutObject on its objects(?!.*s3:if-none-match)/],
    ["list", /need s3:ListBucket on the bucket/],
    ["delete", /need s3:DeleteObject on its objects/],
  ])("names the permission that %s needs", async (verb, text) => {
    answer((response) => s3Error(response, 403, "AccessDenied"));
    await expect(verbs[verb](storage)).rejects.toMatchObject({
      name: "AccessDenied",
      retryable: false,
      message: expect.stringMatching(text),
    });
  });

  it.each(allVerbs)("names the bucket that is not there, also for %s", async (verb) => {
    await expect(verbs[verb](open({ bucket: "nowhere" }))).rejects.toMatchObject({
      name: "NoSuchBucket",
      retryable: false,
      message: expect.stringContaining('there is no bucket "nowhere"; make it, or correct bucket, region or endpoint'),
    });
  });

  it.each<[string, StorageS3Options["credentials"]]>([
    ["a wrong secret", { ...credentials, secretAccessKey: "wrong-secret-hunter2" }],
    ["an unknown key", { accessKeyId: "AKIDUNKNOWN", secretAccessKey: "wrong-secret-hunter2" }],
  ])("says that credentials are not accepted: %s", async (_, wrong) => {
    for (const verb of allVerbs) {
      const error: unknown = await verbs[verb](open({ credentials: wrong })).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        retryable: false,
        message: expect.stringContaining("the credentials are not accepted"),
      });
      expect(everythingOf(error)).not.toContain("hunter2");
    }
  });

  it("says that no credentials and no region were found", async () => {
    const files = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];
    for (const name of files) vi.stubEnv(name, "/nowhere");
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"])
      vi.stubEnv(name, undefined);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    await expect(open({ credentials: undefined }).get("job/a")).rejects.toMatchObject({
      message: expect.stringMatching(
        /no credentials were found; give the option credentials.*CredentialsProviderError/,
      ),
    });
    await expect(open({ region: undefined }).get("job/a")).rejects.toThrow("give the option region or set AWS_REGION");
  });

  it.each([
    [301, "PermanentRedirect", "the bucket lies in another region"],
    [400, "AuthorizationHeaderMalformed", "the bucket lies in another region"],
    [400, "ExpiredToken", "the credentials are not accepted"],
    [403, "InvalidObjectState", "moved to an archive"],
    [400, "EntityTooLarge", "larger than this store takes"],
  ])("is told with what to do: %i %s", async (status, code, text) => {
    answer((response) => s3Error(response, status, code));
    await expect(storage.get("job/a")).rejects.toMatchObject({
      name: code,
      retryable: false,
      message: expect.stringContaining(text),
    });
  });
});

describe("a failure that passes", () => {
  it.each<[number, string]>([
    [409, "ConditionalRequestConflict"],
    [409, "OperationAborted"],
    [409, "SomethingElse"],
    [403, "SlowDown"],
    [400, "RequestTimeout"],
    [403, "RequestTimeTooSkewed"],
    [429, "TooManyRequests"],
    [500, "InternalError"],
    [503, "SlowDown"],
    [503, "ServiceUnavailable"],
    [400, "KMS.ThrottlingException"],
    [502, "Bad"],
  ])("may be tried again, for every verb: %i %s", async (status, code) => {
    answer((response) => s3Error(response, status, code));
    for (const verb of allVerbs)
      await expect(verbs[verb](storage)).rejects.toMatchObject({ name: code, retryable: true });
  });

  it("costs a run no more than another request", async () => {
    const answers = [
      [409, "ConditionalRequestConflict"],
      [503, "SlowDown"],
      [500, "InternalError"],
    ] as const;
    const steps = Array.from({ length: 6 }, (_, index) => vi.fn<() => Promise<number>>(async () => index));
    let failed = 0;
    answer((response, { method, path }) => {
      if (method !== "PUT" || !path.includes("/steps/") || failed >= 9 || ++failed % 3 === 0) return undefined;
      const [status, code] = answers[failed % 3] ?? [500, "InternalError"];
      return s3Error(response, status, code);
    });
    const workflow = new DotFlow({ workflowId: "passing", storage });
    for (const [index, step] of steps.entries()) workflow.task.add(action({ name: `step-${index}` }, step));
    expect((await workflow.start()).status).toBe("completed");
    expect(failed).toBeGreaterThanOrEqual(9);
    for (const step of steps) expect(step).toHaveBeenCalledTimes(1);
  });
});

describe("a clock that is wrong", () => {
  it("is set right by the time that the store gives with its refusal", async () => {
    const hour = 3_600_000;
    const theirs = Date.now() + hour;
    answer((response) => {
      response.setHeader("date", new Date(theirs).toUTCString());
      return s3Error(response, 403, "RequestTimeTooSkewed");
    });
    const fresh = open();
    for (let call = 0; call < 2; call++) await expect(fresh.get("job/a")).rejects.toMatchObject({ retryable: true });
    const [first, second] = gateway.requests.slice(-2).map(({ headers }) => signedAt(headers["x-amz-date"]));
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(hour - 60_000);
  });

  /** The time of a request, written as `20261121T060000Z`. */
  function signedAt(header: unknown): number {
    return Date.parse(String(header).replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
  }
});

describe("an answer that is not what its status says", () => {
  it("is a refusal where its name says that the key is taken", async () => {
    answer((response) => s3Error(response, 200, "PreconditionFailed"));
    expect(await storage.create("job/b", value)).toBe(false);
    await expect(storage.put("job/a", value)).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  it("is no success with the status 200 and an error in it", async () => {
    answer((response) => s3Error(response, 200, "InternalError"));
    for (const verb of ["put", "create"] as const)
      await expect(verbs[verb](storage)).rejects.toMatchObject({ name: "InternalError", retryable: true });
  });

  it.each([
    [
      "an error with something behind it",
      '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>\n'.padEnd(200),
    ],
    ["nothing", ""],
  ])("is not known to be a success without a tag: %s", async (_, body) => {
    answer((response) => respond(response, 200, {}, body));
    for (const verb of ["put", "create"] as const)
      await expect(verbs[verb](storage)).rejects.toMatchObject({
        retryable: true,
        message: expect.stringContaining("it is not known whether the value was stored"),
      });
  });

  it("is no missing key where something else than S3 says 404", async () => {
    answer((response) =>
      respond(response, 404, { "content-type": "text/html" }, "<html><body>Not found</body></html>"),
    );
    // One line: what the SDK says to its own developers is left out.
    await expect(storage.get("job/a")).rejects.toThrow(/^nothing answers there as S3 does; check endpoint.*"\)$/);
    answer((response) => respond(response, 404, {}, ""));
    await expect(storage.get("job/a")).rejects.toThrow("nothing answers there as S3 does; check endpoint");
  });

  it("is a missing key where S3 says so", async () => {
    expect(await storage.get("job/missing")).toBeUndefined();
    await expect(storage.delete("job/missing")).resolves.toBeUndefined();
    answer((response) => s3Error(response, 404, "NoSuchKey"));
    expect(await storage.get("job/a")).toBeUndefined();
    await expect(storage.delete("job/a")).resolves.toBeUndefined();
  });

  it.each([
    ["no listing", "<html></html>"],
    [
      "a listing that is cut",
      "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>",
    ],
    [
      "a listing that begins anew with each page",
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken></ListBucketResult>",
    ],
  ])("is never a short listing: %s", async (_, body) => {
    answer((response) => respond(response, 200, { "content-type": "application/xml" }, body));
    await expect(keysOf(storage)).rejects.toThrow("the answer is no listing as ListObjectsV2 gives it");
  });

  it("is never half a value: the connection ends in the middle", async () => {
    answer((response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("x".repeat(400), () => response.destroy());
      return true;
    });
    await expect(storage.get("job/a")).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

describe.concurrent("a store that does not answer", () => {
  it.each<[string, (response: ServerResponse) => true]>([
    ["nothing", () => true],
    [
      "half a value",
      (response) => {
        response.writeHead(200, { "content-length": "1000" });
        return response.write("x".repeat(400)) || true;
      },
    ],
  ])("is given up in time for a second attempt: %s", async (_, silence) => {
    const silent = await startGateway(await sharedServer("r2"));
    try {
      silent.answer((_request, response) => silence(response));
      const hanging = open({ endpoint: silent.endpoint });
      await expect(hanging.get("job/a")).rejects.toMatchObject({
        retryable: true,
        message: expect.stringContaining("no answer within 10 seconds"),
      });
    } finally {
      await silent.stop();
    }
  });

  it("is given up also where its credentials never come", async () => {
    const silent = open({ credentials: () => new Promise(() => {}) });
    await expect(silent.get("job/a")).rejects.toMatchObject({ code: "ETIMEDOUT", retryable: true });
  });

  it("is waited for as long as parts of a value keep coming", async () => {
    const slow = await startGateway(await sharedServer("r2"));
    try {
      slow.answer((_request, response) => {
        response.writeHead(200, { "content-length": "1000" });
        let parts = 0;
        const timer = setInterval(() => {
          response.write("x".repeat(200));
          if (++parts < 5) return;
          clearInterval(timer);
          response.end();
        }, 2_500);
        return true;
      });
      expect((await open({ endpoint: slow.endpoint }).get("job/a"))?.length).toBe(1_000);
    } finally {
      await slow.stop();
    }
  });
});

describe("an error", () => {
  it("holds no token, signature or key, wherever one looks", async () => {
    const secrets =
      "<Token-0>hunter2</Token-0><AWSAccessKeyId>hunter2</AWSAccessKeyId><SignatureProvided>hunter2</SignatureProvided><StringToSign>hunter2</StringToSign><RequestId>request-1</RequestId>";
    answer((response) => s3Error(response, 400, "InvalidToken", secrets));
    const temporary = open({
      credentials: { accessKeyId: "AKID", secretAccessKey: "hunter2", sessionToken: "hunter2" },
    });
    const error: unknown = await temporary.get("job/a").catch((reason: unknown) => reason);
    expect(everythingOf(error)).not.toContain("hunter2");
    expect(everythingOf(error)).toContain("InvalidToken");
  });

  it("becomes a StorageError with the SDK's error as its cause", async () => {
    answer((response) => s3Error(response, 403, "AccessDenied"));
    const workflow = new DotFlow({ workflowId: "denied", storage });
    workflow.task.add(action({ name: "step" }, async () => 1));
    await expect(workflow.start()).rejects.toMatchObject({
      code: "STORAGE",
      operation: "list",
      retryable: false,
      cause: { name: "AccessDenied", $metadata: { httpStatusCode: 403 } },
    });
  });
});

/** All that printing an error could show, and more. */
function everythingOf(error: unknown): string {
  return inspect(error, { depth: 12, maxStringLength: Infinity });
}
