// Sees to it that a process which ends before its command has ended does not look like success.
import { EarlyEndError, exitCodes, exitWith, report } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

const whatStays = "What was saved is still there, and a resume goes on with it.";

/** Node ends with 0 where nothing is left to do, whether or not a promise is still awaited, and at a `process.exit()` of the user's code. */
export function refuseEarlyEnd(terminal: Terminal, argv: readonly string[]): void {
  process.once("beforeExit", () => {
    if (terminal.isFinishing) return;
    const error = new EarlyEndError(
      `The command can't go on: what the file or a step awaits never comes, such as a promise that nobody resolves. ${whatStays}`,
    );
    void exitWith(terminal, error, argv);
  });
  process.once("exit", (code) => {
    if (terminal.isFinishing || code !== 0) return;
    const error = new EarlyEndError(
      `The code of the workflow ended the process, by process.exit() or the like, before the command had ended. ${whatStays}`,
    );
    report(terminal, error, argv);
    process.exitCode = exitCodes.failed;
  });
}
