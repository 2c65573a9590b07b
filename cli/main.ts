#!/usr/bin/env node
// The command `dotflow`. It reads the command line and leaves the rest to one file a command.
import { refuseEarlyEnd } from "./early-end.ts";
import { exitWith } from "./exit.ts";
import { makeProgram } from "./program.ts";
import { Terminal } from "./terminal.ts";

const terminal = new Terminal(process.stdout, process.stderr, process.env);
refuseEarlyEnd(terminal, process.argv);

makeProgram(terminal)
  .parseAsync(process.argv)
  .then(
    () => terminal.finish(process.exitCode),
    (error: unknown) => exitWith(terminal, error, process.argv),
  )
  .catch((error: unknown) => {
    // What can't even be reported must not look like success.
    process.exitCode = 1;
    throw error;
  });
