// Shows a run to programs: one line of JSON for each event.
import type { WorkflowEvent } from "../src/index.ts";
import type { Terminal } from "./terminal.ts";

export class JsonView {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  event(event: WorkflowEvent): void {
    this.#terminal.json(event);
  }

  say(text: string): void {
    this.#terminal.complain(text);
  }

  close(): void {}
}
