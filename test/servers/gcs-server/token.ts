// The token service that stands beside the storage: gives a token for a login, as Google's does for credentials of the type
// `external_account`.
import type { Answer } from "./answer.ts";

export const gcsLogin = "login-of-the-test";
export const gcsToken = "token-of-the-test";

export function exchangeToken(body: Buffer): Answer {
  if (new URLSearchParams(body.toString()).get("subject_token") !== gcsLogin)
    return { status: 400, body: { error: "invalid_grant", error_description: "The login is not valid." } };
  const issued_token_type = "urn:ietf:params:oauth:token-type:access_token";
  return { status: 200, body: { access_token: gcsToken, issued_token_type, token_type: "Bearer", expires_in: 3600 } };
}
