// How the command ends: the exit codes, and errors as one clear paragraph.
import { hintOf } from "./hints.ts";
import type { Terminal } from "./terminal.ts";

export const exitCodes = {
  completed: 0,
  failed: 1,
  wrongUse: 2,
  suspended: 3,
  locked: 4,
  cancelled: 130,
} as const;

/** The command line asks for something that does not exist. The text says what to do instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The process ends before the command has. Its text says all there is to say: it has no stack of interest. */
export class EarlyEndError extends Error {
  override readonly name = "EarlyEndError";
}

/** The codes of those errors of dotflow that are not simply failures. */
const codesOfErrors = new Map<unknown, number>([
  ["INVALID_WORKFLOW", exitCodes.wrongUse],
  ["NOTHING_TO_RESUME", exitCodes.wrongUse],
  ["WORKFLOW_LOCKED", exitCodes.locked],
  ["LEASE_LOST", exitCodes.locked],
]);

/** Reports what was thrown, and ends the process. */
export async function exitWith(terminal: Terminal, error: unknown, argv: readonly string[]): Promise<never> {
  return terminal.finish(commanderExit(error) ?? report(terminal, error, argv));
}

/** Says what was thrown, and gives the exit code for it. */
export function report(terminal: Terminal, error: unknown, argv: readonly string[]): number {
  const { code, message, stack } = partsOf(error);
  if (argv.includes("--json")) terminal.json({ type: "error", code, message });
  const isOurs = error instanceof UsageError || error instanceof EarlyEndError || code !== undefined;
  const name = isOurs || nameOf(error) === "Error" ? "" : `${nameOf(error)}: `;
  terminal.complain(terminal.style("red", "error ") + terminal.safe(name + message));
  const hint = hintOf(error);
  if (hint !== undefined) terminal.complain(terminal.safe(hint));
  if (argv.includes("--verbose")) terminal.complain(terminal.safe(stack));
  else if (!isOurs) terminal.complain(terminal.style("dim", "Run it again with --verbose to see where it comes from."));
  return error instanceof UsageError ? exitCodes.wrongUse : (codesOfErrors.get(code) ?? exitCodes.failed);
}

/** Commander throws to end the process: it has said why already. Its 1 is a wrong use, its 0 a `--help`. */
function commanderExit(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, exitCode } = error as { code?: unknown; exitCode?: unknown };
  if (typeof code !== "string" || !code.startsWith("commander.") || typeof exitCode !== "number") return undefined;
  return exitCode === 0 ? 0 : exitCodes.wrongUse;
}

function partsOf(error: unknown): { code: string | undefined; message: string; stack: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error), stack: String(error) };
  const { code } = error as { code?: unknown };
  const ours = typeof code === "string" && /^[A-Z_]+$/.test(code) && !/^E[A-Z]+$|^ERR_/.test(code) ? code : undefined;
  const cause = error.cause instanceof Error ? `\nCaused by ${error.cause.stack ?? error.cause.message}` : "";
  return { code: ours, message: error.message, stack: (error.stack ?? error.message) + cause };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Thrown";
}
