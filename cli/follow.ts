// Follows a run that another process drives, by what it saves.
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckpointInfo, Checkpoints } from "../src/index.ts";
import { exitCodes, UsageError } from "./exit.ts";
import { duration, mark } from "./format.ts";
import { onInterrupt } from "./interrupts.ts";
import { describeStorage, openCheckpoints, openSaved, type StorageFlags } from "./storage.ts";
import type { Terminal } from "./terminal.ts";

export interface WatchFlags extends StorageFlags {
  readonly json?: boolean;
}

const pause = 1_000;

export async function follow(terminal: Terminal, asked: string | undefined, flags: WatchFlags): Promise<void> {
  const workflowId = asked ?? (await lastWorkflow(flags));
  const checkpoints = await openSaved(workflowId, flags);
  // To stop looking is no failure of the run, and does nothing to it.
  const stop = new AbortController();
  const stopListening = onInterrupt(() => stop.abort());
  const screen = new Screen(terminal, flags.json === true);
  try {
    await look(terminal, checkpoints, workflowId, screen, stop.signal);
  } finally {
    screen.clear();
    stopListening();
  }
}

async function lastWorkflow(flags: WatchFlags): Promise<string> {
  const [last] = await (await openCheckpoints("dotflow", flags)).workflows();
  if (last) return last.workflowId;
  throw new UsageError(`There are no workflows in ${describeStorage(flags)}.`);
}

async function look(
  terminal: Terminal,
  checkpoints: Checkpoints,
  workflowId: string,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  let runId: string | undefined;
  let total = 0;
  let seen = new Set<string>();
  for (;;) {
    const info = await checkpoints.info();
    if (info.runId !== runId) {
      runId = info.runId;
      seen = new Set();
      total = (await checkpoints.runs()).find((run) => run.runId === runId)?.total ?? 0;
      screen.begin(workflowId, info, total);
    }
    const news = [...info.completed, ...info.skipped].filter((id) => !seen.has(id));
    for (const id of news) {
      seen.add(id);
      screen.saved(id, info.skipped.includes(id) ? "skipped" : "completed");
    }
    if (info.status !== "running") return end(screen, info, total);
    screen.state(info, total);
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted || terminal.isClosed) {
      process.exitCode = exitCodes.cancelled;
      return;
    }
  }
}

function end(screen: Screen, info: CheckpointInfo, total: number): void {
  screen.end(info, total);
  process.exitCode = exitCodeOf(info.status);
}

/** As if this command had driven it. */
function exitCodeOf(status: CheckpointInfo["status"]): number {
  if (status === "completed" || status === "suspended" || status === "cancelled") return exitCodes[status];
  return exitCodes.failed;
}

/** Lines for what has happened, and in a terminal one that says how it stands. */
class Screen {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  #hasState = false;

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
  }

  begin(workflowId: string, { runId, status, owner }: CheckpointInfo, total: number): void {
    if (this.#json) return this.#terminal.json({ type: "run", workflowId, runId, status, total, owner });
    const by = owner ? `, driven by process ${owner.pid} on ${this.#terminal.line(owner.host)}` : "";
    this.#line(`${this.#terminal.style("bold", this.#terminal.line(workflowId))}  run ${runId}${by}`);
  }

  saved(taskId: string, status: string): void {
    if (this.#json) return this.#terminal.json({ type: "task", taskId, status });
    const { sign, style } = mark(status);
    this.#line(`${this.#terminal.style(style, sign)} ${this.#terminal.line(taskId)}`);
  }

  state({ total: saved, owner }: CheckpointInfo, total: number): void {
    if (this.#json || !this.#terminal.isLive) return;
    this.clear();
    const heard = owner ? `, last heard of ${duration(Date.now() - owner.renewedAt.getTime())} ago` : "";
    this.#terminal.write(this.#terminal.style("dim", `▶ ${saved} of ${total} saved${heard}`));
    this.#hasState = true;
  }

  end({ status, total: saved, failed, waiting }: CheckpointInfo, total: number): void {
    if (this.#json) return this.#terminal.json({ type: "end", status, saved, total, failed, waiting });
    const { sign, style } = mark(status ?? "");
    const more = [
      ...(failed.length > 0 ? [`failed: ${failed.join(", ")}`] : []),
      ...(waiting.length > 0 ? [`waiting: ${waiting.join(", ")}`] : []),
    ].join("; ");
    const text = `${saved} of ${total} saved${more && `; ${more}`}`;
    this.#line(`${this.#terminal.style(style, `${sign} ${status ?? "gone"}`)}  ${this.#terminal.line(text)}`);
  }

  /** Takes the line that says how it stands off the screen. */
  clear(): void {
    if (this.#hasState) this.#terminal.write("\r\x1b[K");
    this.#hasState = false;
  }

  #line(text: string): void {
    this.clear();
    this.#terminal.print(text);
  }
}
