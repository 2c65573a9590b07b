// The spans of one start: run, tasks, attempts. Each is ended, whatever becomes of the step.
import type { ObservedStep, WorkflowEvent } from "../../src/events.ts";
import {
  type Attributes,
  type Context,
  type OpenTelemetryApi,
  type Span,
  type SpanContext,
  spanContextOf,
  statusError,
  type Tracer,
} from "./opentelemetry-api.ts";

interface Opened {
  readonly span: Span;
  readonly context: Context;
}

interface Attempt extends Opened {
  readonly taskId: string;
  readonly key: string;
}

export class RunTrace {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: Tracer;
  readonly #attributes: Attributes;
  readonly #run: Opened;
  readonly #tasks = new Map<string, Opened>();
  /** Attempts that have not ended: one that waits, or timed out, may never come back. */
  readonly #attempts = new Map<string, Map<string, Attempt>>();

  constructor(api: OpenTelemetryApi, workflowId: string, attributes: Attributes) {
    this.#api = api;
    this.#tracer = api.trace.getTracer("dotflow");
    this.#attributes = { ...attributes, "dotflow.workflow.id": workflowId };
    this.#run = this.#open(`workflow ${workflowId}`, {}, api.context.active());
  }

  get spanContext(): SpanContext {
    return this.#run.span.spanContext();
  }

  /** `observer` is the name under which the note of the start before was kept. */
  tell(event: WorkflowEvent, observer: string): void {
    const { span } = this.#run;
    switch (event.type) {
      case "run.started":
      case "run.resumed":
        this.#attributes["dotflow.run.id"] = event.runId;
        span.setAttributes({ "dotflow.run.id": event.runId, "dotflow.mode": event.mode, "dotflow.tasks": event.total });
        if (event.type === "run.resumed") this.#link(event.notes[observer], event.previousRunId);
        return undefined;
      case "run.completed":
      case "run.failed":
      case "run.suspended":
      case "run.cancelled":
        span.setAttributes({
          "dotflow.tasks.succeeded": event.succeeded,
          "dotflow.tasks.restored": event.restored,
          "dotflow.tasks.failed": event.failed,
          "dotflow.tasks.skipped": event.skipped,
        });
        return this.#end(event.type.slice("run.".length), event.error);
      case "run.refused":
      case "run.lost":
        return this.#end(event.type.slice("run.".length), event.error);
      case "step.started":
        this.#endTask(event.taskId, "interrupted");
        this.#tasks.set(
          event.taskId,
          this.#open(`task ${event.taskId}`, taskAttributes(event, event.reason), this.#run.context),
        );
        return undefined;
      case "step.retrying":
        return this.#endAttempt(event.taskId, keyOf(event), event.error);
      case "step.completed":
        return this.#endTask(event.taskId, "completed");
      case "step.failed":
        return this.#endTask(event.taskId, "failed", event.error);
      case "step.waiting":
        return this.#endTask(event.taskId, "waiting");
      case "step.skipped":
        span.addEvent("step.skipped", taskAttributes(event, event.reason));
        return undefined;
      case "warning":
        span.addEvent("warning", { "dotflow.message": event.message });
        return undefined;
      default:
        return undefined;
    }
  }

  /** Makes an attempt within a span of its own. */
  around(step: ObservedStep, next: () => Promise<unknown>): Promise<unknown> {
    const { taskId, name, attempt, iteration, item } = step;
    const parent = this.#tasks.get(taskId)?.context ?? this.#run.context;
    const attributes: Attributes = { ...taskAttributes(step), "dotflow.attempt": attempt };
    if (iteration > 1) attributes["dotflow.iteration"] = iteration;
    if (item !== undefined) attributes["dotflow.item"] = item;
    const opened = this.#open(`attempt ${name}`, attributes, parent);
    const key = keyOf(step);
    const attempts = this.#attempts.get(taskId) ?? new Map<string, Attempt>();
    this.#attempts.set(taskId, attempts.set(key, { ...opened, taskId, key }));
    // The context came from the same module.
    const running = this.#api.context.with(opened.context as never, next);
    const isOpen = (): boolean => this.#attempts.get(taskId)?.get(key)?.span === opened.span;
    return running.then(
      () => isOpen() && this.#endAttempt(taskId, key),
      (error: unknown) => isOpen() && this.#endAttempt(taskId, key, error),
    );
  }

  #open(name: string, attributes: Attributes, parent: Context): Opened {
    const all = { ...this.#attributes, ...attributes };
    // Span and context came from the same module.
    const span = this.#tracer.startSpan(name, { attributes: all }, parent as never);
    return { span, context: this.#api.trace.setSpan(parent as never, span as never) };
  }

  #link(note: string | undefined, previousRunId: string): void {
    const context = spanContextOf(note);
    if (context) this.#run.span.addLink?.({ context, attributes: { "dotflow.run.id": previousRunId } });
  }

  #endAttempt(taskId: string, key: string, error?: unknown): void {
    const attempts = this.#attempts.get(taskId);
    const attempt = attempts?.get(key);
    if (!attempt) return;
    attempts?.delete(key);
    if (attempts?.size === 0) this.#attempts.delete(taskId);
    if (error !== undefined) fail(attempt.span, error);
    attempt.span.end();
  }

  #endTask(taskId: string, status: string, error?: unknown): void {
    for (const key of [...(this.#attempts.get(taskId)?.keys() ?? [])]) this.#endAttempt(taskId, key, error);
    const task = this.#tasks.get(taskId);
    if (!task) return;
    this.#tasks.delete(taskId);
    task.span.setAttributes({ "dotflow.status": status });
    if (error !== undefined) fail(task.span, error);
    task.span.end();
  }

  #end(status: string, error: unknown): void {
    for (const taskId of [...this.#tasks.keys(), ...this.#attempts.keys()]) this.#endTask(taskId, status);
    const { span } = this.#run;
    span.setAttributes({ "dotflow.status": status });
    if (error !== undefined) fail(span, error);
    else if (status === "failed") span.setStatus({ code: statusError });
    span.end();
  }
}

function taskAttributes({ taskId, name }: { taskId: string; name: string }, reason?: string): Attributes {
  return { "dotflow.task.id": taskId, "dotflow.step": name, ...(reason !== undefined && { "dotflow.reason": reason }) };
}

function keyOf({ attempt, item }: { attempt: number; item?: string | undefined }): string {
  return JSON.stringify([attempt, item ?? null]);
}

function fail(span: Span, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  span.recordException(error);
  span.setStatus({ code: statusError, message: error.message });
}
