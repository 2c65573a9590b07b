// Errors of Azure's SDK, said so that people know what to do, and whether the same call may go through later.

/** The names that Azure gives its errors, and the codes of Node's network. */
const advice: Readonly<Record<string, string>> = {
  ContainerNotFound:
    "it does not exist; create it: az storage container create --auth-mode login --account-name ACCOUNT --name ",
  ContainerBeingDeleted: "it is being deleted; use another one, or create it again when that is done",
  AccountIsDisabled: "its account is disabled",
  AuthenticationFailed:
    "Azure refused the login; check the key or the dates of the SAS token, and the clock of this machine",
  AuthorizationFailure:
    "Azure refused the request; check the key or the SAS token (permissions r, c, w, d and l), and the firewall of the account",
  AuthorizationPermissionMismatch:
    'this identity or SAS token may not do that; it needs the role "Storage Blob Data Contributor" on the container, or the permissions r, c, w, d and l',
  AuthorizationProtocolMismatch: "the SAS token does not allow this protocol; use https",
  AuthorizationResourceTypeMismatch:
    "the SAS token is not for blobs; an account's one needs the resource types c and o",
  AuthorizationServiceMismatch: "the SAS token is not for the Blob service",
  AuthorizationSourceIPMismatch: "the SAS token does not allow the address of this machine",
  InvalidAuthenticationInfo: "Azure does not understand the login; check the credential",
  NoAuthenticationInformation: "Azure asks for a login; give a credential",
  KeyBasedAuthenticationNotPermitted: "its account allows no keys; give a credential of @azure/identity",
  BlobArchived: "the blob was moved to the archive tier; bring it back, and exclude checkpoints from that rule",
  BlobImmutableDueToPolicy:
    "an immutability policy or a legal hold forbids to replace or remove blobs; use another container",
  SnapshotsPresent: "the blob has snapshots that something else made; remove them first",
  RequestBodyTooLarge: "the value is too large for one blob",
  ENOTFOUND: "the host of the account is unknown; check the options account and endpoint",
};

/** Kinds of failures that pass by themselves, where the network's codes don't say so already. */
const passing = ["ServerBusy", "InternalError", "OperationTimedOut", "REQUEST_SEND_ERROR", "PARSE_ERROR"];
const passingStatuses = [408, 429, 500, 502, 503, 504];

/** The SDK's error. Its `retryable` is set where Azure's answer tells, or the SDK hides the code of the network. */
export function explained(error: unknown, container: string): unknown {
  if (!(error instanceof Error) || "retryable" in error) return error;
  const name = nameOf(error);
  const { statusCode } = error as { statusCode?: unknown };
  if (name === "" && statusCode === undefined) return error;
  const retryable = passing.includes(name) || passingStatuses.includes(statusCode as number);
  const known = advice[name];
  const what = known === undefined ? firstLine(error.message) : known + (name === "ContainerNotFound" ? container : "");
  const details = [name, statusCode, requestOf(error)].filter(Boolean).join(", ");
  const message = `container ${JSON.stringify(container)}: ${what} (${details})`;
  return Object.assign(error, { message, ...((retryable || statusCode !== undefined) && { retryable }) });
}

/** What Azure calls the error, which tells more than its status; else the network's code. */
export function nameOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** Microsoft's support asks for it. */
function requestOf(error: Error): string {
  const { details } = error as { details?: Readonly<Record<string, unknown>> };
  const id = details?.["x-ms-request-id"] ?? details?.["requestId"];
  return typeof id === "string" ? `request ${id}` : "";
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").trim().replace(/\.$/, "");
}
