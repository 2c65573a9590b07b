// Values on the command line: JSON, or `@file` for JSON in a file, or `@-` for stdin.
import { readFileSync } from "node:fs";
import { UsageError } from "./exit.ts";

export function readJson(text: string, what: string): unknown {
  const json = text.startsWith("@") ? readText(text.slice(1), what) : text;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = text.startsWith("@") ? "" : ` A text needs quotes of its own: '"${text.slice(0, 20)}"'.`;
    throw new UsageError(`${what} is no JSON: ${why}.${hint}`, { cause });
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw new UsageError(`${what} names the file ${path}, which can't be read.`, { cause });
  }
}
