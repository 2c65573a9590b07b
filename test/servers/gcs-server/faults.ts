// What goes wrong on purpose. A test sets it with PUT /faults (JSON) and reads with GET /faults what was asked so far.
import { tooFast, Refusal } from "./answer.ts";

/** What a test can order. What is left out of a PUT is as it is by default. */
export interface FaultSettings {
  /** So many requests are done and get no answer: their connection is cut. @default 0 */
  readonly dropAnswers?: number;
  /** Milliseconds that each request waits before anything is done. @default 0 */
  readonly delay?: number;
  /** Answers with this status and `reason`, `count` times; with `applied` the request is done all the same. */
  readonly refuse?: {
    readonly status: number;
    readonly reason: string;
    readonly count: number;
    readonly applied?: boolean;
  };
  /** So many downloads get one bit flipped. @default 0 */
  readonly corrupt?: number;
  /** So many downloads stop in the middle, with the connection open. @default 0 */
  readonly stall?: number;
  /** Allows one mutation of a name per second, as the real service does. @default false */
  readonly limitMutations?: boolean;
  /** Requests must carry this bearer token. @default none is needed */
  readonly token?: string;
}

type Counter = "dropAnswers" | "corrupt" | "stall";

export class Faults {
  #settings: FaultSettings = {};
  #left = { dropAnswers: 0, corrupt: 0, stall: 0, refuse: 0 };
  readonly #lastMutations = new Map<string, number>();
  readonly #requests = new Map<string, number>();
  #underway = 0;
  #mostUnderway = 0;

  set(settings: FaultSettings): void {
    const { dropAnswers = 0, corrupt = 0, stall = 0, refuse } = settings;
    this.#settings = settings;
    this.#left = { dropAnswers, corrupt, stall, refuse: refuse?.count ?? 0 };
    this.#requests.clear();
    this.#mostUnderway = 0;
  }

  /** How often each kind of request came since the faults were set, refused ones included. */
  get requests(): Record<string, number> {
    return Object.fromEntries(this.#requests);
  }

  get delay(): number {
    return this.#settings.delay ?? 0;
  }

  /** How many requests were under way at once at most. */
  get mostUnderway(): number {
    return this.#mostUnderway;
  }

  begin(kind: string): void {
    this.#requests.set(kind, (this.#requests.get(kind) ?? 0) + 1);
    this.#mostUnderway = Math.max(this.#mostUnderway, ++this.#underway);
  }

  end(): void {
    this.#underway--;
  }

  /** Whether it is to happen now; so much less often from then on. */
  take(fault: Counter): boolean {
    if (this.#left[fault] === 0) return false;
    this.#left[fault]--;
    return true;
  }

  requireToken(header: string | undefined): void {
    const { token } = this.#settings;
    if (token === undefined || header === `Bearer ${token}`) return;
    if (header === undefined)
      throw new Refusal(401, "required", "Anonymous caller does not have storage.objects access.");
    throw new Refusal(401, "authError", "Invalid Credentials");
  }

  /** The refusal that was ordered, if it is to come now, and whether the request is done before it. */
  refusal(): { refusal: Refusal; applied: boolean } | undefined {
    const { refuse } = this.#settings;
    if (!refuse || this.#left.refuse === 0) return undefined;
    this.#left.refuse--;
    const refusal = new Refusal(refuse.status, refuse.reason, `Refused on purpose: ${refuse.reason}.`);
    return { refusal, applied: refuse.applied ?? false };
  }

  /** Called before each change of an object. */
  limitMutation(bucket: string, name: string): void {
    if (!this.#settings.limitMutations) return;
    const key = `${bucket}/${name}`;
    const now = performance.now();
    if (now - (this.#lastMutations.get(key) ?? -Infinity) < 1_000) throw tooFast(bucket, name);
    this.#lastMutations.set(key, now);
  }
}
