// Checks values against a Standard Schema (https://standardschema.dev): zod, valibot, arktype and others.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type ErrorDetails, InvalidWorkflowError, ValidationError } from "./errors.ts";

export type Schema = StandardSchemaV1;

export function requireSchema(value: unknown, what: string): void {
  if (value === undefined) return;
  if ((typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value) return;
  throw new InvalidWorkflowError(
    `${what} is not a Standard Schema. Give a schema of zod, valibot, arktype or another library that follows standardschema.dev.`,
  );
}

/** Gives the value as the schema makes it (with its defaults and transformations). Throws a `ValidationError` that lists the issues. */
export async function validate(schema: Schema, value: unknown, what: string, details: ErrorDetails): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map((issue) => ({ message: issue.message, path: pathText(issue.path) }));
  const listed = issues.slice(0, 5).map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message));
  throw new ValidationError(`The ${what} of "${details.taskId}" does not fit its schema: ${listed.join("; ")}`, {
    ...details,
    issues,
  });
}

function pathText(path: StandardSchemaV1.Issue["path"]): string {
  return (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
