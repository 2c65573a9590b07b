// How a check says that a storage breaks the contract.

/** A storage does not do what the contract asks: the text says what was found and why the engine needs it. */
export class ContractViolation extends Error {
  override readonly name = "ContractViolation";
  readonly theme: string;
  readonly check: string;

  constructor(message: string, details: { theme: string; check: string; cause?: unknown }) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.theme = details.theme;
    this.check = details.check;
  }
}

/** What a check found, before theme and reason are known. */
export class Finding extends Error {}

/** A key as it is shown to people, cut where it is long. */
export function quoted(key: string): string {
  return key.length > 60 ? `"${key.slice(0, 50)}…" (${key.length} characters)` : `"${key}"`;
}

/** Ends the check with `finding` unless `condition` holds. */
export function demand(condition: boolean, finding: string): asserts condition {
  if (!condition) throw new Finding(finding);
}
