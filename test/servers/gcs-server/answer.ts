// What the server answers, and its errors in the form of the JSON API.

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes and texts are sent as they are, anything else as JSON. */
  readonly body?: unknown;
}

/** A request that the service refuses, by the `reason` that clients look at. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export const noBucket = (): Refusal => new Refusal(404, "notFound", "The specified bucket does not exist.");

export const noObject = (bucket: string, name: string): Refusal =>
  new Refusal(404, "notFound", `No such object: ${bucket}/${name}`);

export const conditionNotMet = (): Refusal =>
  new Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");

export const tooFast = (bucket: string, name: string): Refusal =>
  new Refusal(
    429,
    "rateLimitExceeded",
    `The object ${bucket}/${name} exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.`,
  );

/** Downloads get the bare text, everything else the error object. */
export function refused({ status, reason, message }: Refusal, isDownload: boolean): Answer {
  if (status === 304) return { status };
  if (isDownload) return { status, headers: { "content-type": "text/html; charset=UTF-8" }, body: message };
  const domain = reason === "rateLimitExceeded" ? "usageLimits" : "global";
  return { status, body: { error: { code: status, message, errors: [{ message, domain, reason }] } } };
}
