// Sends one message by HTTP: tries again where that may help, and gives up in time. Neither the address nor anything else that
// was sent stands in the reasons that it gives, because addresses and headers of these services are secrets.
import { type Clock, sleep } from "../../src/clock.ts";
import { delayAfter, type RetryPolicy } from "../../src/retry.ts";

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the body of an answer says, where a service tells more by it than by the status. */
export interface AnswerNote {
  /** Whether the message was refused although the status is 2xx. */
  readonly refused?: boolean;
  /** Whether another attempt may go through; by the status where it is not given. */
  readonly again?: boolean;
  /** Milliseconds to wait before that. */
  readonly after?: number | undefined;
  /** Why, in the words of the service. */
  readonly why?: string | undefined;
}

export interface SendOptions {
  readonly clock: Clock;
  readonly policy: RetryPolicy;
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** When to give up, by the monotonic clock. */
  readonly deadline: number;
  /** Makes the request of an attempt. */
  readonly post: () => Post;
  readonly readAnswer?: ((body: unknown) => AnswerNote) | undefined;
}

interface Failure {
  readonly why: string;
  readonly again: boolean;
  readonly after?: number | undefined;
}

/** As much of an answer is read. */
const mostBytes = 64 * 1024;

/** Gives nothing when the message was taken, else why not. Never rejects. */
export async function send(options: SendOptions): Promise<string | undefined> {
  const { clock, policy, deadline } = options;
  const left = (): number => deadline - clock.monotonic();
  if (left() <= 0) return "those before it took too long";
  for (let attempt = 1; ; attempt++) {
    const failure = await request(options, Math.min(options.timeout, left()));
    if (!failure) return undefined;
    if (!failure.again || attempt >= policy.attempts) return failure.why;
    const wait = failure.after ?? delayAfter(policy, attempt, Math.random());
    if (wait >= left()) return `${failure.why}, and it was too late for another attempt`;
    await sleep(clock, wait);
  }
}

async function request(options: SendOptions, limit: number): Promise<Failure | undefined> {
  const { clock, post, readAnswer } = options;
  const controller = new AbortController();
  const cancel = clock.timer(limit, () => controller.abort());
  try {
    const { url, headers, body } = post();
    // A redirect is not followed: it would hand the message, and maybe a token, to another server.
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: controller.signal });
    const text = await readText(answer);
    return judge(answer, readAnswer?.(parse(text)) ?? {}, clock.now());
  } catch (error) {
    if (controller.signal.aborted) return { why: `there was no answer within ${limit / 1_000} seconds`, again: true };
    return { why: `there was no connection${codeOf(error)}`, again: true };
  } finally {
    cancel();
  }
}

function judge({ ok, status, headers }: Response, note: AnswerNote, now: number): Failure | undefined {
  if (ok && !note.refused) return undefined;
  const isPassing = status === 408 || status === 425 || status === 429 || status >= 500;
  const said = note.why ? `: ${note.why}` : "";
  const redirected = status >= 300 && status < 400 ? ", a redirect, which is not followed" : "";
  return {
    why: `the answer was ${status}${redirected}${said}`,
    again: note.again ?? isPassing,
    after: note.after ?? retryAfter(headers.get("retry-after"), now),
  };
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const milliseconds = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

async function readText(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  if (!answer.body) return text;
  let bytes = 0;
  // The types of Node's own streams and of the web's differ, the streams do not.
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes >= mostBytes) break;
  }
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code alone: texts of these errors may have the address in them. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  const code = cause?.code;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]*$/.test(code) ? ` (${code})` : "";
}
