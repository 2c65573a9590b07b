// Messages that wait for those before them: one at a time, in order, and not without end.

/** Sends a message; `false` says that there was no room for it. Never rejects. */
export type SendMessage = (hasRoom: boolean) => Promise<void>;

interface Waiting {
  readonly send: SendMessage;
  readonly done: () => void;
}

/** The most that wait. What is on its way comes on top. */
const mostWaiting = 100;

export class NotifyQueue {
  readonly #waiting: Waiting[] = [];
  #isWorking = false;

  /** Resolves when the message was sent or dropped. Where too many wait, the one that waits longest is: the newest says best how things stand. */
  add(send: SendMessage): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ send, done });
      if (!this.#isWorking) void this.#work();
      if (this.#waiting.length > mostWaiting) void this.#handle(this.#waiting.shift(), false);
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#handle(next, true);
    this.#isWorking = false;
  }

  async #handle(message: Waiting | undefined, hasRoom: boolean): Promise<void> {
    await message?.send(hasRoom);
    message?.done();
  }
}
