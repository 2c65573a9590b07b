// Writes that wait at the same time are handed over together, so that they share one transaction and one sync.

export interface GroupCommitOptions<Write, Answer> {
  /** Makes all `writes` durable and gives their answers in the same order; or rejects, and then none of them counts. */
  commit(writes: readonly Write[]): Promise<readonly Answer[]>;
  /** Whether an error is about one write alone: then those of its group are committed one by one. */
  isOwnFault(error: unknown): boolean;
  /** Bytes of a write. */
  size(write: Write): number;
}

interface Waiting<Write, Answer> {
  readonly write: Write;
  readonly bytes: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The most writes, and the most bytes, of one group. */
const mostWrites = 1_000;
const mostBytes = 16 * 1024 * 1024;

/** One commit at a time: what arrives meanwhile makes the next group. A write that comes alone waits for nobody. */
export class GroupCommit<Write, Answer> {
  readonly #options: GroupCommitOptions<Write, Answer>;
  readonly #waiting: Waiting<Write, Answer>[] = [];
  #busy = false;

  constructor(options: GroupCommitOptions<Write, Answer>) {
    this.#options = options;
  }

  add(write: Write): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // Here, where a write that is none fails itself alone.
      this.#waiting.push({ write, bytes: this.#options.size(write), resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      // The steps that end in this turn of the event loop come along.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(this.#nextGroup());
    }
    this.#busy = false;
  }

  async #commit(group: readonly Waiting<Write, Answer>[]): Promise<void> {
    try {
      const answers = await this.#options.commit(group.map(({ write }) => write));
      for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      if (group.length > 1 && this.#options.isOwnFault(error)) for (const each of group) await this.#commit([each]);
      else for (const { reject } of group) reject(error);
    }
  }

  #nextGroup(): Waiting<Write, Answer>[] {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length && count < mostWrites; count++) {
      bytes += (this.#waiting[count] as Waiting<Write, Answer>).bytes;
      if (bytes > mostBytes && count > 0) break;
    }
    return this.#waiting.splice(0, count);
  }
}
