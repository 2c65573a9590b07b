// Writes that wait at the same time become one statement, so that parallel steps share one transaction and one sync.
import { GroupCommit } from "../shared/group-commit.ts";
import type { Connection } from "./postgres-client.ts";
import { isOwnFault } from "./postgres-error.ts";
import type { Statements } from "./postgres-table.ts";

const verbs = ["create", "put", "delete"] as const;

export interface Write {
  readonly verb: (typeof verbs)[number];
  readonly key: string;
  readonly value: Uint8Array;
}

/** A group may take several statements: what became of one is no matter of the others. */
type Outcome = PromiseSettledResult<boolean>;

/** Writes to one key are done in the order in which they were asked for. */
export class Writes {
  readonly #query: Connection["query"];
  readonly #statements: Statements;
  readonly #group: GroupCommit<Write, Outcome>;

  constructor(query: Connection["query"], statements: Statements) {
    this.#query = query;
    this.#statements = statements;
    this.#group = new GroupCommit<Write, Outcome>({
      commit: (writes) => this.#commit(writes),
      isOwnFault: () => false,
      size: ({ key, value }) => key.length + value.length,
    });
  }

  /** Gives whether something was written: `false` for a create whose key is taken. */
  async add(write: Write): Promise<boolean> {
    const outcome = await this.#group.add(write);
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }

  async #commit(writes: readonly Write[]): Promise<Outcome[]> {
    const outcomes = new Map<Write, Outcome>();
    for (const round of roundsOf(writes)) {
      for (const verb of verbs) {
        const alike = round.filter((write) => write.verb === verb);
        if (alike.length > 0) await this.#settle(alike, outcomes);
      }
    }
    return writes.map((write) => outcomes.get(write) as Outcome); // Each write is in one round.
  }

  async #settle(alike: readonly Write[], outcomes: Map<Write, Outcome>): Promise<void> {
    try {
      const answers = await this.#run(alike);
      for (const [index, write] of alike.entries())
        outcomes.set(write, { status: "fulfilled", value: answers[index] ?? false });
    } catch (reason) {
      // The server has undone the whole statement.
      if (alike.length > 1 && isOwnFault(reason)) for (const write of alike) await this.#settle([write], outcomes);
      else for (const write of alike) outcomes.set(write, { status: "rejected", reason });
    }
  }

  async #run(alike: readonly Write[]): Promise<boolean[]> {
    const verb = alike[0]?.verb ?? "create";
    // In one order in all processes: whoever wants the same keys then waits in line instead of for each other.
    const writes = [...firstOfEachKey(alike).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    const rows = await this.#query(...statementFor(verb, writes, this.#statements));
    if (verb !== "create") return alike.map(() => true);
    const created = new Set(rows.map(({ key }) => key));
    return alike.map(({ key }) => created.delete(key));
  }
}

/**
 * Rounds in which no key comes twice, in the order of the writes of each key. Only creates that follow one another share a
 * round: after the first one the key is taken, whoever took it.
 */
function roundsOf(writes: readonly Write[]): Write[][] {
  const rounds: Write[][] = [];
  const last = new Map<string, { readonly round: number; readonly verb: Write["verb"] }>();
  for (const write of writes) {
    const { key, verb } = write;
    const before = last.get(key);
    const isRival = verb === "create" && before?.verb === "create";
    const round = before === undefined ? 0 : before.round + (isRival ? 0 : 1);
    last.set(key, { round, verb });
    (rounds[round] ??= []).push(write);
  }
  return rounds;
}

function firstOfEachKey(writes: readonly Write[]): Map<string, Write> {
  const first = new Map<string, Write>();
  for (const write of writes) if (!first.has(write.key)) first.set(write.key, write);
  return first;
}

/** The text of the statement and its values. */
function statementFor(
  verb: Write["verb"],
  writes: readonly Write[],
  statements: Statements,
): [text: string, values: unknown[]] {
  const keys = writes.map(({ key }) => key);
  if (verb === "delete") return [statements.delete, [keys]];
  const [only] = writes;
  if (only && writes.length === 1) return [statements[verb].one, [only.key, only.value]];
  const lengths = writes.map(({ value }) => value.length);
  let next = 1; // As PostgreSQL counts.
  const starts = lengths.map((length) => (next += length) - length);
  return [statements[verb].many, [keys, starts, lengths, Buffer.concat(writes.map(({ value }) => value))]];
}
