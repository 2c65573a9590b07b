// Writes that wait at the same time share one commit: who goes with whom, and who fails with whom.
import { describe, expect, it } from "vitest";
import { GroupCommit } from "../../providers/shared/group-commit.ts";

const megabyte = 1024 * 1024;

class TooLarge extends Error {}

interface Write {
  readonly name: string;
  readonly bytes?: number;
}

/** Commits what it is given, notes each group, and fails as `fault` says for its names. */
function committing(fault: (names: readonly string[]) => Error | undefined = () => undefined) {
  const groups: string[][] = [];
  /** What each commit waits for before it does anything. */
  const hold: { until: Promise<unknown> } = { until: Promise.resolve() };
  const writes = new GroupCommit<Write, string>({
    async commit(group) {
      const names = group.map(({ name }) => name);
      groups.push(names);
      await hold.until;
      const error = fault(names);
      if (error) throw error;
      return names.map((name) => `${name} is saved`);
    },
    isOwnFault: (error) => error instanceof TooLarge,
    size: ({ bytes = 1 }) => bytes,
  });
  const add = (...names: string[]): Promise<PromiseSettledResult<string>[]> =>
    Promise.allSettled(names.map((name) => writes.add({ name })));
  return { groups, hold, writes, add };
}

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index}`);

describe("writes", () => {
  it("go alone where nobody else waits", async () => {
    const { groups, add } = committing();
    await add("a");
    await add("b");
    expect(groups).toEqual([["a"], ["b"]]);
  });

  it("that wait at the same time share a commit, and each gets its own answer", async () => {
    const { groups, add } = committing();
    const answers = await add("a", "b", "c");
    expect(groups).toEqual([["a", "b", "c"]]);
    expect(answers.map((answer) => answer.status === "fulfilled" && answer.value)).toEqual([
      "a is saved",
      "b is saved",
      "c is saved",
    ]);
  });

  it("that follow from each other in one turn of the event loop share a commit", async () => {
    const { groups, add } = committing();
    const first = add("a");
    const second = Promise.resolve()
      .then(() => {})
      .then(() => add("b"));
    await Promise.all([first, second]);
    expect(groups).toEqual([["a", "b"]]);
  });

  it("that come while others are committed make the next group, never a commit beside it", async () => {
    const { groups, hold, add } = committing();
    let go = (): void => {};
    hold.until = new Promise<void>((resolve) => (go = resolve));
    const first = add("a");
    while (groups.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const later = [add("b"), add("c", "d")];
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(groups).toEqual([["a"]]);
    go();
    await Promise.all([first, ...later]);
    expect(groups).toEqual([["a"], ["b", "c", "d"]]);
  });

  it("are committed in their order, at most 1,000 at a time", async () => {
    const { groups, add } = committing();
    const names = namesOf(2_500);
    await add(...names);
    expect(groups.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(groups.flat()).toEqual(names);
  });

  it("are committed 16 MB at a time, and one that is larger goes alone", async () => {
    const { groups, writes } = committing();
    const sizes = { a: 10, b: 6, c: 1, d: 40, e: 1, f: 1 };
    await Promise.all(
      Object.entries(sizes).map(([name, megabytes]) => writes.add({ name, bytes: megabytes * megabyte })),
    );
    expect(groups).toEqual([["a", "b"], ["c"], ["d"], ["e", "f"]]);
  });
});

describe("a commit that fails", () => {
  it("fails all its writes, and none that come later", async () => {
    const gone = new Error("the connection is gone");
    let isGone = true;
    const { groups, add } = committing(() => (isGone ? gone : undefined));
    const answers = await add("a", "b");
    expect(answers).toEqual([
      { status: "rejected", reason: gone },
      { status: "rejected", reason: gone },
    ]);
    isGone = false;
    expect(await add("c")).toEqual([{ status: "fulfilled", value: "c is saved" }]);
    expect(groups).toEqual([["a", "b"], ["c"]]);
  });

  it("through the fault of one write fails that one alone", async () => {
    const tooLarge = new TooLarge("large");
    const { groups, add } = committing((names) => (names.includes("large") ? tooLarge : undefined));
    const answers = await add("a", "large", "b");
    expect(answers).toEqual([
      { status: "fulfilled", value: "a is saved" },
      { status: "rejected", reason: tooLarge },
      { status: "fulfilled", value: "b is saved" },
    ]);
    expect(groups).toEqual([["a", "large", "b"], ["a"], ["large"], ["b"]]);
  });

  it("of a write alone is not made again", async () => {
    const { groups, add } = committing(() => new TooLarge("large"));
    expect(await add("large")).toMatchObject([{ status: "rejected" }]);
    expect(groups).toEqual([["large"]]);
  });
});

describe("a write that is none", () => {
  it("is refused alone, and the others go on", async () => {
    const { groups, writes, add } = committing();
    const none = writes.add(undefined as never);
    await expect(Promise.all([none, add("a")])).rejects.toThrow(TypeError);
    await add("b");
    expect(groups.flat()).toEqual(["a", "b"]);
  });
});
