// A terminal with a person before it: what is on the screen, and keys to press.
import pty from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { vi } from "vitest";
import { type Folder, program } from "./commands.ts";

export interface ScreenOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly columns?: number;
  readonly rows?: number;
}

export class Screen {
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  readonly #process: pty.IPty;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  /** Everything that was sent to the terminal, codes included. */
  sent = "";

  constructor(folder: Folder, args: readonly string[], { env, columns = 100, rows = 30 }: ScreenOptions = {}) {
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#process = pty.spawn(process.execPath, [program, ...args], {
      cols: columns,
      rows,
      cwd: folder.path,
      env: folder.env({ TERM: "xterm-256color", ...env }),
    });
    this.#process.onData((text) => {
      this.sent += text;
      this.#terminal.write(text);
    });
    this.ended = new Promise((resolve) => this.#process.onExit(({ exitCode }) => resolve(exitCode)));
  }

  press(keys: string): void {
    this.#process.write(keys);
  }

  /** Closes the terminal's window. */
  close(): void {
    // It is there on every system but Windows, and in no type.
    (this.#process as pty.IPty & { destroy(): void }).destroy();
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** The lines that can be seen or scrolled to, without the empty ones at the end. */
  lines(): string[] {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? "");
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  text(): string {
    return this.lines().join("\n");
  }

  async waitFor(text: string | RegExp): Promise<void> {
    const look = (): void => {
      const seen = this.text();
      if (typeof text === "string" ? !seen.includes(text) : !text.test(seen))
        throw new Error(`${String(text)} is not on the screen:\n${seen}`);
    };
    await vi.waitFor(look, { timeout: 20_000 });
  }

  /** The exit code, once all that was sent is on the screen. */
  async end(): Promise<number> {
    const code = await this.ended;
    await new Promise<void>((resolve) => this.#terminal.write("", resolve));
    return code;
  }
}

export const controlC = "\x03";
