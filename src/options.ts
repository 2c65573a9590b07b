// Checks that are the same for every bag of options.
import { InvalidWorkflowError } from "./errors.ts";

/** Refuses an option that does not exist, so that a misspelt one is not silently ignored. */
export function refuseUnknown(given: object, known: readonly string[], where: string): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new InvalidWorkflowError(`${where} takes an object of options.`);
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw new InvalidWorkflowError(`${where} has no option "${name}". It has: ${known.join(", ")}.`);
  }
}

/** Refuses a value that is none of `allowed`; `undefined` passes. */
export function requireOneOf(value: unknown, allowed: readonly unknown[], what: string): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new InvalidWorkflowError(`${what} is ${show(value)}. It can be ${allowed.map(show).join(", ")}.`);
}

/** Refuses what is not a function; `undefined` passes. */
export function requireFunction(value: unknown, what: string): void {
  if (value === undefined || typeof value === "function") return;
  throw new InvalidWorkflowError(`${what} is ${show(value)}. It must be a function.`);
}

/** Refuses what is not a whole number of at least `least`; `undefined` passes. */
export function requireWhole(value: unknown, least: number, what: string): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && (value as number) >= least)) return;
  throw new InvalidWorkflowError(`${what} is ${show(value)}. It must be a whole number of at least ${least}.`);
}

/** Whether a value can be a name under which something is saved: written as UTF-8, texts that are not well-formed would all be one. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !/\p{Surrogate}/u.test(value);
}

/** A value as a short text for an error message. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "object" && value !== null) return `an object of ${value.constructor?.name || "no class"}`;
  return typeof value === "function" ? `the function ${value.name || "(unnamed)"}` : String(value);
}
