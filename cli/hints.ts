// What a person can do next about an error, kept beside it.

const hints = new WeakMap<object, string>();

/** Gives `error` with a hint for whoever reports it. */
export function addHint(error: unknown, hint: string): unknown {
  if (typeof error === "object" && error !== null) hints.set(error, hint);
  return error;
}

export function hintOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null ? hints.get(error) : undefined;
}
