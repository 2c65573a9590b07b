// Requests that wait for their turn: how many are under way, in which order the others come, and what a failure does.
import { describe, expect, it } from "vitest";
import { Turns } from "../../providers/shared/turns.ts";

/** Work that is noted when it begins, and goes on when it is told to. */
function working(atOnce: number) {
  const turns = new Turns(atOnce);
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const take = (name: string): Promise<string> =>
    turns.take(() => {
      begun.push(name);
      return new Promise((resolve, reject) => {
        ends.set(name, (error) => (error ? reject(error) : resolve(`${name} is done`)));
      });
    });
  const end = async (name: string, error?: Error): Promise<void> => {
    ends.get(name)?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { turns, begun, take, end };
}

describe("turns", () => {
  it("are so many at once, and go to the others in the order in which they came", async () => {
    const { begun, take, end } = working(2);
    const answers = Promise.all(["a", "b", "c", "d"].map(take));
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("a");
    for (const name of ["c", "d"]) await end(name);
    expect(await answers).toEqual(["a is done", "b is done", "c is done", "d is done"]);
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });

  it("are passed on by work that fails, and by work that throws at once", async () => {
    const { turns, begun, take, end } = working(1);
    const failing = Promise.allSettled([take("a")]);
    const throwing = Promise.allSettled([
      turns.take(() => {
        throw new Error("thrown");
      }),
    ]);
    const last = take("b");
    await end("a", new Error("failed"));
    expect([...(await failing), ...(await throwing)]).toMatchObject([
      { status: "rejected", reason: { message: "failed" } },
      { status: "rejected", reason: { message: "thrown" } },
    ]);
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(await last).toBe("b is done");
  });

  it("are never more at once when somebody comes in the moment in which a turn is passed on", async () => {
    const turns = new Turns(1);
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    await Promise.all([
      turns.take(work).then(() => turns.take(work)),
      turns.take(work).then(() => turns.take(work)),
      turns.take(work),
    ]);
    expect(most).toBe(1);
    await turns.take(work);
  });
});
