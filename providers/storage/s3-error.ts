// Errors of S3, said so that people know what to do, and whether the same call may go through a moment later.

/** The requests that are sent. */
export type S3Operation = "GetObject" | "PutObject" | "ListObjectsV2" | "DeleteObject";

/** What a failed request was about. */
export interface S3Request {
  readonly operation: S3Operation;
  readonly bucket: string;
  /** Whether it is a `PutObject` that may only create. */
  readonly createOnly?: boolean;
}

const permissions: Readonly<Record<S3Operation, string>> = {
  GetObject:
    "s3:GetObject on its objects and s3:ListBucket on the bucket (without s3:ListBucket S3 answers so for each key that is not there)",
  PutObject: "s3:PutObject on its objects, and for a KMS key kms:GenerateDataKey and kms:Decrypt",
  ListObjectsV2: "s3:ListBucket on the bucket",
  DeleteObject: "s3:DeleteObject on its objects",
};

const badCredentials = "the credentials are not accepted; check access key, secret and session token, and their expiry";
const otherRegion = "the bucket lies in another region; give its region";

const advice: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: badCredentials,
  SignatureDoesNotMatch: badCredentials,
  InvalidToken: badCredentials,
  ExpiredToken: badCredentials,
  TokenRefreshRequired: badCredentials,
  Unauthorized: badCredentials,
  CredentialsProviderError:
    "no credentials were found; give the option credentials, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or let the machine have a role",
  RequestTimeTooSkewed: "the clock of this machine is wrong by minutes; set it",
  PermanentRedirect: otherRegion,
  AuthorizationHeaderMalformed: otherRegion,
  IllegalLocationConstraintException: otherRegion,
  InvalidObjectState: "the object was moved to an archive; restore it, and keep lifecycle rules away from this prefix",
  EntityTooLarge: "the value is larger than this store takes",
  QuotaExceeded: "the quota of the bucket is used up; free some space",
  InsufficientStorage: "the store is full; free some space",
};

/** Names of errors that pass. Everything that throttles has it in its name, also that of KMS. */
const passing =
  /throttl|^(SlowDown|TooManyRequests|RequestLimitExceeded|BandwidthLimitExceeded|InternalError|ServiceUnavailable|RequestTimeout|RequestTimeTooSkewed|ConditionalRequestConflict|OperationAborted|TimeoutError)/i;
const passingStatus = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** The fields of the SDK's errors that stay. Others can hold a session token or parts of a signature. */
const harmless =
  /^(\$.*|name|message|stack|cause|retryable|[cC]ode|Region|RequestId|HostId|errno|syscall|address|port|hostname)$/;

/**
 * Gives the SDK's error with a text for people. `retryable` is set wherever S3 has answered: by the name of its error,
 * which says more than the status, else by the status. Errors of the network say by their code whether they pass.
 */
export function explained(error: unknown, request: S3Request): unknown {
  if (!(error instanceof Error)) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const code = (error as { code?: unknown }).code;
  const marks =
    status !== undefined ? [name, status] : typeof code === "string" ? [code] : name === "Error" ? [] : [name];
  const where = [...marks, request.operation, `bucket ${JSON.stringify(request.bucket)}`].join(", ");
  const known = adviceFor(error, request);
  // Some stores give a name and no text. In further lines the SDK talks to its own developers.
  const said = error.message === "UnknownError" ? "" : (error.message.split("\n")[0] ?? "").replace(/\.$/, "");
  const retryable = isPassing(error);
  for (const field of Object.keys(error)) if (!harmless.test(field)) Reflect.deleteProperty(error, field);
  return Object.assign(error, {
    message: `${[known, said].filter(Boolean).join(": ") || "the request failed"} (${where})`,
    ...(retryable !== undefined && { retryable }),
  });
}

/** Whether a `GetObject` says that there is no such key. A 404 of another name is not S3 speaking, or there is no bucket. */
export function isMissingKey(error: unknown): boolean {
  return nameOf(error) === "NoSuchKey";
}

/** Whether a create was refused because the key is taken. Some answers have this name with another status. */
export function isTaken(error: unknown): boolean {
  return nameOf(error) === "PreconditionFailed" || statusOf(error) === 412;
}

function adviceFor(error: Error, { operation, bucket, createOnly }: S3Request): string | undefined {
  const name = nameOf(error);
  const status = statusOf(error);
  if (name === "NoSuchBucket")
    return `there is no bucket ${JSON.stringify(bucket)}; make it, or correct bucket, region or endpoint`;
  if (createOnly && (name === "NotImplemented" || status === 501))
    return "this store has no conditional writes (If-None-Match: *), on which the records and leases of dotflow rest; it can't be used";
  if (advice[name] !== undefined) return advice[name];
  if (status === 401) return badCredentials;
  if (status === 403) return `these credentials may not do it; they need ${permissions[operation]}${policyHint()}`;
  if (status === 404) return "nothing answers there as S3 does; check endpoint and forcePathStyle";
  if ((error as { code?: unknown }).code === "ENOTFOUND")
    return "there is no such host; check endpoint, region, bucket and forcePathStyle";
  if (error.message.includes("Region is missing"))
    return 'give the option region or set AWS_REGION ("auto" for R2; most other stores take "us-east-1")';
  return undefined;

  function policyHint(): string {
    if (operation !== "PutObject" || createOnly) return "";
    return ". A bucket policy that demands s3:if-none-match forbids it too: leases are renewed by plain puts";
  }
}

function isPassing(error: Error): boolean | undefined {
  if (passing.test(nameOf(error))) return true;
  const code = (error as { code?: unknown }).code;
  if (code === "ERR_STREAM_PREMATURE_CLOSE") return true;
  const status = statusOf(error);
  return status === undefined ? undefined : passingStatus.has(status);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: unknown } } | null | undefined)?.$metadata;
  return typeof metadata?.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}
