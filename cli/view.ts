// How a run is shown while it goes on: drawn in a terminal, line by line elsewhere, or as JSON.
import type { WorkflowEvent } from "../src/index.ts";
import { JsonView } from "./json-view.ts";
import { LiveView } from "./live-view.ts";
import { PlainView } from "./plain-view.ts";
import type { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

export interface View {
  /** Called with every event, after the progress has heard of it. */
  event(event: WorkflowEvent): void;
  /** A line for the person who looks on. */
  say(text: string): void;
  /** Leaves the last state on the screen, and gives stdout back. */
  close(): void;
}

export function makeView(terminal: Terminal, progress: Progress, { json }: { readonly json?: boolean }): View {
  if (json) return new JsonView(terminal);
  return terminal.isLive ? new LiveView(terminal, progress) : new PlainView(terminal, progress);
}
