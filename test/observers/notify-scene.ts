// A real HTTP server that answers as a test says, the services that send to it, and workflows that give them something to say.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { action, DotFlow, type Observer, type RunResult, type WorkflowEvent } from "dotflow";
import { discord } from "dotflow/observers/discord";
import { slack } from "dotflow/observers/slack";
import { telegram } from "dotflow/observers/telegram";
import { webhook } from "dotflow/observers/webhook";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // JSON of any shape.
  readonly body: Record<string, unknown>;
}

/** `hang` never answers, `drop` breaks the connection, `garble` answers what is not HTTP, `echo` refuses with all that it was sent. */
export type Answer =
  | "echo"
  | "hang"
  | "drop"
  | "garble"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown };

/** Answers requests in turn as `answers` says, and those after that as `otherwise` does. */
export class LocalServer {
  readonly received: Received[] = [];
  answers: Answer[] = [];
  otherwise: Answer = { status: 200, body: { ok: true } };
  /** How many requests were under way at a time. */
  atOnce = 0;
  #open = 0;
  readonly #server: Server = createServer((request, response) => void this.#take(request, response));

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A request that is given up before it arrives would be an answer less for the next test. */
  async untilReceived(count: number): Promise<void> {
    await vi.waitUntil(() => this.received.length >= count, { timeout: 20_000 });
  }

  reset(): void {
    this.received.length = 0;
    this.answers = [];
    this.otherwise = { status: 200, body: { ok: true } };
    this.atOnce = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A kept connection that is closed here would cost the next test an attempt.
    response.shouldKeepAlive = false;
    this.atOnce = Math.max(this.atOnce, ++this.#open);
    response.on("close", () => this.#open--);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as Received["body"];
    this.received.push({ path: request.url ?? "", headers: request.headers, text, body });
    const answer = this.answers.shift() ?? this.otherwise;
    if (answer === "hang") return;
    if (answer === "drop") return void request.socket.destroy();
    if (answer === "garble") return void request.socket.end("this is not HTTP\r\n\r\n");
    if (answer === "echo") {
      const sent = `${this.url}${request.url} ${JSON.stringify(request.headers)}`;
      response.writeHead(404, sent.replaceAll(/\W/g, " "), { "content-type": "application/json" });
      return void response.end(
        JSON.stringify({ ok: false, message: sent, description: sent, error: sent, code: sent }),
      );
    }
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }
}

/** A server for the tests of a file. */
export function localServer(): LocalServer {
  const server = new LocalServer();
  beforeAll(() => server.listen());
  beforeEach(() => server.reset());
  afterAll(() => server.close());
  return server;
}

export const secrets = {
  slackToken: "xoxb-1111-abcdefSECRET",
  telegramToken: "123456:ABC-DEF_SECRET",
  path: "SECRETpath",
  header: "SECRETheader",
  signing: "whsec_U0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVU",
};

/** Options that all of them take. */
type Shared = Pick<
  Parameters<typeof webhook>[0],
  "events" | "timeout" | "giveUpAfter" | "retry" | "retryDelay" | "clock"
>;

/** Every service, sending to `url`. */
export const services: Record<string, (url: string, options?: Shared) => Observer> = {
  webhook: (url, options) =>
    webhook({
      url: `${url}/${secrets.path}`,
      headers: { authorization: `Bearer ${secrets.header}` },
      secret: secrets.signing,
      ...options,
    }),
  "slack, webhook": (url, options) => slack({ webhookUrl: `${url}/services/${secrets.path}`, ...options }),
  "slack, token": (url, options) => slack({ apiUrl: url, token: secrets.slackToken, channel: "C01", ...options }),
  discord: (url, options) => discord({ webhookUrl: `${url}/api/webhooks/1/${secrets.path}`, ...options }),
  telegram: (url, options) => telegram({ apiUrl: url, token: secrets.telegramToken, chatId: -100, ...options }),
};

/** What `text` must not hold: the secrets of all services, as they are and as parts of addresses. */
export function secretsIn(text: string): string[] {
  const parts = [...Object.values(secrets), "ABC-DEF", "abcdefSECRET", "U0VDUkVU", "SECRET"];
  return parts.filter((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret)));
}

/** Everything of a value, also what is hidden. */
export function allOf(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity });
}

/** The text of an event as people see it, whichever the service is. */
export function textIn({ body }: Received): string {
  const { content, text } = body;
  if (typeof content === "string") return content.replaceAll("\\", "");
  return typeof text === "string" ? text : JSON.stringify(body);
}

/** Notes events. */
export class Listener implements Observer {
  readonly events: WorkflowEvent[] = [];

  onEvent(event: WorkflowEvent): void {
    this.events.push(event);
  }

  get warnings(): string[] {
    return this.events.flatMap((event) => (event.type === "warning" ? event.message : []));
  }
}

/** Runs a workflow of one step, which fails with `error` where there is one. */
export function runWith(observers: readonly Observer[], error?: Error, workflowId = "nightly"): Promise<RunResult> {
  const workflow = new DotFlow({ workflowId, observers });
  workflow.task.add(
    action({ name: "load" }, () => {
      if (error !== undefined) throw error;
    }),
  );
  return workflow.start();
}

/** An event as a run hands it over, for tests without a run. */
export function failedEvent(runId = "r1"): WorkflowEvent {
  const counts = { succeeded: 1, restored: 0, failed: 1, skipped: 0, durationMs: 1_500 };
  return { type: "run.failed", workflowId: "nightly", runId, startId: runId, time: new Date(0), ...counts };
}
