// Errors of the client of Cloud Storage: what they mean, whether the same call may go through later, and said so that
// people know what to do. The client's own errors hold its requests with the access token, so nothing but text is taken over.

/** An error of Cloud Storage, fit to be shown. */
interface GCSError extends Error {
  /** The HTTP status, or the code of the network such as `ECONNRESET`. */
  readonly code?: unknown;
  /** Google's word for it, such as `forbidden`. */
  readonly reason?: string;
  /** Whether the same call may go through later; missing where only the code of the network says it. */
  readonly retryable?: boolean;
}

/** Whether the object was there, for a call that asked for none. Policies of an organization refuse with the same status. */
export function isRefused(error: unknown): boolean {
  const { status, reason = "conditionNotMet" } = factsOf(error);
  return status === 412 && reason === "conditionNotMet";
}

/** Whether the object is missing, and not the bucket. */
export const isMissing = (error: unknown): boolean => factsOf(error).status === 404 && !isBucketMissing(factsOf(error));

/** Whether a name was changed more often than once a second. Nothing was done. */
export function isTooFast(error: unknown): boolean {
  const { status, reason } = factsOf(error);
  return status === 429 || reason === "rateLimitExceeded";
}

/** Gives an error that says what the client's one means, and what to do. `bucket` is the one that was asked. */
export function explained(error: unknown, bucket?: string): unknown {
  // Where it is set, the error is ours, and says all.
  if (!(error instanceof Error) || "retryable" in error) return error;
  const { code, reason, said } = factsOf(error);
  const retryable = isRetryable(error);
  const advice = retryable ? undefined : adviceOn(error, bucket);
  const text = [advice, said].filter((part) => part !== undefined && part !== "").join(": ");
  const explanation: GCSError = Object.assign(new Error(text), { name: error.name }, code !== undefined && { code });
  return Object.assign(explanation, reason !== undefined && { reason }, retryable !== undefined && { retryable });
}

/** By the name of what happened first, by the status second. `undefined` leaves it to the guard, which knows network codes. */
function isRetryable(error: unknown): boolean | undefined {
  const { code, type, reason, status, said } = factsOf(error);
  if (reason !== undefined && passingReasons.includes(reason)) return true;
  if (code === "CONTENT_DOWNLOAD_MISMATCH" || code === "ERR_STREAM_PREMATURE_CLOSE") return true;
  // Of the fetch under the client: answers that did not come, or not whole.
  if (type !== undefined && passingTypes.includes(type)) return true;
  if (status === undefined) return undefined;
  // The service found another checksum than ours over what it received.
  if (status === 400 && /crc32c/i.test(said)) return true;
  return status === 408 || status === 429 || status >= 500;
}

const passingReasons = ["rateLimitExceeded", "userRateLimitExceeded", "backendError", "internalError"];
const passingTypes = ["request-timeout", "body-timeout", "invalid-json"];

function adviceOn(error: unknown, bucket: string | undefined): string | undefined {
  const facts = factsOf(error);
  const { status, reason, said, code } = facts;
  const name = bucket === undefined ? "" : ` ${JSON.stringify(bucket)}`;
  if (/Could not load the default credentials/.test(said))
    return "No Google Cloud credentials were found. Set GOOGLE_APPLICATION_CREDENTIALS to the path of a key file, run gcloud auth application-default login, or give StorageGCS keyFilename or credentials";
  if (/invalid_grant|invalid_client/.test(said))
    return "Google refused the credentials. Check that the key was not deleted and that the clock of this machine is right";
  if (status === 401)
    return "Cloud Storage wants a login that is valid. Give StorageGCS keyFilename or credentials, or set GOOGLE_APPLICATION_CREDENTIALS";
  if (reason === "retentionPolicyNotMet" || reason === "objectUnderActiveHold")
    return `A retention policy or a hold of the bucket${name} forbids to replace and delete objects. Use a bucket without one`;
  if (status === 403)
    return `The account may not do this in the bucket${name}. Give it the role roles/storage.objectUser there`;
  if (isBucketMissing(facts)) return `There is no bucket${name}. Create it, or correct the option bucket`;
  if (code === "ENOENT")
    return "The key file for Google Cloud is not there. Correct keyFilename or GOOGLE_APPLICATION_CREDENTIALS";
  if (said === noJson || String(code).startsWith("ERR_OSSL"))
    return "The key file or private key for Google Cloud can't be read. Download it anew";
  // The client sends an upload's bytes before it finds that it can't log in, and tells only of the former.
  if (code === "ERR_STREAM_DESTROYED") return "The client could not send a request. Check its credentials";
  return undefined;
}

interface Facts {
  readonly code?: unknown;
  readonly status?: number;
  readonly type?: string;
  readonly reason?: string;
  readonly said: string;
}

const noJson = "it is no valid JSON";

const isBucketMissing = ({ status, said }: Facts): boolean => status === 404 && /bucket does not exist/i.test(said);

function factsOf(error: unknown): Facts {
  // Read as what it may be: each field is looked at before it is used.
  const { code, status, type, errors, message } = Object(error) as Record<string, unknown>;
  const body = typeof message === "string" ? bodyIn(message) : undefined;
  const statuses = [code, status].map(Number).filter((each) => Number.isInteger(each) && each >= 300);
  const list: unknown = Array.isArray(errors) && errors.length > 0 ? errors : body?.errors;
  const reason: unknown = Array.isArray(list) ? (Object(list[0]) as { reason?: unknown }).reason : undefined;
  const text = String(body?.message ?? message);
  return {
    code,
    ...(statuses[0] !== undefined && { status: statuses[0] }),
    ...(typeof type === "string" && { type }),
    ...(typeof reason === "string" && { reason }),
    // The text of a syntax error quotes the file that it was found in.
    said: /not valid JSON|JSON at position/.test(text) ? noJson : text.trim().replace(/\.$/, ""),
  };
}

/** A failed download has the whole answer as its text, which is JSON at times. */
function bodyIn(message: string): { message?: unknown; errors?: unknown } | undefined {
  if (!message.startsWith("{")) return undefined;
  try {
    return (JSON.parse(message) as { error?: { message?: unknown; errors?: unknown } }).error;
  } catch {
    return undefined;
  }
}
