// Shows a run in a terminal: a line for every task, drawn anew as it goes on. What steps print stands above it.
import type { WorkflowEvent } from "../src/index.ts";
import { duration, mark } from "./format.ts";
import { itemsText, type Progress, type TaskProgress, type TaskState } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

const frameTime = 100;
const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** ANSI codes. Lines are cut at the edge of the screen instead of wrapped, so that a line of ours is a line of the screen. */
const codes = {
  hideCursor: "\x1b[?25l",
  showCursor: "\x1b[?25h",
  noWrap: "\x1b[?7l",
  wrap: "\x1b[?7h",
  eraseDown: "\x1b[J",
};

/** Which tasks are shown first where the screen is too small for all. */
const importance: readonly TaskState[] = [
  "running",
  "retrying",
  "failed",
  "waiting",
  "cancelled",
  "pending",
  "completed",
  "restored",
  "skipped",
];

export class LiveView {
  readonly #terminal: Terminal;
  readonly #progress: Progress;
  readonly #undo: (() => void)[];
  readonly #timer: NodeJS.Timeout;
  readonly #onExit = (): void => this.#terminal.write(codes.showCursor + codes.wrap);
  /** What a step printed that is no whole line yet. */
  #unfinished = "";
  #drawn = 0;
  #frame = 0;
  #isClosed = false;

  constructor(terminal: Terminal, progress: Progress) {
    this.#terminal = terminal;
    this.#progress = progress;
    const above = (text: string | Uint8Array): void => this.#print(text);
    this.#undo = [terminal.divert(above), terminal.divertErrors(above)];
    process.once("exit", this.#onExit);
    terminal.write(codes.hideCursor);
    this.#timer = setInterval(() => this.#draw(), frameTime);
    this.#timer.unref();
  }

  event(event: WorkflowEvent): void {
    if (event.type === "warning")
      this.say(`${this.#terminal.style("yellow", "warning")} ${this.#terminal.line(event.message)}`);
    // The timer draws the rest: a thousand tasks may end in a frame.
    if (event.type.startsWith("run.")) this.#draw();
  }

  say(text: string): void {
    this.#erase();
    this.#terminal.print(text);
    this.#draw();
  }

  close(): void {
    if (this.#isClosed) return;
    clearInterval(this.#timer);
    if (this.#unfinished !== "") this.#print("\n");
    this.#draw();
    this.#isClosed = true;
    for (const undo of this.#undo) undo();
    process.off("exit", this.#onExit);
    this.#terminal.write(codes.showCursor);
  }

  #print(text: string | Uint8Array): void {
    const all = this.#unfinished + (typeof text === "string" ? text : Buffer.from(text).toString());
    const end = all.lastIndexOf("\n") + 1;
    this.#unfinished = all.slice(end);
    if (end === 0) return;
    this.#erase();
    this.#terminal.write(all.slice(0, end));
    this.#draw();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#terminal.write(`\x1b[${this.#drawn}A\r${codes.eraseDown}`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#isClosed) return;
    const lines = this.#lines();
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : "";
    this.#terminal.write(`${up}${codes.noWrap}${codes.eraseDown}${lines.join("\n")}\n${codes.wrap}`);
    this.#drawn = lines.length;
    this.#frame++;
  }

  #lines(): string[] {
    const { tasks, workflowId, runId, mode, startedAt } = this.#progress;
    const terminal = this.#terminal;
    const elapsed = startedAt === undefined ? "" : `  ${duration(Date.now() - startedAt)}`;
    const head = `${terminal.style("bold", terminal.line(workflowId))}  ${terminal.style("dim", `${runId}  ${mode}${elapsed}`)}`;
    const room = Math.max(1, terminal.rows - 4);
    const shown = tasks.length <= room ? tasks : mostImportant(tasks, room - 1);
    const width = Math.min(40, Math.max(...shown.map(({ id }) => terminal.line(id).length)));
    const lines = shown.map((task) => this.#taskLine(task, width));
    const hidden = tasks.filter((task) => !shown.includes(task));
    return [head, ...lines, ...(hidden.length > 0 ? [terminal.style("dim", `… ${countsOf(hidden)}`)] : [])];
  }

  #taskLine(task: TaskProgress, width: number): string {
    const { id, state, attempt, iteration, startedAt, durationMs, items, note } = task;
    const terminal = this.#terminal;
    const { sign, style } = mark(state);
    const isActive = state === "running" || state === "retrying";
    const turning = isActive ? (spinner[this.#frame % spinner.length] as string) : sign;
    const took = isActive && startedAt !== undefined ? Date.now() - startedAt : durationMs;
    const facts = [
      state === "pending" || state === "running" || state === "completed" ? "" : state,
      attempt > 1 && !items ? `attempt ${attempt}` : "",
      iteration > 1 ? `iteration ${iteration}` : "",
      items ? itemsText(items) : "",
      took === undefined ? "" : duration(took),
      note === undefined ? "" : terminal.line(note),
    ].filter((fact) => fact !== "");
    const name = terminal.line(id).padEnd(width);
    return `${terminal.style(style, turning)} ${state === "pending" ? terminal.style("dim", name) : name}  ${terminal.style("dim", facts.join("  "))}`;
  }
}

/** In their order; the later ones of equal importance. */
function mostImportant(tasks: readonly TaskProgress[], room: number): TaskProgress[] {
  const ranked = tasks.map((task, index) => ({ index, rank: importance.indexOf(task.state) }));
  const isOver = (rank: number): boolean => rank > importance.indexOf("pending");
  ranked.sort((a, b) => a.rank - b.rank || (isOver(a.rank) ? b.index - a.index : a.index - b.index));
  const chosen = new Set(ranked.slice(0, room).map(({ index }) => index));
  return tasks.filter((_, index) => chosen.has(index));
}

function countsOf(tasks: readonly TaskProgress[]): string {
  const counts = importance.map((state) => ({ state, count: tasks.filter((task) => task.state === state).length }));
  const texts = counts
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count.toLocaleString("en")} ${state}`);
  return `and ${texts.join(", ")}`;
}
